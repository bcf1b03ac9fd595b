import Foundation
import Glibc
import Store
import Testing

/// Containers that try to have `cp` write or read elsewhere.
@Suite(.serialized, .enabled(if: Program.obstacle == nil, "\(Program.obstacle ?? "")"))
struct CopyHostileTests {
    /// A container that is shown at `m`, where scripts play its processes, and a directory of the host
    /// that is none of its business.
    private func withHostile(
        _ attack: String, _ body: (Program) throws -> Void
    ) throws {
        try withCopyFixture { program in
            let made = try program.run(
                shell: "mkdir outside && printf secret > outside/secret && chmod 700 outside "
                    + "&& chmod 600 outside/secret && $VITRINE mount web m && mkdir m/tmp/d")
            try #require(made.status == 0, "\(made.errors)")
            let attacker = try program.start(
                shell: "cd m/tmp && while :; do \(attack); done 2> /dev/null")
            defer {
                attacker.terminate()
                attacker.waitUntilExit()
            }
            try body(program)
            attacker.terminate()
            attacker.waitUntilExit()
            #expect(
                try program.run(shell: "cd outside && find . -printf '%P %m\\n' && cat secret").text
                    == " 700\nsecret 600\nsecret")
            #expect(try program.run("umount", "m").status == 0)
        }
    }

    @Test(.timeLimit(.minutes(30)))
    func `a directory that becomes a link to the host's takes nothing out`() throws {
        try withHostile(
            "rm -rf x; ln -s $OLDPWD/outside x; ln -sfn ../../../../../../../..$OLDPWD/outside y; "
                + "rm -rf x y; mkdir x y"
        ) { program in
            var written = 0
            for round in 0..<40 {
                let place = round % 2 == 0 ? "x" : "y"
                let results = try [
                    program.run("cp", "file", "web:/tmp/\(place)/planted"),
                    program.run("cp", "dir", "web:/tmp/\(place)"),
                    program.run(shell: "tar -c dir file | $VITRINE cp - web:/tmp/\(place)"),
                ]
                written += results.count { $0.status == 0 }
            }
            #expect(written > 0)
        }
    }

    @Test(.timeLimit(.minutes(30)))
    func `a copy into a directory whose parts are swapped stays where it is`() throws {
        try withHostile(
            "for n in . sub; do mv dir/$n dir/$n.old; ln -s $OLDPWD/outside dir/$n; "
                + "rm -f dir/a; ln -s $OLDPWD/outside/secret dir/a; rm -rf dir/$n.old dir/$n; done; "
                + "rm -rf dir"
        ) { program in
            _ = try program.run(
                shell: "cd dir && for i in {1..60}; do mkdir -p sub/$i && printf $i > sub/$i/f; "
                    + "mkfifo -m 666 sub/$i/p; done")
            for _ in 0..<25 { try program.run("cp", "-a", "dir", "web:/tmp") }
        }
    }

    @Test(.timeLimit(.minutes(30)))
    func `a file that becomes a link is copied as one or the other`() throws {
        try withHostile(
            "rm -f d/f; ln -s $OLDPWD/outside/secret d/f; rm -f d/f; printf own > d/f; "
                + "rm -rf d/g; ln -s $OLDPWD/outside d/g; rm -f d/g; mkdir d/g"
        ) { program in
            for _ in 0..<40 {
                _ = try program.run(shell: "rm -rf got; $VITRINE cp -q web:/tmp/d got")
                _ = try program.run(shell: "rm -f got2; $VITRINE cp -q -L web:/tmp/d/f got2")
                let found = try program.run(
                    shell: "find got got2 -type f -exec cat {} +; $VITRINE cp -L web:/tmp/d/g - "
                        + "| tar -xO")
                #expect(!found.text.contains("secret"), "\(found.text)")
            }
        }
    }

    @Test func `a file that grows for ever is copied as far as it went, FIFOs are not opened`()
        throws
    {
        // Not as fast as can be: the whole of it is written to the disk in the end.
        try withHostile("head -c 100000 /dev/zero >> grows; sleep 0.01") { program in
            _ = try program.run(shell: "mkfifo m/tmp/d/p m/tmp/p")
            for _ in 0..<5 {
                let copied = try program.run(shell: "timeout 300 $VITRINE cp web:/tmp got")
                #expect(copied.status == 0, "\(copied.errors)")
                let streamed = try program.run(
                    shell:
                        "timeout 300 $VITRINE cp web:/tmp - | tar -t > names && grep -c grows names"
                )
                #expect(streamed.text == "1\n", "\(streamed.errors)")
                _ = try program.run(shell: "rm -rf got")
            }
            #expect(try program.run(shell: "timeout 300 $VITRINE cp web:/tmp/p got").status == 0)
            #expect(try program.run(shell: "stat -c %F got").text == "fifo\n")
        }
    }

    @Test func `files of the kernel's are copied one at a time, and never without end`() throws {
        try withCopyFixture { program in
            try program.setMounts(
                [.init(.bind(path: "/proc", isMade: false), target: "/opt/proc")], of: "web")
            let single = try program.run("cp", "web:/opt/proc/sys/kernel/ostype", "type")
            #expect(single.status == 0, "\(single.errors)")
            #expect(try program.read("type") == "Linux\n")
            let directory = try program.run("cp", "web:/opt/proc/sys", "got")
            #expect(directory.status == 1)
            #expect(directory.errors.contains("is a directory of the kernel's"))
            // Of a walk the place is what is copied, as it is where nothing is mounted.
            #expect(
                try program.run(shell: "timeout 300 $VITRINE cp -q web:/opt got && find got | sort")
                    .text
                    == "got\ngot/app\ngot/proc\n")
            // Nor do its links lead out.
            #expect(try program.run("cp", "web:/opt/proc/self/root/etc/hostname", "x").status == 1)
            #expect(try program.run("cp", "-L", "web:/opt/proc/self/exe", "x").status == 1)
        }
    }
}
