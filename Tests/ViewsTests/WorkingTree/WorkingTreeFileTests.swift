import FileTree
import Glibc
import LinuxIO
import Store
import Testing
import VirtualFS

@testable import Views

/// Content: copy-up, backing files, and what attributes tell meanwhile.
@Suite
struct WorkingTreeFileTests {
    private let context = RequestContext()

    /// A lower tree with `f` of `count` bytes, which begins as programs do (ELF) if it is one.
    private func fixture(
        _ count: Int, mode: UInt32 = 0o644, isProgram: Bool = false
    ) throws -> WorkingTreeFixture {
        var bytes = [UInt8](repeating: 1, count: count)
        if isProgram { bytes.replaceSubrange(0..<4, with: [0x7F, 0x45, 0x4C, 0x46]) }
        let fixture = try WorkingTreeFixture()
        let client = ViewClient(fixture.tree, umask: 0)
        _ = client.run(.create(path: "f", mode: 0o600, exclusive: true))
        _ = client.run(.write(path: "f", offset: 0, bytes: bytes))
        _ = client.run(.changeMode(path: "f", mode: mode))
        _ = client.run(.setModificationTime(path: "f", seconds: 77))
        try fixture.remount()
        return fixture
    }

    private func inode(_ fixture: WorkingTreeFixture, _ name: String = "f") throws -> InodeNumber {
        guard case .found(let entry) = try fixture.tree.lookup(Array(name.utf8), in: .root) else {
            throw FileSystemError.notFound
        }
        return entry.attributes.inode
    }

    private func read(_ fixture: WorkingTreeFixture, _ inode: InodeNumber, _ file: OpenedFile)
        throws
        -> [UInt8]
    {
        var result: [UInt8] = []
        try fixture.tree.read(inode, handle: file.handle, offset: 0, size: 1 << 20) { source in
            switch source {
            case .bytes(let bytes): result = Array(bytes)
            case .descriptor(let descriptor, let offset, let size):
                var buffer = [UInt8](repeating: 0, count: size)
                let count = unsafe pread(descriptor, &buffer, size, Int(offset))
                result = Array(buffer[0..<max(0, count)])
            }
        }
        return result
    }

    private func write(
        _ fixture: WorkingTreeFixture, _ inode: InodeNumber, _ file: OpenedFile, _ bytes: [UInt8]
    ) throws {
        let count = try unsafe bytes.withUnsafeBytes {
            try unsafe fixture.tree.write(
                inode, handle: file.handle, offset: 0, data: $0, clearSetIDs: true)
        }
        #expect(count == bytes.count)
    }

    @Test func `an own file that is removed is used again, and nothing of it shows`() throws {
        let fixture = try WorkingTreeFixture()
        let client = ViewClient(fixture.tree, umask: 0)
        _ = client.run(.create(path: "old", mode: 0o600, exclusive: true))
        _ = client.run(.write(path: "old", offset: 0, bytes: [UInt8](repeating: 9, count: 5000)))
        client.closeAll()
        _ = client.run(.unlink(path: "old"))
        client.forgetAll()
        #expect(fixture.spareFileCount == 1)
        let before = FileTime(FileTimestamp.now())
        usleep(20_000)
        _ = client.run(.create(path: "new", mode: 0o640, exclusive: true))
        #expect(fixture.spareFileCount == 0)
        let made = try fixture.tree.attributes(of: inode(fixture, "new"), handle: nil).attributes
        #expect(made.sizeBytes == 0)
        #expect(made.modificationTime > before)
        #expect(made.changeTime > before)
        _ = client.run(.write(path: "new", offset: 3, bytes: [1]))
        client.closeAll()
        let tree = try fixture.freeze()
        guard case .file(let content)? = try fixture.node("new", in: tree)?.content else {
            Issue.record("it is not in the tree")
            return
        }
        #expect(try fixture.content(content) == [0, 0, 0, 1])
    }

