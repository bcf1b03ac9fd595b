import FileTree
import Glibc
import Testing
import VirtualFS

@testable import Views

/// Inode numbers, lookup counts and hard links.
@Suite
struct WorkingTreeInodeTests {
    /// A lower tree with a few files and a group of three names in two directories.
    private func lowerFixture() throws -> WorkingTreeFixture {
        let fixture = try WorkingTreeFixture()
        let client = ViewClient(fixture.tree, umask: 0)
        for operation: PosixOperation in [
            .makeDirectory(path: "d", mode: 0o755), .makeDirectory(path: "e", mode: 0o755),
            .create(path: "d/file", mode: 0o644, exclusive: true),
            .write(path: "d/file", offset: 0, bytes: [1, 2, 3]),
            .create(path: "d/one", mode: 0o644, exclusive: true),
            .write(path: "d/one", offset: 0, bytes: [9]),
            .link(path: "d/one", to: "d/two"), .link(path: "d/one", to: "e/three"),
        ] {
            #expect(client.run(operation) == .done)
        }
        try fixture.remount()
        return fixture
    }

    @Test func `an inode has the same number again after it was forgotten`() throws {
        let fixture = try lowerFixture()
        let client = ViewClient(fixture.tree, umask: 0)
        let first = try ["d", "d/file", "d/one", "e/three"].map { try client.find($0).inode }
        client.forgetAll()
        #expect(fixture.tree.locked { $0.inodes.count } == 1)
        #expect(try ["d", "d/file", "d/one", "e/three"].map { try client.find($0).inode } == first)
    }

    @Test func `an inode keeps its number across copy-up, rename and freeze`() throws {
        let fixture = try lowerFixture()
        let client = ViewClient(fixture.tree, umask: 0)
        let number = try client.find("d/file").inode
        #expect(client.run(.write(path: "d/file", offset: 1, bytes: [8])) == .done)
        #expect(try client.find("d/file").inode == number)
        #expect(client.run(.rename(path: "d/file", to: "e/moved", flags: 0)) == .done)
        client.forgetAll()
        #expect(try client.find("e/moved").inode == number)
        _ = try fixture.freeze()
        client.forgetAll()
        #expect(try client.find("e/moved").inode == number)
    }

    @Test func `files below a moved directory keep their numbers`() throws {
        let fixture = try lowerFixture()
        let client = ViewClient(fixture.tree, umask: 0)
        let number = try client.find("d/file").inode
        #expect(client.run(.rename(path: "d", to: "e/d", flags: 0)) == .done)
        client.forgetAll()
        #expect(try client.find("e/d/file").inode == number)
    }

    @Test func `directory reads tell the numbers that lookups give`() throws {
        let fixture = try lowerFixture()
        let client = ViewClient(fixture.tree, umask: 0)
        let directory = try client.find("d").inode
        var listing = DirectoryListing(
            capacityBytes: 4096, overheadBytes: 24, wantsAttributes: false)
        try fixture.tree.readDirectory(directory, handle: nil, offset: 0, into: &listing)
        let told = listing.items.map(\.serialNumber)
        let names = listing.items.map { String(decoding: $0.name, as: UTF8.self) }
        #expect(names == [".", "..", "file", "one", "two"])
        #expect(told[0] == directory.rawValue && told[1] == 1)
        #expect(try told[2] == client.find("d/file").inode.rawValue)
        #expect(try told[3] == client.find("d/one").inode.rawValue)
        #expect(told[3] == told[4])
    }

    @Test func `the names of a lower group are one inode, whichever was looked up`() throws {
        let fixture = try lowerFixture()
        let client = ViewClient(fixture.tree, umask: 0)
        let inode = try client.find("d/two").inode
        #expect(try client.find("d/two").linkCount == 3)
        #expect(client.run(.write(path: "d/two", offset: 1, bytes: [5])) == .done)
        client.forgetAll()
        #expect(try client.find("e/three").inode == inode)
        #expect(client.run(.read(path: "e/three")) == .text(ContentDigest.text([9, 5])))
        #expect(client.run(.unlink(path: "e/three")) == .done)
        client.forgetAll()
        #expect(try client.find("d/one").linkCount == 2)
    }

