import CLinux
import Foundation
import Glibc
import Testing

/// What users of overlayfs, fuse-overlayfs and the builders on them have met, and must not meet here.
///
/// Shown elsewhere already:
///
/// | fault | shown by |
/// | --- | --- |
/// | names over 251 bytes and of `.wh.*` refused | `RandomOperationsTests`, whose names they are |
/// | hard links of the image broken by writing to one name | `WorkingTreeMountTests`: who opens a file after its first write sees, maps and runs the new content |
/// | a write through one name does not reach others that nobody looked up | `WorkingTreeInodeTests`: a write through one name changes names in the frozen tree that nobody looked up |
/// | mount points in the layer | `BuildCommandTests`: a step that changes nothing is the empty layer, without mount points |
/// | hard links broken by COPY | `CopyTests`: hard links within a directory of the context stay links in the image; … of a stage stay links among what one source brings |
/// | whiteouts and opaque directories misread | `LayerImportTests`: layers mean what the specification says |
/// | a truncated zstd or gzip of several frames taken for a whole one | `CompressionReaderTests`: a stream cut anywhere is told; a second stream cut anywhere is told |
/// | st_ino changes by copy-up | `WorkingTreeInodeTests`: an inode keeps its number across copy-up, rename and freeze |
/// | one mapping goes on showing old content after copy-up | `WorkingTreeMountTests` for files that are read through the daemon, below; larger ones in passthrough do as on overlayfs, see docs/fuse-semantics.md |
@Suite(.serialized, .enabled(if: Program.obstacle == nil, "\(Program.obstacle ?? "")"))
struct PeerFaultTests {
    private func withBase(_ body: (Program) throws -> Void) throws {
        let program = try Program()
        defer { program.remove() }
        try program.importBase()
        try body(program)
    }

    /// With the base mounted writable at `m`, and the shell's output.
    private func inView(_ script: String, prepare: (Program) throws -> Void = { _ in }) throws
        -> String
    {
        let program = try Program()
        defer { program.remove() }
        try prepare(program)
        try program.importBase()
        #expect(try program.run("mount", "--rw", "base", "m").status == 0)
        let result = try program.run(shell: "set -e; cd m; \(script)")
        #expect(result.status == 0, "\(result.errors)")
        #expect(try program.run("umount", "m").status == 0)
        return result.text
    }

    // MARK: - overlayfs

    @Test func `more layers than overlayfs takes are one tree`() throws {
        try withBase { program in
            let count = 510
            let steps = (0..<count).map { "COPY f /d/\($0)\n" }.joined()
            try program.write("FROM base\n" + steps, to: "context/Dockerfile")
            try program.write("content", to: "context/f")
            let build = try program.run("build", "-q", "-t", "deep", "context")
            #expect(build.status == 0, "\(build.errors)")
            #expect(try program.run("mount", "--rw", "deep", "m").status == 0)
            #expect(try program.names(in: "m/d").count == count)
            #expect(try program.read("m/d/0") == "content")
            try program.write("new", to: "m/d/0")
            #expect(try program.run("umount", "m").status == 0)
        }
    }

    @Test func `a directory of the image is renamed, without EXDEV`() throws {
        let text = try inView(
            "mv -T usr moved; ls moved/share/data | wc -l; stat -c %h moved . etc")
        #expect(text == "200\n3\n5\n2\n")
    }

