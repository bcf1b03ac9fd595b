import Foundation
import Glibc
import Testing

/// What can be mounted, and how mounts are named when they are taken away.
@Suite(.serialized, .enabled(if: Program.obstacle == nil, "\(Program.obstacle ?? "")"))
struct MountSourceTests {
    private func withBase(_ body: (Program) throws -> Void) throws {
        let program = try Program()
        defer { program.remove() }
        try program.importBase()
        try body(program)
    }

    @Test func `archives, layouts and directories are mounted, and leave no image`() throws {
        try withBase { program in
            try program.run("tag", "base", "app:1")
            try program.run("save", "-o", "d.tar", "base")
            try program.run("save", "-o", "o.tar", "--format", "oci-archive", "base")
            try program.run("save", "-o", "layout", "--format", "oci-dir", "base", "app:1")
            let other = program.directory + "/other"
            for source in [
                "docker-archive:d.tar", "docker-archive:d.tar:base", "oci-archive:o.tar",
                "oci:layout", "oci:layout:app:1", "oci:layout:1", "dir:rootfs",
            ] {
                let mount = try program.run("--root", other, "mount", source, "m")
                #expect(mount.status == 0, "\(source): \(mount.errors)")
                #expect(try program.read("m/etc/passwd").hasPrefix("root:"), "\(source)")
                // What is shown is not collected.
                #expect(try program.run("--root", other, "gc").status == 0)
                #expect(try program.read("m/usr/share/data/7").hasPrefix("7 7 "), "\(source)")
                let diff = try program.run("--root", other, "diff", "./m")
                #expect(diff.errors.contains("is no image of the store"))
                #expect(try program.run("umount", "m").status == 0)
                #expect(try program.run("--root", other, "images", "-q").text == "")
            }
            // The process of the last one may still be ending.
            var left = ""
            for _ in 0..<6000 {
                try program.run("--root", other, "gc")
                left = try program.run("--root", other, "gc", "--dry-run").text
                if try Self.objects(in: other) == 0 { break }
                usleep(10_000)
            }
            #expect(try Self.objects(in: other) == 0, "\(left)")
        }
    }

    private static func objects(in store: String) throws -> Int {
        let files = FileManager.default.enumerator(atPath: store + "/objects")
        return files?.filter { ($0 as? String)?.count ?? 0 > 20 }.count ?? 0
    }

    @Test func `an archive of several images asks which`() throws {
        try withBase { program in
            try program.write("FROM base\nLABEL a=b\n", to: "context/Dockerfile")
            try program.run("build", "-t", "app", "context")
            try program.run("save", "-o", "two.tar", "base", "app")
            let both = try program.run("mount", "docker-archive:two.tar", "m")
            #expect(both.status == 1)
            #expect(both.errors.contains("holds 2 images"))
            #expect(both.errors.contains("base:latest, app:latest"))
            // Once is enough.
            #expect(both.errors.components(separatedBy: "holds 2 images").count == 2)
            #expect(try program.run("mount", "docker-archive:two.tar:app", "m").status == 0)
            #expect(try program.run("umount", "m").status == 0)
            let remote = try program.run("mount", "docker://debian:12", "m")
            #expect(remote.status == 1)
            #expect(remote.errors.contains("skopeo copy docker://debian:12"))
        }
    }

    @Test func `a mount is taken away by any path that leads to it`() throws {
        try withBase { program in
            try FileManager.default.createSymbolicLink(
                atPath: program.directory + "/link", withDestinationPath: "m")
            for path in ["link", "./m/.", "m/../m/", "link/"] {
                #expect(try program.run("mount", "base", "m").status == 0)
                let umount = try program.run("umount", path)
                #expect(umount.status == 0, "\(path): \(umount.errors)")
            }
            try program.run("mount", "base", "m")
            let inside = try program.run(shell: "cd m && exec $VITRINE umount --lazy .")
            #expect(inside.status == 0, "\(inside.errors)")
            let missing = try program.run("umount", "m")
            #expect(missing.errors.hasPrefix("Error: nothing is mounted at "))
        }
    }

    @Test func `a mount whose process was killed is taken away through a link too`() throws {
        try withBase { program in
            try FileManager.default.createSymbolicLink(
                atPath: program.directory + "/up", withDestinationPath: ".")
            let process = try program.start(["mount", "--foreground", "base", "m"])
            while try program.run("mount", "--format", "{{.MountPoint}}").text
                .contains(program.directory) == false
            { usleep(10_000) }
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            #expect(try program.run("umount", "up/m").status == 0)
        }
    }

    @Test func `umount does not wait for who never asks how the server ended`() throws {
        try withBase { program in
            let parent = try program.start(
                shell: "$VITRINE mount --foreground base m & exec sleep 15")
            defer {
                parent.terminate()
                parent.waitUntilExit()
            }
            while try program.run("mount", "--format", "{{.MountPoint}}").text
                .contains(program.directory) == false
            { usleep(10_000) }
            #expect(try program.run("umount", "m").status == 0)
            // The server is a zombie as long as its parent lives.
            #expect(try program.children(of: parent.processIdentifier).count == 1)
            #expect(parent.isRunning)
        }
    }