    @Test func `a write through one name changes names in the frozen tree that nobody looked up`()
        throws
    {
        let fixture = try lowerFixture()
        let client = ViewClient(fixture.tree, umask: 0)
        #expect(client.run(.write(path: "d/two", offset: 0, bytes: [7, 7])) == .done)
        #expect(client.run(.changeMode(path: "d/two", mode: 0o600)) == .done)
        let tree = try fixture.freeze()
        let nodes = try ["d/one", "d/two", "e/three"].map { try fixture.node($0, in: tree) }
        #expect(nodes[0] == nodes[1] && nodes[1] == nodes[2])
        #expect(nodes[2]?.hardLink?.count == 3)
        #expect(nodes[2]?.attributes.permissions == 0o600)
        guard case .file(let content) = nodes[2]?.content else {
            Issue.record("not a file")
            return
        }
        #expect(try fixture.content(content) == [7, 7])
    }

    /// The inode is known by an open handle only, and its group dissolves.
    @Test func `an open file is found again by a name that was never looked up`() throws {
        let fixture = try lowerFixture()
        let client = ViewClient(fixture.tree, umask: 0)
        #expect(
            client.run(.open(handle: 1, path: "d/two", writes: true, truncates: false)) == .done)
        let inode = try client.find("d/two").inode
        #expect(client.run(.unlink(path: "d/two")) == .done)
        #expect(client.run(.unlink(path: "d/one")) == .done)
        #expect(client.run(.writeHandle(handle: 1, offset: 0, bytes: [4])) == .done)
        let tree = try fixture.freeze()
        #expect(try fixture.node("e/three", in: tree)?.hardLink == nil)
        #expect(client.run(.writeHandle(handle: 1, offset: 1, bytes: [5])) == .done)
        #expect(try client.find("e/three").inode == inode)
        #expect(client.run(.read(path: "e/three")) == .text(ContentDigest.text([4, 5])))
        #expect(client.run(.close(handle: 1)) == .done)
        let after = try fixture.freeze()
        guard case .file(let content)? = try fixture.node("e/three", in: after)?.content else {
            Issue.record("not a file")
            return
        }
        #expect(try fixture.content(content) == [4, 5])
    }

    @Test func `forgotten clean inodes leave no memory behind, changed ones stay`() throws {
        let fixture = try lowerFixture()
        let client = ViewClient(fixture.tree, umask: 0)
        _ = client.run(.list(path: "d"))
        _ = try client.find("d/file")
        client.forgetAll()
        #expect(fixture.tree.locked { $0.inodes.count } == 1)
        #expect(client.run(.changeMode(path: "d/file", mode: 0o600)) == .done)
        client.forgetAll()
        // The root, "d" and "d/file".
        #expect(fixture.tree.locked { $0.inodes.count } == 3)
        // When it was changed no tree says.
        _ = try fixture.freeze()
        client.forgetAll()
        #expect(fixture.tree.locked { $0.inodes.count } == 3)
    }

    @Test func `an unlinked file lives until it is closed and forgotten`() throws {
        let fixture = try WorkingTreeFixture()
        let client = ViewClient(fixture.tree, umask: 0)
        _ = client.run(.create(path: "f", mode: 0o644, exclusive: true))
        #expect(client.run(.open(handle: 1, path: "f", writes: true, truncates: false)) == .done)
        #expect(client.run(.unlink(path: "f")) == .done)
        #expect(client.run(.writeHandle(handle: 1, offset: 0, bytes: [1, 2])) == .done)
        #expect(client.run(.readHandle(handle: 1)) == .text(ContentDigest.text([1, 2])))
        #expect(fixture.workFileCount == 1)
        #expect(client.run(.close(handle: 1)) == .done)
        client.forgetAll()
        #expect(fixture.workFileCount == 0)
        #expect(fixture.tree.locked { $0.inodes.count } == 1)
    }
}
