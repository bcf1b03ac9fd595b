import Foundation
import Testing

/// Containers that fill the disk of their store: clear errors, nothing broken, and a way out.
@Suite(.serialized, .enabled(if: Program.obstacle == nil, "\(Program.obstacle ?? "")"))
struct FullDiskTests {
    /// Takes all that is left, to the last block, from outside.
    private static let fill = """
        for size in 64k 1k; do dd if=/dev/zero bs=$size status=none >> store/filler; done 2> dd.log
        sync -f store; dd if=/dev/zero bs=512 status=none >> store/filler 2>> dd.log
        df --output=avail store | tail -n 1
        """

    private func run(_ script: String) -> String {
        "$VITRINE run --network none --name \(script)"
    }

    @Test func `what is on a full disk can be removed, and all goes on when there is room`() throws
    {
        try withDisk(megabytes: 128) { program in
            try check(program, run("one base sh -c 'seq 10000 > /one; exit 7'"), status: 7)
            try check(program, run("two base sh -c 'seq 20000 > /two'"))
            try check(program, "$VITRINE commit two image && $VITRINE volume create data")
            try check(program, "test -e store/reserve && \(Self.fill)", says: "0")
            try check(
                program, "$VITRINE tag base other", status: 1,
                says: "no room left on its file system")
            try check(
                program, "$VITRINE create base true", status: 1, says: "No space left on device")
            // What could not be taken left nothing to find its lock by.
            let locks = "ls store/locks | grep -cx '[0-9a-f]*'"
            let before = try program.run(shell: locks).text
            _ = try program.run(shell: "$VITRINE build - <<< 'FROM base'")
            #expect(try program.run(shell: locks).text == before)
            try check(program, "$VITRINE exec one true", status: 125, says: "is not running")
            try check(program, "$VITRINE ps -a", says: "Exited (7)")
            try check(program, "$VITRINE diff one", says: "A /one")
            // What one removal frees is taken at once by whoever fills the disk.
            for command in ["rm one", "rmi image", "volume rm data", "gc"] {
                try check(program, "$VITRINE \(command) && \(Self.fill)")
            }
            try check(program, "rm store/filler && $VITRINE fsck", says: "clean")
            try check(program, "$VITRINE start -a two && $VITRINE diff two", says: "A /two")
            try check(program, "test -e store/reserve && $VITRINE commit two image")
            #expect(try program.run("ps", "-aq").text.split(separator: "\n").count == 1)
        }
    }

    /// Why there is no btrfs to be had here, or nil.
    private static let btrfsObstacle: String? = {
        let known = try? String(contentsOfFile: "/proc/filesystems", encoding: .utf8)
        if known?.contains("btrfs") != true { return "the kernel has no btrfs" }
        return FileManager.default.isExecutableFile(atPath: "/usr/sbin/mkfs.btrfs")
            ? nil : "there is no mkfs.btrfs"
    }()

    @Test(.enabled(if: btrfsObstacle == nil, "\(btrfsObstacle ?? "")"))
    func `what is on a full btrfs can be removed`() throws {
        try withDisk(megabytes: 300, type: "btrfs") { program in
            try check(program, "mkdir more && head -c 9000000 /dev/urandom > more/f")
            for name in ["one", "two"] {
                try check(program, "echo \(name) >> more/f; $VITRINE import more \(name)")
            }
            try check(program, "for i in 1 2 3; do \(Self.fill); sync -f store; done", says: "0")
            // A file that is mapped is written to anew when it is mounted anew.
            try check(program, "umount store && mount -o loop disk store")
            for _ in 0..<2 {
                try check(
                    program, "$VITRINE tag base other", status: 1,
                    says: "no room left on its file system")
                try check(program, "$VITRINE images", says: "two")
            }
            try check(program, "$VITRINE rmi one && $VITRINE gc && $VITRINE rmi two")
            try check(program, "rm store/filler && $VITRINE fsck", says: "clean")
            try check(program, "$VITRINE tag base other")
        }
    }

    @Test func `a container that fills the disk is told so, and its end is`() throws {
        try withDisk(megabytes: 128) { program in
            try check(program, run("full -d base sh -c 'trap \"exit 5\" TERM; cat; exit 6'"))
            let script = """
                echo kept > /etc/kept; busybox sync; cat /dev/zero > /big; echo code $?; echo more > /etc/more
                """
            let output = try program.run(shell: run("big base sh -c '\(script)'"))
            #expect(output.text.contains("code 1"))
            #expect(output.errors.contains("No space left on device"))
            try check(program, Self.fill, says: "0")
            try check(program, "$VITRINE inspect -f '{{.State.ExitCode}}' full", says: "6")
            try check(program, "$VITRINE ps -a", says: "Exited")
            try check(program, "$VITRINE rm big && rm store/filler && $VITRINE fsck", says: "clean")
            try check(program, run("again base cat /etc/passwd"), says: "root")
        }
    }

