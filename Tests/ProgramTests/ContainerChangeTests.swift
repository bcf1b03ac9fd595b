import Foundation
import Glibc
import Testing

/// What a container changed, as its users see it: `diff`, the gallery, `commit`, `export`.
@Suite(.serialized, .enabled(if: Program.obstacle == nil, "\(Program.obstacle ?? "")"))
struct ContainerChangeTests {
    private func withProgram(_ body: (Program) throws -> Void) throws {
        let program = try Program()
        defer {
            for place in ["m", "gallery"] { _ = try? program.run("umount", "--lazy", place) }
            program.remove()
        }
        try program.write("g:x:1:\n", to: "rootfs/etc/group")
        try program.write("keep\n", to: "rootfs/etc/keep")
        try program.write("1\n", to: "rootfs/opt/gone/a/b")
        try program.write("2\n", to: "rootfs/usr/lib/app/part")
        try program.write("3\n", to: "rootfs/usr/lib/kind")
        _ = try program.run(shell: "ln rootfs/etc/keep rootfs/etc/other")
        try program.importBase()
        try program.run("create", "--name", "web", "base")
        try body(program)
    }

    /// What ordinary tools do to the root file system in the working directory.
    private static let work = #"""
        set -e
        echo hi > new; mkdir d; echo x > d/y
        rm etc/passwd; echo more >> etc/group; rm -r opt/gone
        chmod 600 usr/share/data/5; touch usr/share/data/6
        mkfifo fifo; mknod null c 1 3; ln etc/keep etc/third
        printf x > "$(printf 'bad\377')"
        cat etc/keep usr/share/data/* > /dev/null; ls -lR . > /dev/null
        mkdir passing; rmdir passing
        """#

    /// In the order of paths. "passing" leaves no trace but the root's time.
    private static let lines = """
        A /bad\\xff
        A /d
        A /d/y
        C /etc
        C /etc/group
        D /etc/passwd
        A /etc/third
        A /fifo
        A /new
        A /null
        C /opt
        D /opt/gone
        C /usr/share/data/5
        C /usr/share/data/6

        """

    private func change(_ program: Program) throws {
        #expect(try program.run("mount", "web", "m").status == 0)
        let result = try program.run(shell: "cd m && \(Self.work)")
        #expect(result.status == 0, "\(result.errors)")
    }

    // MARK: - diff

    @Test func `diff tells the truth while a container is mounted, and after`() throws {
        try withProgram { program in
            #expect(try program.run("diff", "web").text == "")
            try change(program)
            #expect(try program.run("diff", "web").text == Self.lines)
            #expect(try program.run("diff", "./m").text == Self.lines)
            #expect(try program.run("diff", "./m/etc").text == "C /group\nD /passwd\nA /third\n")
            #expect(try program.run("umount", "m").status == 0)
            #expect(try program.run("diff", "web").text == Self.lines)
            let id = try program.run("ps", "-aq").text.prefix(6)
            #expect(try program.run("diff", String(id)).text == Self.lines)
            let backwards = try program.run("diff", "web", "base").text
            #expect(backwards.contains("D /new\n") && backwards.contains("A /etc/passwd\n"))
        }
    }

    @Test func `the lines of diff come in other forms`() throws {
        try withProgram { program in
            #expect(try program.run("mount", "web", "m").status == 0)
            _ = try program.run(
                shell: "printf 12345 > m/a; printf 678 >> m/etc/group; rm -r m/usr/share/data")
            #expect(
                try program.run("diff", "--name-status", "web").text
                    == "A\t/a\nC\t/etc/group\nC\t/usr/share\nD\t/usr/share/data\n")
            #expect(
                try program.run("diff", "--format", "json", "web").text
                    == """
                    {"changed":["/etc/group","/usr/share"],"added":["/a"],\
                    "deleted":["/usr/share/data"]}

                    """)
            #expect(
                try program.run("diff", "--format", "{{.Kind}} {{.OldSize}} {{.NewSize}}", "web")
                    .text == "A 0 5\nC 7 10\nC 0 0\nD 345000 0\n")
            #expect(
                try program.run("diff", "--stat", "web").text == """
                    A /a                     0 →  5        +5
                    C /etc/group             7 → 10        +3
                    C /usr/share             0 →  0         0
                    D /usr/share/data   345000 →  0   -345000
                    1 added, 2 changed, 1 deleted; +8 -345000 bytes (+8B -345kB)

                    """)
            let json = try program.run("diff", "--json", "web").text
            #expect(json.contains("\"Kind\": \"A\",\n    \"Path\": \"/a\""))
            let both = try program.run("diff", "--stat", "--json", "web")
            #expect(both.status == 125)
            #expect(both.errors.contains("exclude each other"))
        }
    }

    @Test func `two containers, and a renamed directory`() throws {
        try withProgram { program in
            try program.run("create", "--name", "two", "base")
            _ = try program.run(shell: "mkdir m2")
            defer { _ = try? program.run("umount", "--lazy", "m2") }
            #expect(try program.run("mount", "web", "m").status == 0)
            #expect(try program.run("mount", "two", "m2").status == 0)
            // The same bytes under the same time, in own files of each.
            let result = try program.run(
                shell: """
                    for m in m m2; do echo same > $m/same; touch -d @5 $m/same $m; done
                    echo one > m/differs; echo two > m2/differs
                    touch -d @5 m/differs m2/differs m m2
                    """)
            #expect(result.status == 0, "\(result.errors)")
            #expect(try program.run("diff", "web", "two").text == "C /differs\n")
            _ = try program.run(shell: "mv m/usr/lib/app m/usr/lib/moved")
            #expect(
                try program.run("diff", "web").text.hasSuffix(
                    "C /usr/lib\nD /usr/lib/app\nA /usr/lib/moved\nA /usr/lib/moved/part\n"))
            _ = try program.run(
                shell: "rm m/usr/lib/kind && mkdir m/usr/lib/kind && touch m/usr/lib/kind/f")
            #expect(
                try program.run("diff", "./m/usr/lib").text.contains("C /kind\nA /kind/f\n"))
        }
    }

    @Test func `what was put back as it was is not told`() throws {
        try withProgram { program in
            #expect(try program.run("mount", "web", "m").status == 0)
            let result = try program.run(
                shell: """
                    cp -p m/etc/group saved && echo x >> m/etc/group && cat saved > m/etc/group &&
                    touch -r saved m/etc/group && chown 0:0 m/etc/keep && chmod 644 m/etc/keep
                    """)
            #expect(result.status == 0, "\(result.errors)")
            #expect(try program.run("diff", "web").text == "")
        }
    }

    // MARK: - The gallery

    @Test func `the gallery shows a container as it is at the moment`() throws {
        try withProgram { program in
            #expect(try program.run("serve", "--detach").status == 0)
            try change(program)
            let place = "gallery/containers/web"
            #expect(try program.read("\(place)/changes.txt") == Self.lines)
            #expect(
                try program.run(
                    shell:
                        "cd \(place)/changes && find . -mindepth 1 | LC_ALL=C sort | tr '\\377' %"
                ).text.hasPrefix(
                    "./bad%\n./d\n./d/y\n./etc\n./etc/.wh.passwd\n./etc/group\n"))
            #expect(
                try program.run(shell: "readlink \(place)/rootfs").text
                    == "\(program.directory)/m\n")
            #expect(try program.read("\(place)/changes/new") == "hi\n")
            // As soon as it is done, and before anything is closed.
            let script = """
                exec 3>> m/new; for i in 1 2 3; do echo $i >&3; cat \(place)/changes/new; done
                touch m/later; grep later \(place)/changes.txt; rm m/later m/new
                grep -c -e later -e new \(place)/changes.txt; ls \(place)/changes | grep new
                """
            #expect(
                try program.run(shell: script).text
                    == "hi\n1\nhi\n1\n2\nhi\n1\n2\n3\nA /later\n0\n")
            #expect(try program.run("umount", "m").status == 0)
            let compared = try program.run(
                shell: """
                    stat -c %F \(place)/rootfs; cat \(place)/rootfs/etc/group
                    diff -r \(place)/rootfs/usr/lib gallery/images/base:latest/rootfs/usr/lib &&
                    echo same
                    """)
            #expect(compared.text == "directory\ng:x:1:\nmore\nsame\n", "\(compared.errors)")
            #expect(try program.read("\(place)/state.json").contains("\"status\":\"created\""))
            #expect(try program.read("\(place)/config.json").contains("\"Env\":"))
            #expect(
                try program.run("diff", "./\(place)/rootfs/etc").text
                    == "C /group\nD /passwd\nA /third\n")
            try program.run("rm", "web")
            #expect(try program.names(in: "gallery/containers") == [])
        }
    }

    // MARK: - commit

    @Test func `after an umount the process that had it is waited for`() throws {
        try withProgram { program in
            try change(program)
            // It is about to write down what changed, and does not come to it yet.
            let commit = try program.run(
                shell: """
                    server=$(pgrep -f "report-ready.* $PWD/m\\$")
                    kill -STOP $server
                    $VITRINE umount --lazy m
                    $VITRINE commit web late & commit=$!
                    sleep 0.5
                    kill -CONT $server
                    wait $commit
                    """)
            #expect(commit.status == 0, "\(commit.errors)")
            #expect(try program.run("diff", "web", "late").text == "")
        }
    }

    @Test func `a commit has what diff lists, and the container goes on`() throws {
        try withProgram { program in
            try change(program)
            // While it is mounted, its process freezes it.
            #expect(try program.run("commit", "web", "early").status == 0)
            #expect(try program.run("umount", "m").status == 0)
            let made = try program.run(
                "commit", "-m", "why", "-a", "Ada", "-c", "ENV A=1 B=$A", "-c",
                "WORKDIR srv\nWORKDIR x", "--change=CMD [\"a\", \"b\"]", "--iidfile", "id", "web",
                "app:1")
            #expect(made.text.wholeMatch(of: #/sha256:[0-9a-f]{64}\n/#) != nil, "\(made.errors)")
            #expect(try program.read("id") + "\n" == made.text)
            // Compared with the image that it was made from, as before.
            #expect(try program.run("diff", "web").text == Self.lines)
            #expect(try program.run("diff", "web", "app:1").text == "")
            #expect(
                try program.run(
                    "inspect", "-f",
                    "{{json .Config.Env}} {{json .Config.Cmd}} {{.Config.WorkingDir}} {{.Author}} "
                        + "{{.Comment}} {{len .RootFS.Layers}}", "app:1"
                ).text == "[\"A=1\",\"B=\"] [\"a\",\"b\"] /srv/x Ada why 2\n")
            #expect(
                try program.run("history", "--format", "{{.Comment}}", "app:1").text
                    .hasPrefix("why\n"))
            // A second one, of a view that leans on the first one's tree.
            #expect(try program.run("mount", "web", "m").status == 0)
            _ = try program.run(shell: "echo again > m/again; rm m/new")
            #expect(try program.run("umount", "m").status == 0)
            #expect(try program.run("commit", "web", "app:2").status == 0)
            #expect(
                try program.run("diff", "app:1", "app:2").text.contains("A /again\nD /new\n"))
            #expect(
                try program.run("inspect", "-f", "{{len .RootFS.Layers}}", "app:2").text == "2\n")
            #expect(try program.run("fsck").status == 0)
            let unnamed = try program.run("commit", "web")
            #expect(unnamed.status == 0)
            #expect(
                try program.run("images", "--format", "{{.Repository}} {{.ID}}").text.contains(
                    "<none> \(unnamed.text.dropFirst(7).prefix(12))"))
        }
    }

    @Test func `a commit beside its holder does not read what that has read`() throws {
        try withProgram { program in
            #expect(try program.run("mount", "web", "m").status == 0)
            let script = """
                set -e
                busybox head -c 50000000 /dev/urandom > m/large
                $VITRINE commit web app > /dev/null
                grep rchar /proc/$$/io
                """
            // What a process has read counts for its parent once that has waited for it.
            let result = try program.run(shell: script)
            let read = result.text.split(separator: " ").last.flatMap {
                Int($0.trimmingCharacters(in: .newlines))
            }
            // The shell's head has read it once.
            #expect(try #require(read, "\(result)") < 80_000_000)
            #expect(try program.run("diff", "web", "app").text == "")
            #expect(try program.run("save", "-o", "app.tar", "app").status == 0)
        }
    }

    @Test(arguments: ["append", "map"])
    func `a file that is written to during a commit is the same in tree and layer`(
        how: String
    ) throws {
        try withProgram { program in
            #expect(try program.run("mount", "web", "m").status == 0)
            let writer = """
                import mmap, os, sys, time
                f = open("m/busy", "w+b"); f.write(bytes(4 << 20)); f.flush()
                m = mmap.mmap(f.fileno(), 4 << 20) if "\(how)" == "map" else None
                if m: f.close()
                print("ready", flush=True)
                n = 0
                while not os.path.exists("stop"):
                    n += 1
                    if m: m[(n * 4099) % (4 << 20)] = n % 256
                    else: f.write(b"%d\\n" % n); f.flush()
                """
            let script = """
                set -e
                python3 -c '\(writer)' > ready & until grep -q ready ready; do sleep 0.05; done
                for i in 1 2 3 4; do
                    busybox head -c 8000000 /dev/urandom > m/still
                    $VITRINE commit web app:$i > /dev/null
                done
                touch stop; wait
                # The layer's tar is made anew from the tree, and has to have its digest.
                $VITRINE save -o app.tar app:1 app:2 app:3 app:4 && echo well
                """
            let result = try program.run(shell: script)
            #expect(result.text == "well\n", "\(result.errors)")
        }
    }

    @Test func `a layer of a commit is what other tools unpack`() throws {
        try withProgram { program in
            try change(program)
            _ = try program.run(shell: "setfattr -n user.k -v v m/new; true")
            #expect(try program.run("umount", "m").status == 0)
            #expect(try program.run("commit", "web", "app").status == 0)
            // The layer's tar is rebuilt from the stored tree, and has to have its digest.
            let saved = try program.run(
                shell: """
                    set -e; $VITRINE save -o app.tar app; mkdir x; tar -xf app.tar -C x
                    for blob in x/blobs/sha256/*; do
                        echo "$(basename $blob)  $blob"
                    done | sha256sum --quiet -c
                    VITRINE_ROOT=$PWD/second $VITRINE load -qi app.tar
                    VITRINE_ROOT=$PWD/second $VITRINE fsck > /dev/null
                    VITRINE_ROOT=$PWD/second $VITRINE images -q --no-trunc app > loaded
                    $VITRINE images -q --no-trunc app | diff - loaded; echo well
                    """)
            #expect(saved.text == "Loaded image: app:latest\nwell\n", "\(saved.errors)")
        }
    }

    @Test func `a container that changed nothing has no layer, a squashed one has one`() throws {
        try withProgram { program in
            #expect(try program.run("commit", "web", "idle").status == 0)
            #expect(
                try program.run(
                    "inspect", "-f", "{{len .RootFS.Layers}}", "idle", "base"
                ).text == "1\n1\n")
            #expect(
                try program.run("history", "--format", "{{.Size}}", "idle").text.hasPrefix("0B\n"))
            try change(program)
            #expect(try program.run("umount", "m").status == 0)
            #expect(try program.run("commit", "--squash", "web", "flat").status == 0)
            #expect(try program.run("commit", "web", "deep").status == 0)
            #expect(
                try program.run(
                    "inspect", "-f", "{{len .RootFS.Layers}} {{.Vitrine.Tree}}", "flat", "deep"
                ).text.split(separator: "\n").map { $0.prefix(1) } == ["1", "2"])
            #expect(try program.run("diff", "flat", "deep").text == "")
        }
    }

    @Test func `an image that was forced away can still be compared and committed`() throws {
        try withProgram { program in
            try change(program)
            #expect(try program.run("umount", "m").status == 0)
            #expect(try program.run("commit", "web").status == 0)
            #expect(try program.run("rmi", "--force", "base").status == 0)
            #expect(try program.run("gc").status == 0)
            #expect(try program.run("diff", "web").text == Self.lines)
            #expect(try program.run("commit", "web", "app").status == 0)
            #expect(try program.run("fsck").status == 0)
            #expect(
                try program.run("inspect", "-f", "{{len .RootFS.Layers}}", "app").text == "2\n")
        }
    }

    @Test(arguments: [
        ("RUN true", "RUN is not a valid change command"),
        ("FROM x", "FROM is not a valid change command"),
        ("SHELL [\"x\"]", "SHELL is not a valid change command"),
        ("EXPOSE none", "invalid containerPort: none"),
        ("STOPSIGNAL SIGNOTHING", "invalid signal: SIGNOTHING"),
        ("NONSENSE x", "unknown instruction: NONSENSE"),
    ])
    func `a change that means nothing is refused, with its line`(
        change: String, message: String
    ) throws {
        try withProgram { program in
            for command in [["commit", "-c", change, "web"], ["import", "-c", change, "rootfs"]] {
                let result = try program.run(arguments: command)
                #expect(result.status == 1)
                #expect(result.errors.contains(message), "\(result.errors)")
                #expect(result.errors.contains("   1 | \(change)"), "\(result.errors)")
            }
            #expect(try program.run("images", "-q").text.split(separator: "\n").count == 1)
        }
    }

    // MARK: - export

    @Test func `an export is the container's files, mounted or not`() throws {
        try withProgram { program in
            try change(program)
            let script = """
                set -e; rm -rf out; mkdir out; $VITRINE export web | tar -x -C out
                diff -r --no-dereference -x fifo -x null m out && stat -c '%F' out/fifo out/null
                stat -c %h out/etc/keep
                """
            let mounted = try program.run(shell: script)
            #expect(
                mounted.text == "fifo\ncharacter special file\n3\n", "\(mounted.errors)")
            #expect(try program.run("export", "-o", "one.tar", "web").status == 0)
            #expect(try program.run("umount", "m").status == 0)
            #expect(try program.run("commit", "web", "app").status == 0)
            #expect(try program.run("export", "--output", "two.tar", "web").status == 0)
            #expect(
                try program.run(
                    shell:
                        "$VITRINE save --format rootfs app | cmp - one.tar && cmp one.tar two.tar"
                ).status == 0)
        }
    }

    // MARK: - Beside Podman

    private static let podmanObstacle: String? = {
        for path in ["/usr/bin/podman", "/usr/sbin/runc"]
        where !FileManager.default.isExecutableFile(atPath: path) {
            return "there is no \(path)"
        }
        return nil
    }()

    @Test(.enabled(if: podmanObstacle == nil, "\(podmanObstacle ?? "")"))
    func `Podman lists the same lines for the same changes`() throws {
        try withProgram { program in
            try change(program)
            let script = #"""
                # It takes no more than fifty characters.
                R=$(mktemp -d /tmp/podman.XXXXXX)
                P="podman --root $R/pod --runroot $R/run --storage-driver overlay"
                P="$P --cgroup-manager=cgroupfs --runtime /usr/sbin/runc"
                {
                    tar -cC rootfs . | $P import - base && $P create --name c base sh &&
                    root=$($P mount c) && (cd "$root" && \#(Self.work))
                } > log 2>&1 && $P diff c > lines
                code=$?
                tr '\377' % < lines
                { $P umount c; $P rm -f c; $P rmi -af; umount $R/pod/overlay; rm -rf "$R"; } > /dev/null 2>&1
                exit $code
                """#
            // To Podman a file changes with the number of its names. One prints names as they are, the
            // other escapes what is no text.
            let ours = try program.run("diff", "web").text.replacing("\\xff", with: "%")
            let expected = (ours.split(separator: "\n") + ["C /etc/keep"]).sorted()
            var podman = try program.run(shell: script)
            // Podman processes share locks in memory, and those of other tests get in the way.
            for _ in 0..<10 where podman.text.split(separator: "\n").sorted() != expected {
                sleep(3)
                podman = try program.run(shell: script)
            }
            let log = try program.read("log")
            #expect(podman.status == 0, "\(podman.errors)\(log)")
            #expect(podman.text.split(separator: "\n").sorted() == expected)
        }
    }
}
