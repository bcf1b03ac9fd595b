import Foundation
import Testing

/// Directories and images of many files. VITRINE_FILES=1000000 takes minutes and 8 GB of disk.
@Suite(.serialized, .enabled(if: Program.obstacle == nil, "\(Program.obstacle ?? "")"))
struct ManyFilesTests {
    private static let count =
        ProcessInfo.processInfo.environment["VITRINE_FILES"].flatMap { Int($0) } ?? 5_000
    private static let isLarge = count >= 100_000

    /// What a process may have of its own for so many known files: 300 MB for a million.
    private static let limitKilobytes = 40_000 + count * 260 / 1024

    /// An image `many` with one directory of all files.
    private func withFiles(_ body: (Program) throws -> Void) throws {
        let program = try Program()
        defer {
            _ = try? program.run("umount", "--lazy", "m")  // gone already unless the test failed
            program.remove()
        }
        try program.importBase()
        try program.write(
            "FROM base\nRUN mkdir /many && cd /many && seq 1 \(Self.count) | /bin/busybox sed s/^/file/ "
                + "| /bin/busybox xargs /bin/busybox touch\n", to: "context/Dockerfile")
        let build = try program.run("build", "-t", "many", "context")
        #expect(build.status == 0, "\(build.errors)")
        try body(program)
    }

    /// Kilobytes of a mount's process that are no file's.
    private func privateKilobytes(_ program: Program) throws -> Int {
        let text = try program.run(
            shell: "sed -n 's/^RssAnon:[^0-9]*\\([0-9]*\\).*/\\1/p' "
                + "/proc/$(pgrep -f \"report-ready.* $PWD/m\\$\")/status"
        ).text
        return try #require(Int(text.trimmingCharacters(in: .whitespacesAndNewlines)))
    }

    @Test(.timeLimit(.minutes(30)), arguments: [[], ["--rw"]])
    func `many files that the kernel knows take little memory, and give it back`(
        options: [String]
    ) throws {
        try withFiles { program in
            let mount = try program.run(arguments: ["mount"] + options + ["many", "m"])
            #expect(mount.status == 0, "\(mount.errors)")
            let walk = try program.run(shell: "find m/many -type f -size 0 | wc -l")
            #expect(walk.text == "\(Self.count)\n")
            let walked = try privateKilobytes(program)
            #expect(walked < Self.limitKilobytes)
            if Self.isLarge {
                // The whole machine's caches: not for every run.
                _ = try program.run(shell: "sync; echo 2 > /proc/sys/vm/drop_caches; sleep 2")
                #expect(try privateKilobytes(program) < walked * 3 / 4)
            }
            #expect(try program.run("umount", "m").status == 0)
        }
    }

    @Test(.timeLimit(.minutes(30)))
    func `a large directory is read whole while others change it`() throws {
        try withFiles { program in
            #expect(try program.run("mount", "--rw", "many", "m").status == 0)
            let output = try program.run(
                shell: """
                    cd m/many
                    for i in $(seq 300); do : > new$i; rm -f file$i new$((i - 5)); done &
                    for pass in 1 2 3; do
                        ls -U | grep ^file > ../../names$pass
                        sort ../../names$pass | uniq -d | wc -l
                        sed 's/file//' ../../names$pass | awk '$1 > 300' | wc -l
                    done
                    wait
                    """)
            let passes = Array(repeating: "0\n\(Self.count - 300)\n", count: 3).joined()
            #expect(output.text == passes, "\(output.errors)")
            #expect(try program.run("umount", "m").status == 0)
        }
    }

    @Test(.timeLimit(.minutes(30)))
    func `a large directory that a step changed is diffed by what changed`() throws {
        try withFiles { program in
            try program.write(
                "FROM many\nRUN rm /many/file7 && echo more > /many/file8 && echo > /many/new\n",
                to: "context/Dockerfile")
            let build = try program.run("build", "-t", "changed", "context")
            #expect(build.status == 0, "\(build.errors)")
            let diff = try program.run("diff", "many", "changed")
            #expect(
                diff.text.split(separator: "\n").sorted()
                    == ["A /many/new", "C /many", "C /many/file8", "D /many/file7"])
            let made = try program.run("diff", "base", "many")
            #expect(made.text.split(separator: "\n").count == Self.count + 1)
        }
    }
}
