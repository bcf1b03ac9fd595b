import FileTree
import LinuxIO
import Testing
import VirtualFS

@testable import Views

/// Inodes that the kernel knows from a listing only.
@Suite
struct ListedInodeTests {
    /// A lower directory `d` with ten files of one byte.
    private func fixture() throws -> WorkingTreeFixture {
        let fixture = try WorkingTreeFixture()
        let client = ViewClient(fixture.tree, umask: 0)
        #expect(client.run(.makeDirectory(path: "d", mode: 0o755)) == .done)
        for number in 0..<10 {
            let path = "d/f\(number)"
            #expect(client.run(.create(path: path, mode: 0o644, exclusive: true)) == .done)
            #expect(client.run(.write(path: path, offset: 0, bytes: [UInt8(number)])) == .done)
        }
        client.forgetAll()
        try fixture.remount()
        return fixture
    }

    /// The directory's entries with their attributes, each counted as a lookup.
    private func list(
        _ directory: InodeNumber, in fixture: WorkingTreeFixture
    ) throws -> [Entry] {
        var listing = DirectoryListing(
            capacityBytes: 1 << 16, overheadBytes: 152, wantsAttributes: true)
        try fixture.tree.readDirectory(directory, handle: nil, offset: 0, into: &listing)
        return listing.items.compactMap(\.entry)
    }

    private func counts(_ fixture: WorkingTreeFixture) -> [Int] {
        fixture.tree.locked { [$0.inodes.count, $0.listed.count] }
    }

    @Test func `a walk makes no whole inode of a file`() throws {
        let fixture = try fixture()
        let directory = try ViewClient(fixture.tree, umask: 0).find("d").inode
        let entries = try list(directory, in: fixture)
        #expect(entries.map(\.attributes.sizeBytes) == Array(repeating: 1, count: 10))
        #expect(counts(fixture) == [2, 10])
        // Listed twice, they are known twice.
        _ = try list(directory, in: fixture)
        fixture.tree.forget(entries.map { ($0.attributes.inode, 1) })
        #expect(counts(fixture) == [2, 10])
        fixture.tree.forget(entries.map { ($0.attributes.inode, 1) })
        #expect(counts(fixture) == [2, 0])
        fixture.tree.forget([(directory, 1)])
        #expect(counts(fixture) == [1, 0])
    }

    @Test func `a directory stays known while a file in it is`() throws {
        let fixture = try fixture()
        let directory = try ViewClient(fixture.tree, umask: 0).find("d").inode
        let entries = try list(directory, in: fixture)
        fixture.tree.forget([(directory, 1)])
        #expect(counts(fixture) == [2, 10])
        let first = entries[0].attributes
        #expect(try fixture.tree.attributes(of: first.inode, handle: nil).attributes == first)
        fixture.tree.forget(entries.map { ($0.attributes.inode, 1) })
        #expect(counts(fixture) == [1, 0])
    }

    @Test func `a listed file is the same when it is asked for, opened and closed`() throws {
        let fixture = try fixture()
        let client = ViewClient(fixture.tree, umask: 0)
        let directory = try client.find("d").inode
        let entries = try list(directory, in: fixture)
        let third = entries[3].attributes
        #expect(try client.find("d/f3") == third)
        #expect(
            client.run(.open(handle: 1, path: "d/f3", writes: false, truncates: false)) == .done)
        #expect(counts(fixture) == [3, 9])
        #expect(client.run(.readHandle(handle: 1)) == .text(ContentDigest.text([3])))
        #expect(client.run(.close(handle: 1)) == .done)
        #expect(counts(fixture) == [2, 10])
        #expect(client.run(.changeMode(path: "d/f3", mode: 0o600)) == .done)
        #expect(counts(fixture) == [3, 9])
        #expect(try client.find("d/f3").inode == third.inode)
    }

    @Test func `listed files keep their numbers and contents across a freeze that moves them`()
        throws
    {
        let fixture = try fixture()
        let client = ViewClient(fixture.tree, umask: 0)
        let directory = try client.find("d").inode
        let entries = try list(directory, in: fixture)
        // Before and between them, so that each has another index afterwards.
        for name in ["a", "f1a", "f5a"] {
            #expect(client.run(.makeDirectory(path: "d/\(name)", mode: 0o755)) == .done)
        }
        #expect(client.run(.unlink(path: "d/f0")) == .done)
        _ = try fixture.freeze()
        for number in 1..<10 {
            let known = entries[number].attributes
            let file = try fixture.tree.open(
                known.inode, flags: .readOnly, clearSetIDs: false, context: RequestContext())
            var read: [UInt8] = []
            try fixture.tree.read(
                known.inode, handle: file.handle, offset: 0, size: 10
            ) { source in
                guard case .descriptor(let host, let start, let size) = source else { return }
                // Compared below.
                read = (try? DescriptorIO.bytes(host, in: start..<start + UInt64(size))) ?? []
            }
            #expect(read == [UInt8(number)])
            fixture.tree.release(known.inode, handle: file.handle)
            #expect(try client.find("d/f\(number)").inode == known.inode)
        }
    }

    @Test func `a listed file that is removed has no names left, and goes when it is forgotten`()
        throws
    {
        let fixture = try fixture()
        let client = ViewClient(fixture.tree, umask: 0)
        let known = try list(try client.find("d").inode, in: fixture)[7].attributes
        try fixture.tree.unlink(Array("f7".utf8), in: try client.find("d").inode)
        let after = try fixture.tree.attributes(of: known.inode, handle: nil).attributes
        #expect(after.linkCount == 0)
        fixture.tree.forget([(known.inode, 1)])
        #expect(throws: FileSystemError.stale) {
            try fixture.tree.attributes(of: known.inode, handle: nil)
        }
    }
}
