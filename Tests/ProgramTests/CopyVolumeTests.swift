import Foundation
import Glibc
import Store
import Testing

/// Volumes and bind mounts, as `cp` sees them in a container that does not run, and as their users see
/// them.
@Suite(.serialized, .enabled(if: Program.obstacle == nil, "\(Program.obstacle ?? "")"))
struct CopyVolumeTests {
    private func mount(
        _ source: ContainerSettings.ContainerMount.Source, _ target: String, readOnly: Bool = false
    ) -> ContainerSettings.ContainerMount {
        var mount = ContainerSettings.ContainerMount(source, target: target)
        mount.isReadOnly = readOnly
        return mount
    }

    @Test func `volumes and bind mounts are where they are when it runs`() throws {
        try withCopyFixture { program in
            let data = program.directory + "/store/volumes/data/data"
            try program.run("volume", "create", "data")
            try program.setMounts(
                [
                    mount(.volume(name: "data", isAnonymous: false), "/etc"),
                    mount(.bind(path: program.directory + "/dir", isMade: false), "/mnt/host"),
                    mount(.bind(path: program.directory + "/file", isMade: false), "/mnt/one"),
                    mount(.bind(path: program.directory + "/gone", isMade: false), "/mnt/gone"),
                    mount(.memory(sizeBytes: nil, mode: nil), "/run"),
                ], of: "web")
            // The new volume is filled with what the image has there.
            #expect(try program.run("cp", "web:/etc/passwd", "got").status == 0)
            #expect(try program.read("got") == "passwd\n")
            #expect(try program.run("cp", "file", "web:/etc/new").status == 0)
            #expect(
                try program.run(shell: "cat \(data)/passwd \(data)/new").text == "passwd\nhello")
            #expect(try program.run("cp", "file", "web:/mnt/host/sub").status == 0)
            #expect(try program.read("dir/sub/file") == "hello")
            // A file that is mounted is written to, not replaced.
            _ = try program.run(shell: "printf replaced > other; ln file link")
            #expect(try program.run("cp", "other", "web:/mnt/one").status == 0)
            #expect(try program.read("link") == "replaced")
            let out = try program.run(shell: "$VITRINE cp -q web:/mnt got2 && find got2 | sort")
                .text
            #expect(
                out == "got2\ngot2/host\ngot2/host/a\ngot2/host/sub\ngot2/host/sub/b\n"
                    + "got2/host/sub/file\ngot2/one\n", "\(out)")
            // Nothing of it became the container's own.
            try program.setMounts([], of: "web")
            #expect(
                try program.listing("web", "/etc")
                    == "dangling l nowhere\npasswd f\nplink l passwd\npasswd\n")
            #expect(try program.run("cp", "web:/mnt", "got3").status == 1)
        }
    }

    @Test func `volumes and bind mounts are there for cp where the container is mounted`() throws {
        try withCopyFixture { program in
            try program.setMounts(
                [
                    mount(.volume(name: "data", isAnonymous: false), "/data"),
                    mount(.volume(name: "filled", isAnonymous: false), "/etc"),
                    mount(.bind(path: program.directory + "/dir", isMade: false), "/mnt/host"),
                    mount(
                        .bind(path: program.directory + "/file", isMade: false), "/mnt/one",
                        readOnly: true),
                ], of: "web")
            #expect(try program.run("mount", "web", "m").status == 0)
            let places = "find m/data m/mnt | sort"
            let empty = "m/data\nm/mnt\nm/mnt/host\nm/mnt/one\n"
            #expect(try program.run(shell: places).text == empty)
            for target in ["/data", "/mnt/host/sub", "/opt/app", "/etc/new"] {
                let copied = try program.run("cp", "file", "web:\(target)")
                #expect(copied.status == 0, "\(copied)")
            }
            let refused = try program.run("cp", "dir/a", "web:/mnt/one")
            #expect(refused.status == 1)
            #expect(refused.errors.contains("Read-only"), "\(refused.errors)")
            let written =
                "cat store/volumes/data/data/file store/volumes/filled/data/new dir/sub/file m/opt/app/file"
            #expect(try program.run(shell: written).text == "hellohellohellohello")
            // The mount itself is as it was, and the container got its own files only.
            #expect(try program.run(shell: places).text == empty)
            #expect(try program.run(shell: "ls m/etc").text.contains("new") == false)
            #expect(
                try program.run(shell: "$VITRINE cp web:/data/file - | tar -xO").text == "hello")
            #expect(try program.run("cp", "web:/etc/passwd", "got").status == 0)
            #expect(try program.read("got") == "passwd\n")
            let changes = try program.run("diff", "web").text
            #expect(changes == "C /opt/app\nA /opt/app/file\n", "\(changes)")
            #expect(
                try program.run(shell: "grep -c \"$PWD/store\" /proc/self/mountinfo; true").text
                    == "0\n")
            #expect(try program.run("umount", "m").status == 0)
        }
    }

    private func volume(
        _ name: String, _ target: String, readOnly: Bool = false
    ) -> ContainerSettings.ContainerMount {
        mount(.volume(name: name, isAnonymous: false), target, readOnly: readOnly)
    }

    @Test func `a mount inside of another one gets its place there`() throws {
        try withCopyFixture { program in
            try program.setMounts(
                [
                    volume("outer", "/d"), volume("inner", "/d/sub/er"),
                    mount(.bind(path: program.directory + "/dir", isMade: false), "/h"),
                    volume("below", "/h/new"),
                    mount(
                        .bind(path: program.directory + "/file", isMade: false), "/d/deep/er/f"),
                ], of: "web")
            let read = try program.run(shell: "umask 077; $VITRINE cp web:/etc/passwd got")
            #expect(read.status == 0, "\(read)")
            #expect(try program.read("got") == "passwd\n")
            let places = """
                (cd store/volumes/outer/data && find . -mindepth 1 -printf '%P %y %m %s\\n' \
                | sed 's/\\( d [0-9]*\\) .*/\\1/'; cd "$OLDPWD/dir" && find new -printf '%P %y %m\\n') \
                | LC_ALL=C sort
                """
            let made = try program.run(shell: places).text
            #expect(
                made == " d 755\ndeep d 755\ndeep/er d 755\ndeep/er/f f 644 0\nsub d 755\n"
                    + "sub/er d 755\n", "\(made)")
            #expect(try program.run("cp", "dir/a", "web:/d/sub/er").status == 0)
            #expect(try program.run("cp", "dir/a", "web:/h/new/b").status == 0)
            #expect(try program.run("cp", "dir/a", "web:/d/deep/er/f").status == 0)
            let copied = "cat store/volumes/inner/data/a store/volumes/below/data/b file"
            #expect(try program.run(shell: copied).text == "aaa")
            #expect(try program.run("diff", "web").text == "")
        }
    }

    @Test func `where its place cannot be made, all other paths are copied`() throws {
        try withCopyFixture { program in
            try program.setMounts(
                [volume("outer", "/d", readOnly: true), volume("inner", "/d/sub")], of: "web")
            #expect(try program.run("cp", "web:/etc/passwd", "got").status == 0)
            #expect(try program.run("cp", "file", "web:/opt/app").status == 0)
            let refused = try program.run("cp", "file", "web:/d/sub")
            #expect(refused.errors == "Error: mounted volume is marked read-only\n")
            #expect(try program.run(shell: "ls store/volumes/outer/data").text == "")
        }
    }

    @Test func `a link in the outer mount leads nowhere outside of the container`() throws {
        try withCopyFixture { program in
            try program.run("volume", "create", "outer")
            let links = """
                mkdir outside; cd store/volumes/outer/data; ln -s "$OLDPWD/outside" out
                ln -s ../../../../../../../../../../../.."$OLDPWD/outside" up; ln -s made/there in
                """
            #expect(try program.run(shell: links).status == 0)
            try program.setMounts(
                [
                    volume("outer", "/d"), volume("one", "/d/out/x"), volume("two", "/d/up/y"),
                    volume("three", "/d/in"),
                ], of: "web")
            for target in ["/d/out/x", "/d/up/y", "/d/in"] {
                let copied = try program.run("cp", "file", "web:\(target)")
                #expect(copied.status == 0, "\(copied)")
            }
            let written = "cd store/volumes; cat one/data/file two/data/file three/data/file"
            #expect(try program.run(shell: written).text == "hellohellohello")
            #expect(try program.run(shell: "ls outside").text == "")
            #expect(
                try program.run(
                    shell: "ls store/volumes/outer/data/made/there; ls -d "
                        + "store/volumes/outer/data/made/there"
                ).text
                    == "store/volumes/outer/data/made/there\n")
        }
    }

    @Test func `what is mounted read-only is not written to`() throws {
        try withCopyFixture { program in
            try program.run("volume", "create", "data")
            let mounts = [
                mount(.volume(name: "data", isAnonymous: false), "/opt/app", readOnly: true),
                mount(.bind(path: program.directory + "/dir", isMade: false), "/tmp"),
            ]
            try program.setMounts(mounts, of: "web", isRootReadOnly: true)
            for (path, text) in [
                ("/opt/app", "mounted volume is marked read-only"),
                ("/etc/passwd", "container rootfs is marked read-only"),
                ("/new", "container rootfs is marked read-only"),
            ] {
                for source in ["file", "dir"] where source == "file" || path == "/opt/app" {
                    let refused = try program.run("cp", source, "web:\(path)")
                    #expect(refused.status == 1)
                    #expect(refused.errors == "Error: \(text)\n")
                }
            }
            let tar = try program.run(shell: "tar -c file | $VITRINE cp - web:/opt/app")
            #expect(tar.errors.contains("mounted volume is marked read-only"))
            #expect(try program.run("cp", "file", "web:/tmp").status == 0)
            #expect(try program.read("dir/file") == "hello")
            #expect(try program.run("cp", "web:/etc/passwd", "out").status == 0)
        }
    }

    @Test func `a link in a container never moves a mount out of it`() throws {
        try withCopyFixture { program in
            _ = try program.run(
                shell: "mkdir outside && $VITRINE mount web m && ln -s $PWD/outside m/opt/evil "
                    + "&& ln -s ../../../../../../../..$PWD/outside m/opt/dots; $VITRINE umount m")
            for target in ["/opt/evil", "/opt/dots/x", "/opt/app/../evil"] {
                try program.setMounts(
                    [mount(.bind(path: program.directory + "/dir", isMade: false), target)],
                    of: "web")
                _ = try program.run("cp", "file", "web:\(target)/planted")
                #expect(try program.names(in: "outside") == [], "\(target)")
                #expect(
                    try program.run(shell: "grep -c \"$PWD/outside\" /proc/self/mountinfo; true")
                        .text
                        == "0\n")
            }
        }
    }

    @Test func `volumes have Docker's vocabulary`() throws {
        try withCopyFixture { program in
            let run = { (arguments: [String]) in try program.run(arguments: ["volume"] + arguments)
            }
            #expect(try run(["create", "data", "--label", "use=test"]).text == "data\n")
            #expect(try run(["create", "data"]).text == "data\n")
            let anonymous = try run(["create"]).text.trimmingCharacters(in: .newlines)
            #expect(anonymous.wholeMatch(of: #/[0-9a-f]{64}/#) != nil)
            let wrong = try run(["create", "a/b"])
            #expect(wrong.status == 1)
            #expect(wrong.errors.contains("\"a/b\" is no name for a volume"))
            try program.setMounts(
                [mount(.volume(name: "data", isAnonymous: false), "/data")], of: "web")
            #expect(
                try run(["ls"]).text.split(separator: "\n")
                    == ["DRIVER   VOLUME NAME"]
                    + ["data", anonymous].sorted().map { "local    \($0)" })
            for (filter, expected) in [
                ("dangling=true", "\(anonymous)\n"), ("dangling=false", "data\n"),
                ("name=at", "data\n"), ("label=use", "data\n"), ("label=use=test", "data\n"),
                ("label=use=other", ""), ("label=none", ""),
            ] {
                #expect(try run(["ls", "-q", "--filter", filter]).text == expected, "\(filter)")
            }
            #expect(
                try run(["ls", "-q", "-f", "nothing=x"]).errors.contains("there is no filter"))
            #expect(
                try run(["inspect", "-f", "{{.Name}} {{.Driver}} {{.Labels.use}}", "data"]).text
                    == "data local test\n")
            #expect(try run(["inspect", "none"]).status == 1)
            let refused = try run(["rm", "data"])
            #expect(refused.status == 1)
            #expect(
                refused.errors.contains("the volume \"data\" is in use by container \"web\""))
            #expect(try run(["rm", "--force", "data"]).status == 1)
            #expect(try run(["rm", "none"]).errors.contains("there is no volume \"none\""))
            #expect(try run(["rm", "-f", "none"]).status == 0)
            _ = try program.run(shell: "printf 12345 > store/volumes/\(anonymous)/data/f")
            #expect(
                try run(["prune", "--force"]).text
                    == "Deleted Volumes:\n\(anonymous)\n\nTotal reclaimed space: 5B\n")
            #expect(try run(["create", "named"]).status == 0)
            #expect(try run(["prune", "-f"]).text == "Total reclaimed space: 0B\n")
            #expect(
                try run(["prune", "--all", "-f", "--filter", "label=x", "--json"]).text
                    .contains("\"VolumesDeleted\": []"))
            #expect(
                try run(["prune", "-f", "--filter", "all=1"]).text
                    == "Deleted Volumes:\nnamed\n\nTotal reclaimed space: 0B\n")
            #expect(try program.run("gc").status == 0)
            #expect(try run(["ls", "-q"]).text == "data\n")
        }
    }
}