    @Test(arguments: [400, 900, 1600, 3000])
    func `a commit with hardly any room harms nothing`(kilobytes: Int) throws {
        try withDisk(megabytes: 128) { program in
            try check(program, run("one -d base sleep 1000"))
            let script = "echo precious > /precious; dd if=/dev/urandom of=/data bs=100000 count=20"
            try check(
                program, "$VITRINE exec one sh -c '\(script)' && $VITRINE exec one busybox sync")
            try check(
                program,
                """
                tune2fs -m 0 $(df --output=source store | tail -n 1) > tune.log; sync -f store
                dd if=/dev/zero of=store/filler bs=1k status=none \
                    count=$(($(df -k --output=avail store | tail -n 1) - \(kilobytes)))
                """)
            let sum = "$VITRINE exec one busybox sha256sum /data /precious"
            let before = try check(program, sum)
            // It may succeed.
            let commit = try program.run(shell: "$VITRINE commit one image")
            #expect(commit.status == 0 || commit.errors.contains("space left"), "\(commit.errors)")
            try check(program, "rm store/filler && \(sum)", says: before)
            try check(
                program, "$VITRINE exec one sh -c 'echo more > /more' && $VITRINE commit one image")
            try check(program, "$VITRINE kill one && $VITRINE wait one && $VITRINE start one")
            try check(program, sum, says: before)
            try check(program, "$VITRINE diff one", says: "A /more")
            try check(program, "$VITRINE rm -f one && $VITRINE fsck", says: "clean")
        }
    }

    @Test func `a log on a full disk has whole lines only, and goes on`() throws {
        try withDisk { program in
            let script = #"""
                while sleep 0.01; do echo "$(seq 1 1500 | busybox tr "\n" " ")"; done
                """#
            try check(program, run("talks -d base sh -c '\(script)'"))
            try check(program, "\(Self.fill); sleep 0.5; rm store/filler; sleep 0.5")
            try check(program, "$VITRINE stop -t 0 talks")
            let log = try program.run(shell: "cat store/containers/*/log").text
            let line = #/^\S+Z std(out|err) [FP] (1 2 3 .* 1500 )?$/#
            let broken = log.split(separator: "\n").filter { $0.wholeMatch(of: line) == nil }
            #expect(broken.isEmpty, "\(broken.map { $0.prefix(200) })")
            #expect(log.count > 100_000)
            try check(program, "$VITRINE rm talks && $VITRINE fsck", says: "clean")
        }
    }

    /// A build that finds no room for what it is to take, the words of its error, and the same with
    /// less.
    private static let builds = [
        (
            "RUN dd if=/dev/zero of=/big bs=1M count=500",
            "hint: the store's file system is full; what the step wrote is removed again"
        ),
        ("COPY big /", "could not take \"big\" of the build context: could not store"),
        ("COPY big /", "in Dockerfile:2: COPY big /"),
        ("ADD big.tar /", "in Dockerfile:2: ADD big.tar /"),
    ]

    @Test(arguments: builds)
    func `a build that fills the disk says where, and leaves it as it was`(
        instruction: String, message: String
    ) throws {
        try withDisk(megabytes: 128) { program in
            try check(
                program,
                """
                mkdir context; head -c 200M /dev/zero | tr '\\0' x > context/big
                tar -C context -cf context/big.tar big
                """)
            try program.write("FROM base\n\(instruction)\n", to: "context/Dockerfile")
            let room = "df --output=avail -BM store | tail -n 1"
            let before = try check(program, room)
            try check(program, "$VITRINE build -t big context", status: 1, says: message)
            #expect(try check(program, room) == before)
            try check(program, "$VITRINE fsck", says: "clean")
            #expect(try program.run("images", "-q", "big").text == "")
            try check(program, "ls store/work store/run | grep lease", status: 1)
            let less = "sed -i s/500/5/ context/Dockerfile; head -c 1M context/big > l"
            try check(program, "\(less); mv l context/big; tar -C context -cf context/big.tar big")
            try check(program, "$VITRINE build -t big context && $VITRINE fsck", says: "clean")
        }
    }

    @Test func `reading ahead leaves the command its room, and COPY tells its own error`()
        throws
    {
        try withDisk(megabytes: 128) { program in
            try check(program, "mkdir context; head -c 200M /dev/urandom > context/big")
            try program.write(
                """
                FROM base
                RUN sleep 2; dd if=/dev/zero of=/small bs=1M count=5; echo it had room
                COPY big /
                """, to: "context/Dockerfile")
            let output = try program.run(
                shell: "$VITRINE build --progress=plain -t big context")
            #expect(output.status == 1)
            #expect(output.errors.contains("it had room"))
            #expect(output.errors.contains("in Dockerfile:3: COPY big /"))
            try check(program, "$VITRINE fsck", says: "clean")
        }
    }

    @Test(arguments: [
        ("-o type=tar,dest=full/o", "full/o\": it cannot be written: No space left on device"),
        ("-o type=oci,dest=full/o", "full/o\": it cannot be written: No space left on device"),
        ("-o full/o", "full/o/big\": No space left on device"),
        ("--cache-to type=local,dest=full/o", "full/o/blobs/sha256/"),
    ])
    func `an output that finds no room says where, and leaves nothing half-written`(
        option: String, message: String
    ) throws {
        let program = try Program()
        defer { program.remove() }
        try program.importBase()
        try check(
            program,
            """
            mkdir full context && mount -t tmpfs -o size=2m none full
            head -c 5M /dev/urandom > context/big
            printf 'FROM base\\nCOPY big /\\n' > context/Dockerfile
            """)
        defer { _ = try? program.run("umount", "full") }
        let output = try program.run(shell: "$VITRINE build \(option) context")
        #expect(output.status == 1)
        #expect(output.errors.contains(message), "\(output.errors)")
        try check(program, "find full -size +1M | grep .", status: 1)
        try check(program, "umount full; $VITRINE build \(option) context")
    }
}
