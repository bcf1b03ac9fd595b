import CFuse
import CLinux
import FuseDriver
import Glibc
import Synchronization
import Testing
import VirtualFS

extension RealMounts {
    @Suite
    struct WritableMountTests {
        @Test func `creates, writes, reads back, renames and unlinks`() throws {
            try MountFixture.mounted(.writable) { _ in
            } body: { fixture in
                let text = pattern(300_000)
                #expect(Host.put(text, at: fixture.path("a")) == 0)
                #expect(Host.contents(fixture.path("a")) == text)
                #expect(Host.status(fixture.path("a"))?.st_size == 300_000)
                try Host.makeDirectories([fixture.path("d")])
                #expect(Host.status(fixture.mountPoint)?.st_nlink == 3)
                #expect(unsafe rename(fixture.path("a"), fixture.path("d/b")) == 0)
                #expect(Host.contents(fixture.path("a")) == nil && errno == ENOENT)
                #expect(Host.contents(fixture.path("d/b")) == text)
                #expect(unsafe Host.failure(rmdir(fixture.path("d"))) == ENOTEMPTY)
                #expect(unsafe unlink(fixture.path("d/b")) == 0)
                #expect(unsafe rmdir(fixture.path("d")) == 0)
                #expect(Host.names(in: fixture.mountPoint) == [])
            }
        }

        @Test func `makes links, nodes and symbolic links`() throws {
            try MountFixture.mounted(.writable) { _ in
            } body: { fixture in
                #expect(Host.put([1], at: fixture.path("a")) == 0)
                #expect(unsafe link(fixture.path("a"), fixture.path("b")) == 0)
                #expect(Host.status(fixture.path("a"))?.st_nlink == 2)
                #expect(
                    Host.status(fixture.path("b"))?.st_ino == Host.status(fixture.path("a"))?.st_ino
                )
                #expect(unsafe symlink("a", fixture.path("s")) == 0)
                #expect(Host.link(fixture.path("s")) == "a")
                #expect(Host.contents(fixture.path("s")) == [1])
                #expect(unsafe mkfifo(fixture.path("f"), 0o640) == 0)
                #expect(Host.status(fixture.path("f"))?.st_mode == 0o010640)
                let device = dev_t(0x105)
                #expect(unsafe mknod(fixture.path("c"), S_IFCHR | 0o600, device) == 0)
                #expect(Host.status(fixture.path("c"))?.st_mode == 0o020600)
                #expect(Host.status(fixture.path("c"))?.st_rdev == device)
            }
        }

        @Test(arguments: [
            (UInt32(0), nil as String?, "rename.replace", Int32(0)),
            (1, nil, "rename.noReplace", 0),
            (0, "b", "rename.replace", 0), (1, "b", "rename.noReplace", EEXIST),
            (2, "b", "rename.exchange", 0), (2, nil, "rename.exchange", ENOENT),
        ])
        func `renames in the three ways of renameat2`(
            flags: UInt32, existing: String?, call: String, expected: Int32
        ) throws {
            try MountFixture.mounted(.writable) { fileSystem in
                fileSystem.add("a", mode: 0o100644)
                if let existing { fileSystem.add(existing, mode: 0o100644) }
            } body: { fixture in
                let result = unsafe renameat2(
                    AT_FDCWD, fixture.path("a"), AT_FDCWD, fixture.path("b"), flags)
                #expect(Host.failure(result) == expected)
                // The kernel answers what it can tell from names alone.
                #expect(fixture.fileSystem.calls(call) == (expected == 0 ? 1 : 0))
            }
        }

        @Test func `changes attributes, one at a time`() throws {
            try MountFixture.mounted(.writable) { fileSystem in
                fileSystem.add("a", mode: 0o100644)
            } body: { fixture in
                let path = fixture.path("a")
                #expect(unsafe chmod(path, 0o4751) == 0)
                #expect(Host.status(path)?.st_mode == 0o104751)
                #expect(unsafe chown(path, 7, UInt32.max) == 0)
                #expect(Host.status(path)?.st_uid == 7 && Host.status(path)?.st_gid == 0)
                #expect(Host.status(path)?.st_mode == 0o100751, "chown drops set ids")
                #expect(unsafe truncate(path, 5000) == 0)
                #expect(Host.status(path)?.st_size == 5000)
                let times = [timespec(tv_sec: 1, tv_nsec: 2), timespec(tv_sec: -3, tv_nsec: 4)]
                #expect(unsafe utimensat(AT_FDCWD, path, times, 0) == 0)
                #expect(Host.status(path)?.st_mtim.tv_sec == -3)
                #expect(Host.status(path)?.st_mtim.tv_nsec == 4)
            }
        }