    @Test func `umount says in whose namespace the mount lives on, and does not wait`() throws {
        try withBase { program in
            #expect(try program.run("mount", "base", "m").status == 0)
            let other = try program.start(
                shell: "exec unshare -m --propagation private sh -c '> ready; exec sleep 100'")
            while !FileManager.default.fileExists(atPath: program.directory + "/ready") {
                usleep(10_000)
            }
            // Short of memory, the kernel forgets what /proc looked like.
            let umount = try program.run(
                shell: "(sleep 1; echo 2 > /proc/sys/vm/drop_caches) & exec $VITRINE umount m")
            #expect(umount.status == 0)
            #expect(
                umount.errors.contains(
                    "m is unmounted; it lives on in the mount namespace of process "
                        + "\(other.processIdentifier) (sleep)"),
                "\(umount.errors)")
            other.terminate()
            other.waitUntilExit()
        }
    }

    @Test func `umount waits for the mount's own process, whatever had its number before`() throws {
        try withBase { program in
            // Mounts whose file system is gone and whose process is not: one more each round, since
            // the number may go to a mount of anybody.
            var stopped: [Process] = []
            defer {
                for process in stopped {
                    kill(process.processIdentifier, SIGCONT)
                    process.waitUntilExit()
                }
            }
            for _ in 1...20 {
                let old = try mount(program)
                kill(old.server.processIdentifier, SIGSTOP)
                stopped.append(old.server)
                #expect(try program.run(shell: "exec umount -i m").status == 0)
                let new = try mount(program)
                let umount = try program.run(shell: "exec timeout 60 $VITRINE umount m")
                #expect(umount.status == 0)
                #expect(umount.errors.isEmpty, "\(umount.errors)")
                new.server.waitUntilExit()
                if new.device == old.device { return }
            }
            Issue.record("no mount got the number of the one before it")
        }
    }

    /// Mounts at `m`.
    private func mount(_ program: Program) throws -> (device: Int, server: Process) {
        func device() throws -> Int {
            let attributes = try FileManager.default.attributesOfItem(
                atPath: program.directory + "/m")
            return try #require(attributes[.systemNumber] as? Int)
        }
        let before = try device()
        let server = try program.start(["mount", "--foreground", "base", "m"])
        try Program.wait { try device() != before }
        return (try device(), server)
    }

    @Test func `a directory that is gone is not the root`() throws {
        try withBase { program in
            for command in ["mount base .", "umount ."] {
                let result = try program.run(
                    shell: "mkdir gone && cd gone && rmdir ../gone && exec $VITRINE \(command)")
                #expect(result.status == 1)
                #expect(result.errors.contains("working directory, which is gone"))
            }
        }
    }

    @Test func `the gallery is its owner's unless it is opened, and served once`() throws {
        try withBase { program in
            unsafe chmod(program.directory, 0o755)
            let other = "setpriv --reuid 12345 --regid 12345 --clear-groups ls gallery"
            #expect(try program.run("serve", "-d").status == 0)
            #expect(try program.run(shell: other).status != 0)
            let again = try program.run("serve", "-d")
            #expect(again.status == 1)
            #expect(again.errors.contains("already served at"))
            #expect(try program.run("umount", "gallery").status == 0)
            #expect(try program.run("serve", "-d", "--allow-other").status == 0)
            #expect(try program.run(shell: other).text.contains("images"))
            #expect(try program.run("umount", "gallery").status == 0)
        }
    }

    @Test func `the list of mounts is for programs too, and escapes what is in names`() throws {
        try withBase { program in
            try program.write("", to: "a\nb/x")
            try FileManager.default.removeItem(atPath: program.directory + "/a\nb/x")
            #expect(try program.run("mount", "base", "a\nb").status == 0)
            #expect(try program.run("mount").text.contains("/a\\nb "))
            let json = try program.run("mount", "--json").text
            #expect(json.contains("a\\nb\""))
            #expect(try program.run("umount", "a\nb").status == 0)
        }
    }

    @Test func `a step has as many files as Docker gives it, and its mount is not listed`() throws {
        try withBase { program in
            try program.write(
                "FROM base\nRUN ulimit -n; echo be''gun; sleep 2\n", to: "c/Dockerfile")
            let process = try program.start(
                shell: "ulimit -S -n 64; exec $VITRINE build --progress=plain c",
                errors: try program.file("progress"))
            try program.wait(for: " begun\n", in: "progress")
            #expect(!(try program.run("mount").text.contains("vitrine:step")))
            process.waitUntilExit()
            var limit = rlimit()
            unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            let expected = min(1_048_576, limit.rlim_max)
            #expect(try program.read("progress").contains(" \(expected)\n"))
        }
    }

    @Test func `a view has more files open than programs usually may`() throws {
        try withBase { program in
            let files = program.directory + "/many"
            try FileManager.default.createDirectory(
                atPath: files, withIntermediateDirectories: true)
            for number in 0..<300 {
                try Data("\(number)".utf8).write(to: URL(filePath: files + "/\(number)"))
            }
            try program.run("import", files, "many")
            #expect(
                try program.run(shell: "ulimit -S -n 100; exec $VITRINE mount --rw many m").status
                    == 0)
            var open: [FileHandle] = []
            for number in 0..<300 {
                open.append(
                    try #require(
                        FileHandle(
                            forUpdatingAtPath: program.directory + "/m/\(number)")))
            }
            for file in open {
                try file.write(contentsOf: Data("x".utf8))
                try file.close()
            }
            // What other tests start at this moment may have been given one of them.
            var left = 100
            while try program.run("umount", "m").status != 0, left > 0 {
                usleep(50_000)
                left -= 1
            }
            #expect(left > 0)
        }
    }
}
