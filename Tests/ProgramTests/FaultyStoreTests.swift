import Foundation
import Glibc
import Testing

/// Views whose store, disk or process fails beneath them: errors for who asks, a line in the log, and
/// a mount that can be taken away.
@Suite(.serialized, .enabled(if: Program.obstacle == nil, "\(Program.obstacle ?? "")"))
struct FaultyStoreTests {
    private static let readOnly = "the store is on a read-only file system"

    @Test func `a store on a read-only file system can be read, and says why it cannot be changed`()
        throws
    {
        try withDisk { program in
            try check(program, "echo FROM base > rootfs/Dockerfile; mount -o remount,ro store")
            for command in [
                "images", "history base", "inspect base", "df", "info", "diff base", "cache ls",
                "fsck", "gc --dry-run", "save -o saved.tar base", "build --check rootfs",
                "build --call=outline rootfs",
            ] { try check(program, "$VITRINE \(command)") }
            try check(program, "$VITRINE cp base:/etc/passwd -", says: "root:x:0:0")
            try check(program, "$VITRINE mount base m && cat m/etc/passwd", says: "root:x:0:0")
            try check(program, "$VITRINE serve --detach && ls gallery/images", says: "base:latest")
            try check(program, "$VITRINE umount m && $VITRINE umount gallery")
            for command in [
                "mount --rw base m", "tag base other", "rmi base", "import rootfs new",
                "cache prune --force",
                "load -i saved.tar",
            ] { try check(program, "$VITRINE \(command)", status: 1, says: Self.readOnly) }
            // Mounted anew, it has no process that has the database open.
            let leave = "until umount store 2> umount.log; do sleep 0.1; done"
            try check(program, "\(leave); mount -o loop,ro disk store")
            try check(program, "$VITRINE mount base m && cat m/etc/passwd && $VITRINE umount m")
            try check(program, "$VITRINE cp base:/etc/passwd copy && cmp copy rootfs/etc/passwd")
            // While the loop device of the last mount goes, mount(8) would be content with reading.
            try check(
                program,
                """
                \(leave); until mount -o loop,rw disk store; do sleep 0.1; done
                $VITRINE tag base other
                """)
        }
    }

    @Test func `an object that is missing or was written to is an error and a line in the log`()
        throws
    {
        try withDisk { program in
            try check(
                program,
                """
                $VITRINE mount base m && $VITRINE mount --rw base w
                object() { d=$(sha256sum rootfs/usr/share/data/$1); d=${d%% *}; r=${d#??}; \
                echo store/objects/sha256/${d%$r}/$r; }
                rm -f $(object 1); truncate -s 3 $(object 2); echo more >> $(object 3)
                printf x | dd of=$(object 5) bs=1 seek=7 conv=notrunc
                # Written to, and right again.
                printf 6 | dd of=$(object 6) bs=1 conv=notrunc
                """)
            for place in ["m", "w"] {
                for number in [1, 2, 3, 5] {
                    for _ in 0..<3 {
                        try check(
                            program, "cat \(place)/usr/share/data/\(number)", status: 1,
                            says: "Input/output error")
                    }
                }
                try check(program, "cat \(place)/usr/share/data/4", says: "4 4 4")
                try check(program, "cat \(place)/usr/share/data/6", says: "6 6 6")
            }
            try check(
                program, "echo x >> w/usr/share/data/1", status: 1, says: "Input/output error")
            try check(program, "$VITRINE umount m && $VITRINE umount w")
            let log = try program.read("store/logs/mounts.log").split(separator: "\n")
            // One for each of two processes.
            for text in [
                "No such file", "an object has 3 bytes instead of", "other bytes than",
                "vitrine load",
            ] {
                #expect(log.filter { $0.contains(text) }.count >= 2, "\(text)")
            }
            #expect(log.count == 8, "\(log)")
        }
    }

    @Test(arguments: ["rmi base", "image prune --all --force"])
    func `an image whose config is gone can be removed`(_ removal: String) throws {
        try withDisk { program in
            try check(
                program,
                """
                id=$($VITRINE inspect -f '{{.Id}}' base)
                rm $(find store/blobs -name "${id#sha256:}") && $VITRINE \(removal)
                """, says: "eleted")
            try check(program, "test -z \"$($VITRINE images -aq)\" && $VITRINE fsck", says: "clean")
        }
    }

    @Test func `a damaged directory is an error for who looks into it`() throws {
        try withDisk { program in
            try check(program, "$VITRINE mount base m && ls m >/dev/null")
            try check(
                program,
                """
                python3 -c "
                import sqlite3
                state = sqlite3.connect('store/state.sqlite')
                state.execute('UPDATE directories SET encoding = ? WHERE length(encoding) > 5000',
                              (bytes([0xd1, 5, 255]),))
                state.commit()"
                """)
            try check(program, "ls m/usr/share/data", status: 2, says: "Input/output error")
            try check(program, "cat m/etc/passwd", says: "root:x:0:0")
            try check(program, "$VITRINE umount m")
            #expect(try program.read("store/logs/mounts.log").contains("is damaged"))
        }
    }

    @Test func `a full disk is told to who writes, and writing goes on when there is room`() throws
    {
        try withDisk { program in
            try check(program, "$VITRINE mount --rw base w")
            try check(
                program, "dd if=/dev/zero of=w/fill bs=1M", status: 1,
                says: "No space left on device")
            try check(program, "test $(stat -f -c %a w) -lt 300 && cat w/etc/passwd")
            try check(program, "rm w/fill && sync && echo more > w/new && cat w/new", says: "more")
            try check(program, "$VITRINE umount w && $VITRINE fsck", says: "clean")
        }
    }