        @Test func `hands the umask over instead of applying it`() throws {
            try MountFixture.mounted(.writable) { _ in
            } body: { fixture in
                let former = umask(0o027)
                defer { _ = umask(former) }
                #expect(unsafe mkdir(fixture.path("d"), 0o777) == 0)
                #expect(Host.put([], at: fixture.path("f")) == 0)
                #expect(Host.status(fixture.path("d"))?.st_mode == 0o40750)
                #expect(Host.status(fixture.path("f"))?.st_mode == 0o100640)
            }
        }

        @Test func `sets, replaces and removes extended attributes`() throws {
            try MountFixture.mounted(.writable) { fileSystem in
                fileSystem.add("a", mode: 0o100644)
            } body: { fixture in
                let path = fixture.path("a")
                #expect(Host.setAttribute("user.long.name", of: path, to: pattern(500)) == 0)
                #expect(Host.attribute("user.long.name", of: path) == pattern(500))
                #expect(Host.setAttribute("user.long.name", of: path, to: [], flags: 1) == EEXIST)
                #expect(Host.setAttribute("user.other", of: path, to: [1], flags: 2) == ENODATA)
                #expect(Host.setAttribute("user.long.name", of: path, to: [9], flags: 2) == 0)
                #expect(Host.attribute("user.long.name", of: path) == [9])
                #expect(unsafe removexattr(path, "user.long.name") == 0)
                #expect(Host.attributeNames(path) == [])
            }
        }

        @Test func `truncates with the open itself`() throws {
            try MountFixture.mounted(.writable) { _ in
            } body: { fixture in
                #expect(Host.put(pattern(10_000), at: fixture.path("a")) == 0)
                #expect(Host.put([1, 2], at: fixture.path("a")) == 0)
                #expect(Host.contents(fixture.path("a")) == [1, 2])
                #expect(fixture.fileSystem.calls("setAttributes") == 0)
            }
        }

        @Test func `allocates and finds holes`() throws {
            try MountFixture.mounted(.writable) { fileSystem in
                fileSystem.hooks.withLock { $0.open = { OpenedFile(handle: $0.handle) } }
            } body: { fixture in
                let descriptor = try Host.open(fixture.path("a"), O_RDWR | O_CREAT)
                defer { close(descriptor) }
                #expect(posix_fallocate(descriptor, 0, 8192) == 0)
                #expect(Host.status(of: descriptor)?.st_size == 8192)
                #expect(ftruncate(descriptor, 1 << 20) == 0)
                #expect(Host.write([1], to: descriptor, at: 1 << 19) == 0)
                #expect(lseek(descriptor, 100_000, SEEK_DATA) == 1 << 19)
                #expect(fixture.fileSystem.calls("seek") == 1)
                #expect(fsync(descriptor) == 0)
                #expect(fixture.fileSystem.calls("synchronize") == 1)
            }
        }

        @Test func `gives every lookup and handle back`() throws {
            try MountFixture.mounted(.writable) { fileSystem in
                for index in 0..<100 { fileSystem.add("f\(index)", mode: 0o100644) }
            } body: { fixture in
                for name in Host.names(in: fixture.mountPoint) {
                    #expect(Host.put([1], at: fixture.path(name)) == 0)
                    #expect(unsafe unlink(fixture.path(name)) == 0)
                }
                let fileSystem = fixture.fileSystem
                #expect(eventually { fileSystem.state.withLock { $0.openHandles.isEmpty } })
                #expect(
                    eventually {
                        fileSystem.state.withLock { state in
                            state.nodes.allSatisfy { $0.key == .root || $0.value.lookups == 0 }
                        }
                    })
            }
        }

        @Test func `clears set ids when an ordinary user writes`() throws {
            try MountFixture.mounted(.writable) { fileSystem in
                fileSystem.add("a", mode: 0o106777)
            } body: { fixture in
                try #require(fixture.session.capabilities.clearsSetIDs)
                // Only a process without CAP_FSETID loses them: one of another user.
                let text = "echo x >> \(fixture.path("a"))"
                #expect(ShellCommand.run(text, asUser: 65534) == 0)
                #expect(Host.status(fixture.path("a"))?.st_mode == 0o100777)
                #expect(Host.contents(fixture.path("a")) == Array("x\n".utf8))
            }
        }

        @Test(arguments: [
            FileSystemError.notPermitted, .inputOutput, .accessDenied, .busy, .tooManyOpenFiles,
            .noSpace, .stale, .quotaExceeded, .other(errno: 103),
        ])
        func `passes errors on as the errno they stand for`(error: FileSystemError) throws {
            try MountFixture.mounted(.writable) { fileSystem in
                fileSystem.hooks.withLock {
                    $0.lookup = { (_) throws(FileSystemError) in throw error }
                }
            } body: { fixture in
                #expect(Host.status(fixture.path("any")) == nil)
                #expect(errno == error.errno)
            }
        }
    }
}