    @Test func `no object of the store is used again as an own file`() throws {
        let fixture = try WorkingTreeFixture()
        let client = ViewClient(fixture.tree, umask: 0)
        _ = client.run(.create(path: "f", mode: 0o600, exclusive: true))
        _ = client.run(.write(path: "f", offset: 0, bytes: [1, 2, 3]))
        client.closeAll()
        let tree = try fixture.freeze()
        _ = client.run(.unlink(path: "f"))
        client.forgetAll()
        guard case .file(let content)? = try fixture.node("f", in: tree)?.content else {
            Issue.record("it is not in the tree")
            return
        }
        #expect(try fixture.content(content) == [1, 2, 3])
        // Nor one that has become one under its own name.
        let path = fixture.lease.newWorkPath("file")
        try HostDirectory.replaceFile(path, with: [4], permissions: 0o600)
        try HostDirectory.link(path, as: path + "-object")
        #expect(!fixture.tree.spareFiles.keep(path))
        #expect(try FileStatus(ofPath: path).sizeBytes == 1)
    }

    @Test func `metadata changes of lower files copy no content`() throws {
        let fixture = try fixture(1000)
        let client = ViewClient(fixture.tree, umask: 0)
        for operation: PosixOperation in [
            .changeMode(path: "f", mode: 0o600), .changeOwner(path: "f", user: 5, group: 6),
            .setModificationTime(path: "f", seconds: 9),
            .setAttribute(path: "f", name: "user.a", value: [1], flags: 0),
            .rename(path: "f", to: "g", flags: 0), .link(path: "g", to: "h"),
            .truncate(path: "g", size: 1000), .truncate(path: "g", size: 0),
        ] {
            #expect(client.run(operation) == .done)
            #expect(fixture.workFileCount == 0)
        }
    }

    @Test(arguments: [
        (0, false, false), (100, true, false), (128 << 10, true, true), (1 << 20, true, true),
        (1 << 20, false, false),
    ])
    func `large programs are read past the daemon, all else from the page cache`(
        size: Int, isProgram: Bool, hasBacking: Bool
    ) throws {
        let fixture = try fixture(size, isProgram: isProgram)
        let inode = try inode(fixture)
        let file = try fixture.tree.open(inode, flags: [], context: context)
        #expect((file.backing != nil) == hasBacking)
        #expect(file.caching == .keep)
        #expect(try read(fixture, inode, file).count == size)
        fixture.tree.release(inode, handle: file.handle)
    }

    @Test func `opens for writing share one backing, and readers get it too`() throws {
        let fixture = try fixture(100)
        let inode = try inode(fixture)
        let first = try fixture.tree.open(inode, flags: .writeOnly, context: context)
        let second = try fixture.tree.open(inode, flags: .writeOnly, context: context)
        let reader = try fixture.tree.open(inode, flags: [], context: context)
        #expect(first.backing != nil)
        #expect(first.backing == second.backing && first.backing == reader.backing)
        for file in [first, second, reader] { fixture.tree.release(inode, handle: file.handle) }
        // Pages that an earlier open may have left are older than what was written.
        let later = try fixture.tree.open(inode, flags: [], context: context)
        #expect(later.backing == nil && later.caching == .discard)
        let last = try fixture.tree.open(inode, flags: [], context: context)
        #expect(last.caching == .keep)
        for file in [later, last] { fixture.tree.release(inode, handle: file.handle) }
    }