    @Test func `a disk that fails under its views is an error, and the mounts can be taken away`()
        throws
    {
        try withDisk { program in
            try check(
                program,
                """
                $VITRINE mount base m && $VITRINE mount --rw base w && echo kept > w/new
                cat m/etc/passwd > /dev/null
                python3 -c "
                import fcntl, os, struct
                # EXT4_IOC_SHUTDOWN, without writing the log back
                fcntl.ioctl(os.open('store', os.O_RDONLY), 0x8004587d, struct.pack('I', 2))"
                """)
            for command in ["cat m/usr/share/data/9", "cat w/usr/share/data/9", "echo x > w/other"]
            {
                let output = try program.run(shell: "timeout 300 sh -c '\(command)'")
                #expect(output.errors.contains("Input/output error"), "\(command)")
            }
            try check(program, "timeout 300 $VITRINE umount m && timeout 300 $VITRINE umount w")
        }
    }

    @Test(arguments: ["umount", "$VITRINE umount", "$VITRINE mount base m && $VITRINE umount"])
    func `a view whose process is killed under its readers can be taken away`(command: String)
        throws
    {
        let program = try Program()
        defer { program.remove() }
        try program.importBase()
        try check(
            program,
            """
            $VITRINE mount base m
            for reader in 1 2 3; do
                (for pass in $(seq 50); do cat m/usr/share/data/*; done > /dev/null 2>&1) &
            done
            sleep 0.2
            kill -9 $(pgrep -f "report-ready.* $PWD/m\\$")
            wait
            cat m/etc/passwd
            """, status: 1, says: "Transport endpoint is not connected")
        try check(program, "\(command) m")
        try check(program, "grep \"$PWD/m \" /proc/mounts", status: 1)
    }

    @Test func `a process that is stopped holds up nobody else, and is taken away lazily`() throws {
        let program = try Program()
        defer { program.remove() }
        try program.importBase()
        try check(
            program,
            """
            mkdir w && $VITRINE mount base m && $VITRINE mount --rw base w
            server=$(pgrep -f "report-ready.* $PWD/w\\$")
            kill -STOP $server
            timeout 100 $VITRINE mount && timeout 100 $VITRINE images && cat m/etc/passwd
            kill -CONT $server
            cat w/etc/passwd
            kill -STOP $server
            timeout 100 $VITRINE umount --lazy w
            kill -CONT $server
            $VITRINE umount m
            """, says: "root:x:0:0")
    }

    @Test func `who opens more files than a view may have is refused, and nobody else`() throws {
        let program = try Program()
        defer { program.remove() }
        try program.importBase()
        try check(program, "mkdir w; ulimit -n 64; $VITRINE mount --rw base w")
        defer { _ = try? program.run("umount", "--lazy", "w") }
        let view = program.directory + "/w"
        // Such as O_TMPFILE makes, which Swift does not see.
        let unnamed: Int32 = 0o20_200_000
        for isUnnamed in [false, true, false] {
            var open: [Int32] = []
            var failure: Int32 = 0
            while open.count < 100, failure == 0 {
                let descriptor =
                    unsafe isUnnamed
                    ? Glibc.open(view, unnamed | O_RDWR, 0o600)
                    : creat("\(view)/file\(open.count)", 0o600)
                failure = descriptor < 0 ? errno : 0
                if descriptor >= 0 { open.append(descriptor) }
            }
            #expect(failure == ENFILE)
            #expect(open.count >= 20)
            // What is refused is not emptied either.
            try check(program, ": > w/etc/passwd", status: 1, says: "Too many open files in system")
            try check(program, "cat w/etc/passwd", says: "root:x:0:0")
            try check(program, "cat w/usr/share/data/[1-9] w/usr/share/data/1?", says: "7 7 7")
            for descriptor in open { close(descriptor) }
        }
        let log = try program.read("store/logs/mounts.log")
        #expect(log.contains("which is all that its limit (ulimit -n 64"))
        try check(program, "$VITRINE umount w")
    }

    @Test func `limits of the shell that mounts a view are not those of its users`() throws {
        let program = try Program()
        defer { program.remove() }
        try program.importBase()
        // 10 MiB, in blocks of 1,024 bytes.
        try check(program, "mkdir w; ulimit -S -f 10240; $VITRINE mount --rw base w")
        defer { _ = try? program.run("umount", "--lazy", "w") }
        try check(program, "dd if=/dev/zero of=w/large bs=1M count=20 && truncate -s 1G w/sparse")
        try check(program, "$VITRINE umount w")
    }

    @Test func `what is removed in a container makes room on a full disk at once`() throws {
        try withDisk { program in
            try check(program, "$VITRINE create --name con base && $VITRINE mount con w")
            try check(
                program, "dd if=/dev/zero of=w/fill bs=1M", status: 1,
                says: "No space left on device")
            try check(program, "rm w/fill && sleep 0.2 && dd if=/dev/zero of=w/next bs=1M count=4")
            try check(program, "$VITRINE umount w && $VITRINE fsck", says: "clean")
        }
    }

    @Test func `a store that lost its database says so`() throws {
        let program = try Program()
        defer { program.remove() }
        try program.importBase()
        try check(program, "mv store/state.sqlite lost")
        for command in ["images", "mount base m", "import rootfs other"] {
            try check(program, "$VITRINE \(command)", status: 1, says: "database is missing")
        }
        try check(program, "mv lost store/state.sqlite && $VITRINE images", says: "base")
    }
}
