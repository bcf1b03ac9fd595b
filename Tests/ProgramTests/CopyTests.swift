import Foundation
import Glibc
import Store
import Testing

/// What `cp` takes along, for every kind of file, and through tar streams.
@Suite(.serialized, .enabled(if: Program.obstacle == nil, "\(Program.obstacle ?? "")"))
struct CopyTests {
    /// One of every kind, with all that a file can have.
    private static let kinds = """
        set -e
        mkdir all; cd all
        printf x > plain; chmod 0640 plain; chown 12:34 plain; touch -d @1000000000.123456789 plain
        ln plain other; ln -s plain symbolic; ln -s ../../../../etc/shadow outside
        mkfifo -m 0606 fifo; mknod -m 0660 null c 1 3; mknod -m 0600 disk b 7 200
        mkdir -m 2750 empty; touch -d @1111111111.5 empty
        printf s > set; chmod 4755 set
        printf b > "$(printf 'b\\377d')"
        truncate -s 20M sparse; printf middle | dd of=sparse bs=1 seek=9000000 conv=notrunc 2>/dev/null
        python3 - << 'END'
        import os, struct
        os.setxattr("plain", "user.note", b"kept\\0\\xff")
        os.setxattr("set", "security.capability", struct.pack("<IIIII", 0x02000001, 1 << 10, 0, 0, 0))
        acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *e) for e in [
            (1, 6, 0xFFFFFFFF), (2, 4, 77), (4, 4, 0xFFFFFFFF), (16, 4, 0xFFFFFFFF), (32, 0, 0xFFFFFFFF)])
        os.setxattr("other", "system.posix_acl_access", acl)
        END
        touch -d @1000000000.123456789 plain
        touch -d @1222222222.25 .
        """

    /// All that is told apart, a line for each.
    private static let describe = """
        import os, sys
        def walk(root):
            linked = {}
            for base, dirs, files in os.walk(root.encode()):
                for name in sorted(dirs + files):
                    path = os.path.join(base, name)
                    s = os.lstat(path)
                    place = os.path.relpath(path, root.encode())
                    first = linked.setdefault(s.st_ino, place) if s.st_nlink > 1 and name in files else b""
                    x = [] if os.path.islink(path) else [
                        (a, os.getxattr(path, a)) for a in sorted(os.listxattr(path))]
                    link = os.readlink(path) if os.path.islink(path) else b""
                    data = b""
                    if (s.st_mode & 0o170000) == 0o100000:
                        data = open(path, "rb").read().strip(b"\\0")
                    print(place, oct(s.st_mode), s.st_uid, s.st_gid, s.st_mtime_ns, s.st_rdev,
                          s.st_size if not dirs or name not in dirs else 0, first, x, link, data)
        walk(sys.argv[1])
        s = os.lstat(sys.argv[1]); print(oct(s.st_mode), s.st_uid, s.st_mtime_ns)
        """

    private func compare(_ program: Program, _ a: String, _ b: String) throws {
        try program.write(Self.describe, to: "describe.py")
        let made = try program.run(
            shell: "python3 describe.py \(a) | LC_ALL=C sort > a.txt && python3 describe.py \(b) "
                + "| LC_ALL=C sort > b.txt && wc -l < a.txt && diff a.txt b.txt")
        #expect(made.status == 0, "\(made.text)\(made.errors)")
        #expect(made.text == "12\n", "\(made.text)")
    }

    private func makeKinds(_ program: Program) throws {
        let made = try program.run(shell: Self.kinds)
        try #require(made.status == 0, "\(made.errors)")
    }