    @Test func `what may be mapped is read past the page cache until it is forgotten`() throws {
        let fixture = try fixture(100)
        let inode = try inode(fixture)
        let file = try fixture.tree.open(inode, flags: .readWrite, context: context)
        let host = try #require(file.backing)
        let mapping = try OwnedDescriptor(
            opening: "/proc/self/fd/\(host.descriptor)", .readWrite)
        fixture.tree.release(inode, handle: file.handle)
        let later = try fixture.tree.open(inode, flags: [], context: context)
        #expect(later.backing?.identity == host.identity)
        fixture.tree.release(inode, handle: later.handle)
        // As a mapping that outlived its file does.
        #expect(unsafe pwrite(mapping.rawValue, [9] as [UInt8], 1, 0) == 1)
        let reply = try fixture.tree.attributes(of: inode, handle: nil)
        #expect(reply.validity == .none)
        #expect(reply.attributes.modificationTime.seconds > 1_000_000_000)
        let tree = try fixture.freeze()
        #expect(unsafe pwrite(mapping.rawValue, [8] as [UInt8], 1, 0) == 1)
        #expect(try firstByte(fixture, tree) == 9)
        #expect(try firstByte(fixture, fixture.freeze()) == 8)
        fixture.tree.forget([(inode, 1)])
        #expect(fixture.tree.locked { $0.mapped.isEmpty })
    }

    private func firstByte(_ fixture: WorkingTreeFixture, _ tree: Tree) throws -> UInt8? {
        guard case .file(let content)? = try fixture.node("f", in: tree)?.content else {
            return nil
        }
        return try fixture.content(content).first
    }

    @Test func `a reader through the daemon sees what is written after a copy-up`() throws {
        let fixture = try fixture(3)
        let inode = try inode(fixture)
        let reader = try fixture.tree.open(inode, flags: [], context: context)
        #expect(try read(fixture, inode, reader) == [1, 1, 1])
        let writer = try fixture.tree.open(inode, flags: .readWrite, context: context)
        // The kernel caches pages of the inode already: no passthrough beside that.
        #expect(writer.backing == nil)
        try write(fixture, inode, writer, [2, 2])
        #expect(try read(fixture, inode, reader) == [2, 2, 1])
        for file in [reader, writer] { fixture.tree.release(inode, handle: file.handle) }
        #expect(try fixture.tree.attributes(of: inode, handle: nil).validity == .forever)
    }