    @Test func `directories count their links`() throws {
        let count = "stat -c %h usr"
        #expect(
            try inView("\(count); mkdir usr/new; \(count); rmdir usr/new; \(count)") == "3\n4\n3\n")
    }

    @Test func `a mapping of a small file shows what is written after its copy-up`() throws {
        try withBase { (program) throws in
            #expect(try program.run("mount", "--rw", "base", "m").status == 0)
            showsWrites(program.directory + "/m/etc/passwd")
            #expect(try program.run("umount", "m").status == 0)
        }
    }

    private func showsWrites(_ path: String) {
        let reader = unsafe open(path, O_RDONLY)
        let writer = unsafe open(path, O_WRONLY)
        defer {
            close(reader)
            close(writer)
        }
        let start = unsafe mmap(nil, 4096, PROT_READ, MAP_SHARED, reader, 0)
        guard let start = unsafe start, unsafe start != MAP_FAILED else {
            Issue.record("not mapped")
            return
        }
        #expect(unsafe pwrite(writer, "R", 1, 0) == 1)
        #expect(unsafe start.load(as: UInt8.self) == UInt8(ascii: "R"))
        unsafe munmap(start, 4096)
    }

    // MARK: - fuse-overlayfs

    @Test func `hard links and inode numbers are the same after another mount`() throws {
        try withBase { program in
            #expect(try program.run(shell: "ln rootfs/etc/passwd rootfs/usr/passwd").status == 0)
            try program.run("import", "rootfs", "linked")
            var seen: [String] = []
            for _ in 0..<2 {
                #expect(try program.run("mount", "linked", "m").status == 0)
                seen.append(
                    try program.run(
                        shell: "stat -c '%i %h' m/etc/passwd m/usr/passwd m/bin/busybox"
                    ).text)
                #expect(try program.run("umount", "m").status == 0)
            }
            #expect(seen[0] == seen[1])
            let lines = seen[0].split(separator: "\n")
            #expect(lines[0] == lines[1] && lines[0].hasSuffix(" 2"))
            // And as a writable view has them, after a step that wrote to one.
            try program.write(
                "FROM linked\nRUN echo more >> /etc/passwd\nRUN test /etc/passwd -ef /usr/passwd\n",
                to: "context/Dockerfile")
            #expect(try program.run(shell: "ln -s busybox rootfs/bin/test").status == 0)
            try program.run("import", "rootfs", "linked")
            let build = try program.run("build", "-t", "app", "context")
            #expect(build.status == 0, "\(build.errors)")
            #expect(try program.run("mount", "app", "m").status == 0)
            #expect(try program.read("m/usr/passwd").hasSuffix("more\n"))
            #expect(try program.run("umount", "m").status == 0)
        }
    }

    @Test func `holes of a file of the image stay holes when it is written to`() throws {
        try withBase { program in
            let made = try program.run(
                shell: "truncate -s 256M rootfs/sparse; truncate -s 900K rootfs/less")
            #expect(made.status == 0)
            try program.run("import", "rootfs", "base")
            #expect(try program.run("mount", "--rw", "base", "m").status == 0)
            let script = """
                for file in m/sparse m/less; do
                    printf x | dd of=$file bs=1 seek=500000 conv=notrunc status=none
                    fallocate -o 600000 -l 1 $file
                done
                du -sk store/work | cut -f 1
                """
            let result = try program.run(shell: script)
            #expect(Int(result.text.dropLast()).map { $0 < 2048 } == true, "\(result.text)")
            #expect(try program.run("umount", "m").status == 0)
        }
    }

    @Test func `an open file without a name has no links`() throws {
        let text = try inView(
            """
            exec 3< etc/passwd; rm etc/passwd; stat -Lc %h /proc/self/fd/3
            exec 4> new; rm new; echo content >&4; stat -Lc '%h %s' /proc/self/fd/4
            """)
        #expect(text == "0\n0 8\n")
    }

    // MARK: - Builders

    @Test func `what a step changed is all of it, and nothing else`() throws {
        try withBase { program in
            try program.write(
                """
                FROM base
                RUN echo x > /new && rm -r /usr/share/data && busybox chmod 600 /etc/passwd \
                && busybox mv /bin/seq /bin/sequence

                """, to: "context/Dockerfile")
            #expect(try program.run("build", "-t", "app", "context").status == 0)
            #expect(
                try program.run("diff", "app").text == """
                    C /bin
                    D /bin/seq
                    A /bin/sequence
                    C /etc
                    C /etc/passwd
                    A /new
                    C /usr
                    C /usr/share
                    D /usr/share/data

                    """)
        }
    }

    @Test func `files that were moved forth and back, or touched to the same, are no change`()
        throws
    {
        try withBase { program in
            try program.write(
                """
                FROM base
                RUN cd /usr/share/data && busybox mv 1 x && busybox mv x 1 \
                && busybox touch -r 3 3 && busybox chmod 644 4 \
                && busybox mv /usr/share/data /d && busybox mv /d /usr/share/data

                """, to: "context/Dockerfile")
            let build = try program.run("build", "-t", "app", "context")
            #expect(build.status == 0, "\(build.errors)")
            let changed = try program.run("diff", "app").text.split(separator: "\n")
            #expect(changed == ["C /usr", "C /usr/share", "C /usr/share/data"])
        }
    }

    @Test func `a directory that is made anew shows nothing of the old one`() throws {
        try withBase { program in
            try program.write(
                """
                FROM base
                RUN rm -r /usr/share/data && mkdir /usr/share/data && echo new > /usr/share/data/7
                RUN rm -r /usr/share && mkdir /usr/share && echo newer > /usr/share/data

                """, to: "context/Dockerfile")
            #expect(try program.run("build", "-t", "app", "context").status == 0)
            try program.run("save", "-o", "app.tar", "app")
            let other = program.directory + "/other"
            #expect(try program.run("--root", other, "load", "-i", "app.tar").status == 0)
            for root in [program.directory + "/store", other] {
                #expect(try program.run("--root", root, "mount", "app", "m").status == 0)
                #expect(try program.names(in: "m/usr/share") == ["data"])
                #expect(try program.read("m/usr/share/data") == "newer\n")
                #expect(try program.run("--root", root, "umount", "m").status == 0)
            }
        }
    }

    @Test func `capabilities and attributes survive steps, copies, layers and loading`() throws {
        try withBase { program in
            let capability: [UInt8] = [1, 0, 0, 2, 0, 0x20] + [UInt8](repeating: 0, count: 14)
            let file = program.directory + "/rootfs/etc/capable"
            #expect(try program.run(shell: "echo program > rootfs/etc/capable").status == 0)
            let result = unsafe setxattr(
                file, "security.capability", capability, capability.count, 0)
            try #require(result == 0)
            try program.run("import", "rootfs", "base")
            try program.write(
                """
                FROM base AS one
                RUN ln /etc/capable /etc/link && busybox mv /etc/capable /moved
                FROM base
                COPY --from=one /moved /copied
                COPY --from=one /etc/link /x/

                """, to: "context/Dockerfile")
            let build = try program.run("build", "-t", "app", "context")
            #expect(build.status == 0, "\(build.errors)")
            try program.run("save", "-o", "app.tar", "app")
            let other = program.directory + "/other"
            try program.run("--root", other, "load", "-i", "app.tar")
            #expect(try program.run("--root", other, "mount", "app", "m").status == 0)
            for name in ["etc/capable", "copied", "x/link"] {
                var found = [UInt8](repeating: 0, count: 40)
                let count = unsafe getxattr(
                    program.directory + "/m/" + name, "security.capability", &found, 40)
                #expect(Array(found.prefix(max(0, count))) == capability, "\(name)")
            }
            #expect(try program.run("umount", "m").status == 0)
        }
    }

    @Test func `COPY --link leaves the directories above as they are`() throws {
        try withBase { program in
            let made = try program.run(
                shell: "chmod 1770 rootfs/usr/share; chown 5:6 rootfs/usr/share")
            #expect(made.status == 0)
            try program.run("import", "rootfs", "base")
            try program.write(
                "FROM base\nCOPY --link f /usr/share/deeper/f\n", to: "context/Dockerfile")
            try program.write("content", to: "context/f")
            let build = try program.run("build", "-t", "app", "context")
            #expect(build.status == 0, "\(build.errors)")
            #expect(try program.run("mount", "app", "m").status == 0)
            #expect(
                try program.run(shell: "stat -c '%a %u %g' m/usr/share; cat m/usr/share/deeper/f")
                    .text == "1770 5 6\ncontent")
            #expect(try program.run("umount", "m").status == 0)
        }
    }
}