    @Test func `with -a everything about a file is kept, in and out again`() throws {
        try withCopyFixture { program in
            try makeKinds(program)
            #expect(try program.run("cp", "-a", "all", "web:/tmp").status == 0)
            let out = try program.run("cp", "--archive", "web:/tmp/all", "back")
            #expect(out.status == 0, "\(out.errors)")
            try compare(program, "all", "back")
            // From container to container, too.
            try program.run("create", "--name", "two", "base")
            #expect(try program.run("cp", "-a", "web:/tmp/all", "two:/opt").status == 0)
            #expect(try program.run("cp", "-a", "two:/opt/all", "again").status == 0)
            try compare(program, "all", "again")
            // Holes stay holes.
            let blocks = try program.run(shell: "stat -c %b back/sparse").text
            #expect((Int(blocks.trimmingCharacters(in: .newlines)) ?? .max) < 1000, "\(blocks)")
        }
    }

    @Test func `without -a what comes in is root's, and what goes out the caller's`() throws {
        try withCopyFixture { program in
            try makeKinds(program)
            // setuid goes with the owner whose it was, and stays where that stays.
            _ = try program.run(
                shell: "printf u > all/user; chown 12:34 all/user; chmod 6755 all/user")
            #expect(try program.run("cp", "all", "web:/tmp").status == 0)
            #expect(try program.run("cp", "-a", "web:/tmp/all", "back").status == 0)
            let owners = try program.run(shell: "find back -printf '%U:%G\\n' | sort -u").text
            #expect(owners == "0:0\n")
            #expect(
                try program.run(shell: "stat -c %a back/user back/set back/plain").text
                    == "755\n4755\n640\n")
            _ = try program.run(shell: "$VITRINE cp -a all web:/opt; rm -rf back")
            #expect(try program.run("cp", "web:/opt/all", "back").status == 0)
            #expect(
                try program.run(shell: "stat -c '%a %u' back/user back/set").text
                    == "755 0\n4755 0\n")
        }
    }

    @Test func `a tar out of a container has Docker's names and all attributes`() throws {
        try withCopyFixture { program in
            try makeKinds(program)
            try program.run("cp", "-a", "all", "web:/tmp")
            let names = { (path: String) in
                try program.run(shell: "$VITRINE cp web:\(path) - | tar -tf - | head -n 3").text
            }
            #expect(try names("/etc/passwd") == "passwd\n")
            #expect(try names("/opt") == "opt/\nopt/app/\n")
            #expect(try names("/opt/") == "opt/\nopt/app/\n")
            #expect(try names("/opt/.") == "./\n./app/\n")
            #expect(try names("/link") == "link\n")
            #expect(try names("/link/").hasPrefix("link/\nlink/dangling\n"))
            #expect(try names("/").hasPrefix("/\n/abs\n"))
            let unpacked = try program.run(
                shell: "mkdir back && $VITRINE cp web:/tmp/all - "
                    + "| tar -C back -x --xattrs --xattrs-include='*' --same-owner")
            #expect(unpacked.status == 0, "\(unpacked.errors)")
            try compare(program, "all", "back/all")
            // Standard output says nothing else, standard error nothing at all.
            #expect(try program.run(shell: "$VITRINE cp web:/etc - > t").errors == "")
        }
    }

    @Test(arguments: ["cat", "gzip -c", "zstd -qc"])
    func `a tar into a container, compressed or not`(_ compressor: String) throws {
        try withCopyFixture { program in
            try makeKinds(program)
            let copied = try program.run(
                shell: "tar -C all -c -S --xattrs --xattrs-include='*' . | \(compressor) "
                    + "| $VITRINE cp -a - web:/opt/app")
            #expect(copied.status == 0, "\(copied.errors)")
            #expect(try program.run("cp", "-a", "web:/opt/app", "back").status == 0)
            // The directory itself keeps what it was.
            _ = try program.run(shell: "touch -r all back; chmod --reference=all back")
            try compare(program, "all", "back")
        }
    }

    @Test func `a tar goes through links of the container, and never out of its directory`() throws
    {
        try withCopyFixture { program in
            let run = { (script: String) in try program.run(shell: script) }
            _ = try run("mkdir -p t/link/deep && printf 1 > t/link/deep/f && printf 2 > t/passwd")
            // "link" is a link to "etc" in the container.
            #expect(try run("tar -C t -c link/deep/f | $VITRINE cp - web:/").status == 0)
            #expect(try run("$VITRINE cp -q web:/etc/deep/f o1 && cat o1").text == "1")
            #expect(try run("tar -C t -c passwd | $VITRINE cp - web:/link").status == 0)
            #expect(try run("$VITRINE cp -q web:/etc/passwd o2 && cat o2").text == "2")
            let over = try run("tar -C t -c --no-recursion link | $VITRINE cp - web:/")
            #expect(over.status == 1)
            #expect(over.errors.contains("cannot overwrite non-directory"), "\(over.errors)")
            let climbing = try run(
                "tar -P --transform 's,^,../../,' -C t -c passwd | $VITRINE cp - web:/etc")
            #expect(climbing.status == 1)
            #expect(climbing.errors.contains("leaves the root directory"), "\(climbing.errors)")
            // A leading slash is the directory's.
            #expect(
                try run("tar -P --transform 's,^,/,' -C t -c passwd | $VITRINE cp - web:/tmp")
                    .status
                    == 0)
            #expect(try run("$VITRINE cp -q web:/tmp/passwd o3 && cat o3").text == "2")
            for (script, text) in [
                ("echo nonsense | $VITRINE cp - web:/tmp", "Error: "),
                ("tar -c dir | head -c 700 | $VITRINE cp - web:/tmp", "cut short"),
                ("tar -c dir | $VITRINE cp - web:/etc/passwd", "must be a directory"),
                ("tar -c dir | $VITRINE cp - web:/nothing", "must be a directory"),
            ] {
                let failed = try run(script)
                #expect(failed.status == 1, "\(script)")
                #expect(failed.errors.contains(text), "\(failed.errors)")
            }
        }
    }

    @Test(.timeLimit(.minutes(30))) func `five thousand files, and a large one`() throws {
        try withCopyFixture { program in
            let made = try program.run(
                shell: "mkdir -p many/{1..50} && for i in {1..50}; do for j in {1..100}; do "
                    + "printf \"$i $j\" > many/$i/$j; done; done; "
                    + "head -c 100000000 /dev/urandom > large")
            #expect(made.status == 0)
            let into = try program.run("cp", "many", "web:/tmp")
            #expect(into.errors == "Successfully copied 23.7kB to web:/tmp\n", "\(into.errors)")
            #expect(try program.run("cp", "web:/tmp/many", "back").status == 0)
            #expect(
                try program.run(shell: "diff -r many back && find back | wc -l").text == "5051\n")
            #expect(try program.run("cp", "large", "web:/opt").status == 0)
            #expect(try program.run("cp", "web:/opt/large", "back").status == 0)
            #expect(try program.run(shell: "cmp large back/large && echo same").text == "same\n")
        }
    }

    @Test func `what was done is written down, and what is copied over is replaced whole`() throws {
        try withCopyFixture { program in
            try program.run("cp", "file", "web:/etc/passwd")
            try program.run("cp", "web:/etc/passwd", "out")
            try program.run("cp", "base:/etc/passwd", "out2")
            let store = try Store(root: program.directory + "/store")
            let record = try #require(try store.containers().first)
            let events = try store.events(after: 0).filter { $0.actor == record.id.text }
            #expect(events.map(\.action).suffix(2) == ["extract-to-dir", "archive-path"])
            #expect(events.last?.attributes["name"] == "web")
            // A hard link of what was there keeps the old content.
            try program.run("mount", "web", "m")
            _ = try program.run(shell: "ln m/etc/passwd m/etc/second; printf new > file2")
            #expect(try program.run("cp", "file2", "web:/etc/passwd").status == 0)
            #expect(try program.run(shell: "cat m/etc/second m/etc/passwd").text == "hellonew")
            #expect(try program.names(in: "m/etc").allSatisfy { !$0.hasPrefix(".vitrine") })
            #expect(try program.run("umount", "m").status == 0)
        }
    }

    @Test func `two copies of one container that does not run wait for each other`() throws {
        try withCopyFixture { program in
            let made = try program.run(
                shell: """
                    for i in 1 2 3 4; do $VITRINE cp -q file web:/tmp/$i || echo failed & done; wait
                    """)
            #expect(made.text == "", "\(made.errors)")
            #expect(
                try program.listing("web", "/tmp") == "1 f\n2 f\n3 f\n4 f\nhellohellohellohello")
        }
    }

    @Test func `a signal ends a copy, which leaves nothing behind`() throws {
        try withCopyFixture { program in
            let copy = try program.start(
                shell: "sleep 900 | exec $VITRINE cp - web:/tmp 2> errors")
            var child: [Int32] = []
            for _ in 0..<6000 where child.isEmpty {
                usleep(10_000)
                let mounted = try program.run(
                    shell: "grep -c \"$PWD/store/work\" /proc/self/mountinfo; true"
                ).text
                guard mounted == "1\n" else { continue }
                child = try program.run(
                    shell: "pgrep -f 'cp - web:/tmp' -P \(copy.processIdentifier)"
                )
                .text.split(separator: "\n").compactMap { Int32($0) }
            }
            let number = try #require(child.first)
            kill(number, SIGTERM)
            for _ in 0..<6000 where kill(number, 0) == 0 { usleep(10_000) }
            #expect(kill(number, 0) != 0)
            _ = try program.run(shell: "pkill -P \(copy.processIdentifier) sleep; true")
            copy.waitUntilExit()
            #expect(try program.run("gc").status == 0)
            #expect(try program.run("cp", "file", "web:/tmp").status == 0)
        }
    }

    @Test func `paths that are not UTF-8 are copied, and other arguments are refused`() throws {
        try withCopyFixture { program in
            let script = """
                set -e
                n=$(printf 'a\\377\\303b'); mkdir "d$n"; printf raw > "d$n/$n"
                $VITRINE cp -q "d$n/$n" "web:/tmp/in$n"
                $VITRINE cp -q "web:/tmp/in$n" "./out$n"; cat "out$n"
                $VITRINE cp -q "d$n" web:/tmp; $VITRINE cp -q "web:/tmp/d$n/$n" - | tar -xO
                $VITRINE cp -q "web:/tmp/no$n" . 2>&1 || true
                """
            let copied = try program.run(shell: script)
            #expect(copied.status == 0, "\(copied)")
            #expect(
                copied.text
                    == "rawrawError: Could not find the file /tmp/noa\u{FFFD}\u{FFFD}b in container "
                    + "web\n", "\(copied)")
            let relative = try program.run(
                shell: """
                    set -e
                    n=$(printf 'w\\377'); mkdir "$n"; cd "$n"; printf here > f
                    $VITRINE cp -q f web:/tmp/here; $VITRINE cp -q web:/tmp/here ./back; cat back
                    $VITRINE run --rm -v ./f:/f base true 2>&1 || true
                    """)
            #expect(
                relative.text.hasPrefix(
                    "hereError: \"./f\" is relative to the working directory, whose path is not "
                        + "UTF-8: /"), "\(relative)")
            #expect(relative.text.contains("/w\\xFF\n"), "\(relative)")
            for words in [
                "run --rm --network none base echo \"$n\"", "exec web echo \"$n\"",
                "create -v \"$PWD/$n:/x\" base", "volume create \"$n\"",
            ] {
                let refused = try program.run(
                    shell: "n=$(printf 'a\\377'); $VITRINE \(words)")
                #expect(refused.status == 125, "\(words): \(refused)")
                #expect(refused.errors.contains("a\\xFF"), "\(refused.errors)")
                #expect(refused.errors.contains("not UTF-8"), "\(refused.errors)")
            }
            #expect(try program.run("volume", "ls", "-q").text == "")
        }
    }
}
