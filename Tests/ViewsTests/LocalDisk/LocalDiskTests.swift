import FileTree
import FuseDriver
import Glibc
import ImageSpec
import LinuxIO
import Store
import Testing
import VirtualFS

@testable import Views

private let canMount = unsafe geteuid() == 0 && access("/dev/fuse", R_OK | W_OK) == 0

/// What programs may expect of a disk, done on a mounted view and beside it on the host's file system.
///
/// Without `/dev/fuse` there is nothing to compare, and on hosts whose temporary directory is of a kind
/// of its own (tmpfs) some answers would rightly differ.
@Suite(
    .serialized,
    .enabled(if: canMount && isOnExt4, "it needs root, /dev/fuse and an ext4 to compare with"))
struct LocalDiskTests {
    @Test(arguments: LocalDiskProbe.all)
    func `a view behaves as a local disk`(probe: LocalDiskProbe) throws {
        try mounted { fixture, view in
            let disk = fixture.directory + "/disk"
            try HostDirectory.make(disk, permissions: 0o755)
            for name in ["large", "large2", "small", "program"] {
                #expect(
                    Outcome.run("cp -p \(view)/\(name) \(disk)/\(name)", times: 1) == ["0"])
            }
            let (found, expected) = (try probe.run(view), try probe.run(disk))
            #expect(found == expected)
        }
    }

    @Test func `a file without a name is in no tree, and goes when it is closed`() throws {
        try mounted { fixture, view in
            let before = fixture.workFileCount
            let file = try OwnedDescriptor(
                opening: view, OwnedDescriptor.Mode(rawValue: HostFlag.unnamed | O_RDWR))
            #expect(Outcome.write(file.rawValue, [1, 2, 3]) == "3")
            #expect(fixture.workFileCount == before + 1)
            let tree = try fixture.freeze()
            #expect(try fixture.directories.directory(tree.directory.id).entries.count == 4)
            // It outlives the freeze, and is part of the next one.
            #expect(
                unsafe linkat(
                    AT_FDCWD, "/proc/self/fd/\(file.rawValue)", AT_FDCWD, view + "/named",
                    AT_SYMLINK_FOLLOW) == 0)
            let node = try #require(try fixture.node("named", in: fixture.freeze()))
            guard case .file(let content) = node.content else {
                Issue.record("not a file")
                return
            }
            #expect(try fixture.content(content) == [1, 2, 3])
            #expect(node.hardLink == nil)
            _ = consume file
        }
        try mounted { fixture, view in
            let before = fixture.workFileCount
            let file = try OwnedDescriptor(
                opening: view, OwnedDescriptor.Mode(rawValue: HostFlag.unnamed | O_RDWR))
            #expect(fixture.workFileCount == before + 1)
            _ = consume file
            for _ in 0..<12_000 where fixture.workFileCount > before { usleep(5000) }
            #expect(fixture.workFileCount == before)
        }
    }

    @Test func `a removed directory takes no file without a name`() throws {
        try mounted { fixture, view in
            try HostDirectory.make(view + "/gone", permissions: 0o755)
            let gone = try OwnedDescriptor(opening: view + "/gone", [.readOnly, .directory])
            #expect(unsafe rmdir(view + "/gone") == 0)
            let path = "/proc/self/fd/\(gone.rawValue)"
            #expect(Outcome.of(Outcome.open(path, HostFlag.unnamed | O_RDWR)) == "errno \(ENOENT)")
            #expect(fixture.workFileCount == 0)
        }
    }

    @Test func `no flag can be set on a file, and clearing all is no error`() throws {
        try mounted { _, view in
            for name in ["small", "."] {
                let file = try OwnedDescriptor(opening: "\(view)/\(name)", .readOnly)
                var (none, immutable) = (0, 0x10)
                #expect(unsafe ioctl(file.rawValue, 0x4008_6602, &none) == 0)
                #expect(unsafe ioctl(file.rawValue, 0x4008_6602, &immutable) == -1)
                #expect(errno == EOPNOTSUPP)
                var extended = [UInt8](repeating: 1, count: 28)
                #expect(unsafe ioctl(file.rawValue, 0x801C_581F, &extended) == 0)
                #expect(extended == [UInt8](repeating: 0, count: 28))
            }
        }
    }

    @Test func `whoever is killed in the middle of a long copy-up ends, and the file is whole`()
        throws
    {
        try mounted(largeBytes: 192 << 20) { fixture, view in
            let path = view + "/large"
            let before = Outcome.content(path)
            for delay: UInt32 in [1000, 20_000, 60_000] {
                // Allocating needs the file whole, so all of it is copied first.
                let child = try Outcome.start(["fallocate", "-o", "200M", "-l", "4096", path]).get()
                usleep(delay)
                kill(child, SIGKILL)
                let status = Outcome.exit(of: child)
                #expect(status == SIGKILL || status == 0)
            }
            let file = try OwnedDescriptor(opening: path, [.readWrite])
            #expect(ftruncate(file.rawValue, 192 << 20) == 0)
            #expect(Outcome.content(path) == before)
            let node = try #require(try fixture.node("large", in: fixture.freeze()))
            guard case .file(let content) = node.content else {
                Issue.record("not a file")
                return
            }
            #expect(try ContentDigest.text(fixture.content(content)) == before)
        }
    }

    // MARK: - Fixture

    /// A view of a tree with the files that probes need.
    private func mounted(
        largeBytes: Int = 3 << 20, _ body: (WorkingTreeFixture, String) throws -> Void
    ) throws {
        let fixture = try WorkingTreeFixture()
        let client = ViewClient(fixture.tree, umask: 0)
        let program = try OwnedDescriptor(opening: "/bin/sleep", .readOnly)
        let contents = [
            "large": Self.bytes(largeBytes), "large2": Self.bytes(2 << 20),
            "small": Self.bytes(3000),
            "program": try DescriptorIO.readAll(program.rawValue, limit: 1 << 24),
        ]
        for (name, bytes) in contents {
            _ = client.run(.create(path: name, mode: 0o755, exclusive: true))
            #expect(client.run(.write(path: name, offset: 0, bytes: bytes)) == .done)
        }
        client.closeAll()
        try fixture.remount()
        let path = fixture.directory + "/mount"
        try HostDirectory.make(path, permissions: 0o755)
        var options = MountOptions(source: "test")
        options.allowsDevices = true
        let session = try FuseSession.mount(fixture.tree, at: path, options: options)
        defer {
            session.stop()
            session.wait()
        }
        try body(fixture, path)
    }

    /// No two blocks are alike.
    private static func bytes(_ count: Int) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            var value: UInt64 = 1
            for index in 0..<count {
                if index % 8 == 0 { value = value &* 6_364_136_223_846_793_005 &+ 1 }
                unsafe buffer[index] = UInt8(truncatingIfNeeded: value >> (UInt64(index % 8) * 8))
            }
            filled = count
        }
    }
}

private let isOnExt4 =
    Outcome.run("test $(stat -f -c %T /tmp) = ext2/ext3", times: 1) == ["0"]