    @Test func `a writer beside a passthrough reader of a program has another backing`() throws {
        let fixture = try fixture(1 << 19, isProgram: true)
        let inode = try inode(fixture)
        let reader = try fixture.tree.open(inode, flags: [], context: context)
        let writer = try fixture.tree.open(inode, flags: .readWrite, context: context)
        let (lower, own) = (try #require(reader.backing), try #require(writer.backing))
        #expect(lower.identity != own.identity && lower.descriptor != own.descriptor)
        try write(fixture, inode, writer, [2, 2])
        #expect(try read(fixture, inode, reader).prefix(3) == [2, 2, 0x4C])
        var stale: [UInt8] = [0, 0]
        #expect(unsafe pread(lower.descriptor, &stale, 2, 0) == 2)
        #expect(stale == [0x7F, 0x45])
        for file in [reader, writer] { fixture.tree.release(inode, handle: file.handle) }
    }

    @Test func `a renewed inode keeps what programs see of it`() throws {
        let fixture = try fixture(10)
        let tree = fixture.tree
        let old = try inode(fixture)
        tree.renew(old)
        tree.renew(old)
        guard case .found(let entry) = try tree.lookup(Array("f".utf8), in: .root) else {
            Issue.record("the name is gone")
            return
        }
        let new = entry.attributes.inode
        #expect(new != old && entry.attributes.serialNumber == old.rawValue)
        // Neither number's attributes may be remembered: the other may change them.
        #expect(entry.attributesValidity == .none)
        _ = try tree.setAttributes(
            of: new, handle: nil, to: AttributeChanges(permissions: 0o600))
        let reply = try tree.attributes(of: old, handle: nil)
        #expect(reply.attributes.mode == 0o100600 && reply.validity == .none)
        let file = try tree.open(old, flags: .writeOnly, context: context)
        #expect(try tree.open(new, flags: [], context: context).backing == file.backing)
        try write(fixture, old, file, [7])
        #expect(try read(fixture, new, file).first == 7)
        tree.unmounted()
        guard case .found(let again) = try tree.lookup(Array("f".utf8), in: .root) else { return }
        #expect(again.attributes.inode == old)
    }

    @Test func `what is written past the file system shows in its attributes`() throws {
        let fixture = try fixture(3)
        let inode = try inode(fixture)
        let file = try fixture.tree.open(inode, flags: .writeOnly, context: context)
        let backing = try #require(file.backing)
        var reply = try fixture.tree.attributes(of: inode, handle: file.handle)
        // The kernel forgets by itself what it writes.
        #expect(reply.validity == .forever)
        #expect(reply.attributes.modificationTime == FileTime(seconds: 77, nanoseconds: 5))
        #expect(unsafe pwrite(backing.descriptor, [5, 5, 5, 5, 5] as [UInt8], 5, 10) == 5)
        reply = try fixture.tree.attributes(of: inode, handle: nil)
        #expect(reply.attributes.sizeBytes == 15)
        #expect(reply.attributes.modificationTime.seconds > 1_000_000_000)
        #expect(reply.attributes.changeTime == reply.attributes.modificationTime)
        // Setting the time afterwards wins, also over the release.
        _ = try fixture.tree.setAttributes(
            of: inode, handle: nil,
            to: AttributeChanges(modificationTime: .at(FileTime(seconds: 5, nanoseconds: 6))))
        fixture.tree.release(inode, handle: file.handle)
        reply = try fixture.tree.attributes(of: inode, handle: nil)
        #expect(reply.validity == .forever)
        #expect(reply.attributes.modificationTime == FileTime(seconds: 5, nanoseconds: 6))
        #expect(reply.attributes.sizeBytes == 15)
    }

    @Test func `opening for writing alone changes nothing`() throws {
        let fixture = try fixture(100)
        let before = try fixture.freeze()
        let inode = try inode(fixture)
        let file = try fixture.tree.open(inode, flags: .writeOnly, context: context)
        fixture.tree.release(inode, handle: file.handle)
        #expect(try fixture.freeze() == before)
        #expect(fixture.workFileCount == 0)
    }

    @Test(arguments: [0, 1, 99, 100, 101, 5000])
    func `truncation keeps what stays and fills with zeros`(size: Int) throws {
        let fixture = try fixture(100)
        let client = ViewClient(fixture.tree, umask: 0)
        #expect(client.run(.truncate(path: "f", size: size)) == .done)
        let kept = [UInt8](repeating: 1, count: min(size, 100))
        let expected = kept + [UInt8](repeating: 0, count: size - kept.count)
        #expect(client.run(.read(path: "f")) == .text(ContentDigest.text(expected)))
        #expect(try client.find("f").sizeBytes == UInt64(size))
    }

    @Test func `setuid bits and capabilities go with a write by one who may not keep them`() throws
    {
        let fixture = try fixture(10, mode: 0o6755)
        let client = ViewClient(fixture.tree, umask: 0)
        let capability = [UInt8](repeating: 0, count: 20)
        _ = client.run(
            .setAttribute(path: "f", name: "security.capability", value: capability, flags: 0))
        let inode = try inode(fixture)
        let file = try fixture.tree.open(inode, flags: .writeOnly, context: context)
        #expect(file.backing == nil)
        // What the kernel does before the write, for capabilities.
        try fixture.tree.removeExtendedAttribute(Array("security.capability".utf8), of: inode)
        try write(fixture, inode, file, [1])
        fixture.tree.release(inode, handle: file.handle)
        #expect(try client.find("f").mode == 0o100755)
        #expect(
            client.run(.attribute(path: "f", name: "security.capability"))
                == .failed(errno: ENODATA))
    }

    @Test func `an access time stays when a file of the image is cut for the first time`() throws {
        let fixture = try fixture(10)
        let client = ViewClient(fixture.tree, umask: 0)
        _ = client.run(.setModificationTime(path: "f", seconds: 1000))
        try fixture.remount()
        let inode = try inode(fixture)
        let before = try fixture.tree.attributes(of: inode, handle: nil).attributes
        let after = try fixture.tree.setAttributes(
            of: inode, handle: nil, to: AttributeChanges(sizeBytes: 5)
        ).attributes
        #expect(after.accessTime == before.accessTime)
        #expect(after.modificationTime > before.modificationTime)
    }

