import CFuse
import CLinux
import FuseDriver
import Glibc
import Synchronization
import Testing
import VirtualFS

extension RealMounts {
    @Suite
    struct ReadOnlyMountTests {
        private static let profile = ConnectionProfile.readOnly(extendedAttributes: true)

        @Test func `shows directories, files and links with their attributes`() throws {
            try MountFixture.mounted(Self.profile) { fileSystem in
                let directory = fileSystem.add("etc", mode: 0o40750)
                fileSystem.add("passwd", in: directory, mode: 0o100640, content: Array("root".utf8))
                fileSystem.add("link", mode: 0o120777, target: "etc/passwd")
            } body: { fixture in
                #expect(Host.names(in: fixture.mountPoint).sorted() == ["etc", "link"])
                #expect(Host.status(fixture.path("etc"))?.st_mode == 0o40750)
                #expect(Host.status(fixture.path("etc"))?.st_ino == 2)
                #expect(Host.status(fixture.path("etc/passwd"))?.st_size == 4)
                #expect(Host.status(fixture.path("link"))?.st_mode == 0o120777)
                #expect(Host.contents(fixture.path("link")) == Array("root".utf8))
                #expect(Host.status(fixture.path("absent")) == nil && errno == ENOENT)
                #expect(Host.status(fixture.path(String(repeating: "n", count: 256))) == nil)
                #expect(errno == ENAMETOOLONG)
            }
        }

        @Test func `lists 10,000 entries once each, with their attributes`() throws {
            let expected = (0..<10_000).map { "entry-\($0)" }
            try MountFixture.mounted(Self.profile) { fileSystem in
                for name in expected { fileSystem.add(name, mode: 0o100644) }
            } body: { fixture in
                #expect(Host.names(in: fixture.mountPoint) == expected)
                #expect(fixture.session.capabilities.readDirectoryPlus)
                #expect(fixture.fileSystem.calls("readDirectory") == 0)
                for name in expected {
                    #expect(Host.status(fixture.path(name))?.st_mode == 0o100644)
                }
                // READDIRPLUS told the kernel everything already.
                #expect(fixture.fileSystem.calls("lookup") == 0)
                #expect(fixture.fileSystem.calls("attributes") <= 1)
            }
        }

        @Test func `reads a large file in any way programs read`() throws {
            let expected = pattern(5_000_001)
            try MountFixture.mounted(Self.profile) { fileSystem in
                fileSystem.add("large", mode: 0o100644, content: expected)
            } body: { fixture in
                #expect(Host.contents(fixture.path("large")) == expected)
                let descriptor = try Host.open(fixture.path("large"))
                defer { close(descriptor) }
                #expect(Host.read(descriptor, at: 4_999_000, 4096) == expected.suffix(1001) + [])
                #expect(Host.read(descriptor, at: 6_000_000, 4096) == [])
                #expect(Host.mapped(descriptor, expected.count) == expected)
                #expect(Host.mapped(descriptor, expected.count, shared: false) == expected)
            }
        }

        @Test func `costs no request to open a file, a directory again, or to close`() throws {
            try MountFixture.mounted(Self.profile) { fileSystem in
                fileSystem.add("file", mode: 0o100644, content: [1, 2, 3])
            } body: { fixture in
                for _ in 0..<5 {
                    #expect(Host.contents(fixture.path("file")) == [1, 2, 3])
                    #expect(Host.names(in: fixture.mountPoint) == ["file"])
                }
                #expect(fixture.fileSystem.calls("open") == 0)
                #expect(fixture.fileSystem.calls("read") == 1)
                #expect(fixture.fileSystem.calls("lookup") <= 1)
                #expect(fixture.fileSystem.calls("readDirectoryPlus") <= 2)
            }
        }

        @Test func `refuses every change with EROFS`() throws {
            var options = MountFixture.options()
            options.isReadOnly = true
            try MountFixture.mounted(Self.profile, options: options) { fileSystem in
                fileSystem.add("file", mode: 0o100644)
            } body: { fixture in
                #expect(unsafe Host.failure(mkdir(fixture.path("new"), 0o755)) == EROFS)
                #expect(unsafe Host.failure(unlink(fixture.path("file"))) == EROFS)
                #expect(Host.openFailure(fixture.path("file"), O_WRONLY) == EROFS)
                #expect(unsafe Host.failure(chmod(fixture.path("file"), 0)) == EROFS)
            }
        }

        @Test func `lists and reads extended attributes`() throws {
            try MountFixture.mounted(Self.profile) { fileSystem in
                fileSystem.add(
                    "file", mode: 0o100644,
                    extendedAttributes: ["user.a": [1, 2], "user.b": []])
            } body: { fixture in
                let file = fixture.path("file")
                #expect(Host.attributeNames(file) == ["user.a", "user.b"])
                #expect(Host.attribute("user.a", of: file) == [1, 2])
                #expect(Host.attribute("user.b", of: file) == [])
                #expect(Host.attribute("user.c", of: file) == nil && errno == ENODATA)
                #expect(unsafe lgetxattr(file, "user.a", nil, 0) == 2)
                var small: UInt8 = 0
                #expect(unsafe lgetxattr(file, "user.a", &small, 1) == -1 && errno == ERANGE)
            }
        }

        @Test func `asks for extended attributes once where there are none at all`() throws {
            try MountFixture.mounted(.readOnly(extendedAttributes: false)) { fileSystem in
                fileSystem.add("file", mode: 0o100644)
            } body: { fixture in
                for _ in 0..<3 {
                    #expect(Host.attribute("user.a", of: fixture.path("file")) == nil)
                    #expect(errno == EOPNOTSUPP)
                }
                #expect(fixture.fileSystem.calls("extendedAttribute") == 0)
            }
        }

        @Test func `is in the mount table under its type and source, closed to setuid`() throws {
            try MountFixture.mounted(Self.profile) { _ in
            } body: { fixture in
                let entry = MountTable()?.entry(at: Array(fixture.mountPoint.utf8))
                #expect(entry?.type == Array("fuse.vitrine".utf8))
                #expect(entry?.source == Array("fixture".utf8))
                let statistics = try #require(Host.statistics(fixture.mountPoint))
                #expect(statistics.f_flag & UInt(ST_NOSUID) != 0)
                #expect(statistics.f_blocks == 1000 && statistics.f_bavail == 400)
                #expect(statistics.f_namemax == 255)
            }
        }

        @Test func `sees a change of which the kernel was told`() throws {
            try MountFixture.mounted(Self.profile) { fileSystem in
                fileSystem.add("file", mode: 0o100644, content: [1])
            } body: { fixture in
                #expect(Host.status(fixture.path("late")) == nil)
                #expect(Host.contents(fixture.path("file")) == [1])
                fixture.fileSystem.add("late", mode: 0o100644)
                #expect(Host.status(fixture.path("late")) == nil, "absence is cached")
                let notifier = fixture.fileSystem.state.withLock { state in
                    state.nodes[InodeNumber(2)]?.content = [2]
                    return state.notifier
                }
                notifier?.invalidateEntry(Array("late".utf8), in: .root)
                notifier?.invalidateInode(InodeNumber(2))
                #expect(Host.status(fixture.path("late"))?.st_ino == 3)
                #expect(Host.contents(fixture.path("file")) == [2])
            }
        }
    }
}