    /// chown(2) with -1 for both, of which the kernel only says that there was one.
    @Test func `a change of nothing takes setuid, from its owner and root only`() throws {
        let fixture = try fixture(10, mode: 0o4755)
        let inode = try inode(fixture)
        var change = AttributeChanges()
        change.context = RequestContext(userID: 1000, groupID: 1000)
        #expect(throws: FileSystemError.notPermitted) {
            try fixture.tree.setAttributes(of: inode, handle: nil, to: change)
        }
        change.context = RequestContext()
        let before = try fixture.tree.attributes(of: inode, handle: nil).attributes
        let after = try fixture.tree.setAttributes(of: inode, handle: nil, to: change).attributes
        #expect(before.mode == 0o104755 && after.mode == 0o100755)
        #expect(after.changeTime > before.changeTime)
    }

    @Test func `every change shows in the times, within one tick of the host's clock too`() throws {
        let clock = try HostClock()
        // Before Linux 6.13 a tick is all that ext4 tells apart, too.
        guard clock.now() < clock.now() else { return }
        let fixture = try fixture(10)
        let (client, inode) = (ViewClient(fixture.tree, umask: 0), try inode(fixture))
        func times(_ inode: InodeNumber) throws -> [FileTime] {
            let found = try fixture.tree.attributes(of: inode, handle: nil).attributes
            return [found.changeTime, found.modificationTime]
        }
        for round in 0..<20 {
            let parent = try times(.root)
            _ = client.run(.create(path: "new\(round)", mode: 0o644, exclusive: true))
            #expect(zip(parent, try times(.root)).allSatisfy { $0 < $1 })
            let old = try times(inode)
            let file = try fixture.tree.open(inode, flags: .writeOnly, context: context)
            try write(fixture, inode, file, [1])
            let written = try times(inode)
            #expect(zip(old, written).allSatisfy { $0 < $1 })
            fixture.tree.release(inode, handle: file.handle)
            _ = client.run(.changeMode(path: "f", mode: 0o600))
            #expect(try times(inode)[0] > written[0])
        }
    }

    @Test func `unmounting settles what was open`() throws {
        let fixture = try fixture(3)
        let inode = try inode(fixture)
        let file = try fixture.tree.open(inode, flags: .writeOnly, context: context)
        let backing = try #require(file.backing)
        #expect(unsafe pwrite(backing.descriptor, [8, 8, 8, 8] as [UInt8], 4, 0) == 4)
        fixture.tree.unmounted()
        #expect(fixture.tree.locked { $0.handles.isEmpty })
        guard case .file(let content)? = try fixture.node("f", in: fixture.freeze())?.content else {
            Issue.record("not a file")
            return
        }
        let bytes = try fixture.content(content)
        #expect(bytes == [8, 8, 8, 8])
        #expect(fixture.workFileCount == 0)
    }

    @Test func `descriptors are held for open files only, one for each inode`() throws {
        let fixture = try fixture(1 << 20, isProgram: true)
        let inode = try inode(fixture)
        let tree = fixture.tree
        let first = try tree.open(inode, flags: [], context: context)
        let others = try (0..<50).map { _ in try tree.open(inode, flags: [], context: context) }
        #expect(Set((others + [first]).compactMap(\.backing)).count == 1)
        for file in others + [first] { tree.release(inode, handle: file.handle) }
        let descriptor = try #require(first.backing?.descriptor)
        let path = "/proc/self/fd/\(descriptor)"
        let target = try? HostDirectory.readLink(Array(path.utf8), in: AT_FDCWD)
        #expect(
            target.map { String(decoding: $0, as: UTF8.self).hasPrefix(fixture.directory) } != true)
    }
}
