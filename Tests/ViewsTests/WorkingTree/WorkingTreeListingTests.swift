import FileTree
import Glibc
import Testing
import VirtualFS

@testable import Views

/// Directory reads that go on while the directory changes.
@Suite
struct WorkingTreeListingTests {
    private func names(_ range: Range<Int>) -> [String] { range.map { "n\(1000 + $0)" } }

    private func fixture(lower: Range<Int>, added: Range<Int>) throws -> WorkingTreeFixture {
        let fixture = try WorkingTreeFixture()
        try create(names(lower), in: fixture)
        try fixture.remount()
        try create(names(added), in: fixture)
        return fixture
    }

    private func create(_ names: [String], in fixture: WorkingTreeFixture) throws {
        let client = ViewClient(fixture.tree, umask: 0)
        for name in names {
            #expect(client.run(.create(path: name, mode: 0o644, exclusive: true)) == .done)
        }
        client.forgetAll()
    }

    /// Reads the root in small pieces, with a change between every two.
    private func scan(
        _ fixture: WorkingTreeFixture, withAttributes: Bool = false,
        between change: (Int) throws -> Void
    ) throws -> [String] {
        var found: [String] = []
        var offset: UInt64 = 0
        for piece in 0..<10_000 {
            var listing = DirectoryListing(
                capacityBytes: withAttributes ? 700 : 150,
                overheadBytes: withAttributes ? 152 : 24, wantsAttributes: withAttributes)
            try fixture.tree.readDirectory(.root, handle: nil, offset: offset, into: &listing)
            guard let last = listing.items.last else { break }
            offset = last.nextOffset
            found += listing.items.map { String(decoding: $0.name, as: UTF8.self) }
            try change(piece)
        }
        return found
    }

    @Test(arguments: [false, true])
    func `entries that stay are read once each, whatever comes and goes`(
        withAttributes: Bool
    ) throws {
        let fixture = try fixture(lower: 0..<60, added: 60..<120)
        let client = ViewClient(fixture.tree, umask: 0)
        let gone = names(0..<120).enumerated().filter { $0.offset % 3 == 0 }.map(\.element)
        let stays = Set(names(0..<120)).subtracting(gone)
        var toRemove = gone
        let found = try scan(fixture, withAttributes: withAttributes) { piece in
            for _ in 0..<3 where !toRemove.isEmpty {
                #expect(client.run(.unlink(path: toRemove.removeLast())) == .done)
            }
            if piece < 20 {
                _ = client.run(.create(path: "new\(piece)", mode: 0o644, exclusive: true))
            }
            if piece == 8 { _ = try fixture.freeze() }
        }
        #expect(Set(found).count == found.count)
        #expect(stays.isSubset(of: found))
    }

    @Test func `a name that is replaced stays where it is`() throws {
        let fixture = try fixture(lower: 0..<30, added: 30..<60)
        let client = ViewClient(fixture.tree, umask: 0)
        let found = try scan(fixture) { piece in
            let target = names(0..<60)[(piece * 7) % 60]
            _ = client.run(.create(path: "tmp", mode: 0o644, exclusive: true))
            #expect(client.run(.rename(path: "tmp", to: target, flags: 0)) == .done)
        }
        #expect(Set(found) == Set(names(0..<60) + [".", ".."]))
        #expect(found.count == 62)
    }

    @Test func `a removed lower name that is made again is listed once`() throws {
        let fixture = try fixture(lower: 0..<5, added: 0..<0)
        let client = ViewClient(fixture.tree, umask: 0)
        #expect(client.run(.unlink(path: "n1002")) == .done)
        #expect(client.run(.makeDirectory(path: "n1002", mode: 0o755)) == .done)
        #expect(client.run(.list(path: "")) == .text(names(0..<5).joined(separator: " ")))
        let tree = try fixture.freeze()
        #expect(try fixture.node("n1002", in: tree)?.isDirectory == true)
        #expect(client.run(.list(path: "")) == .text(names(0..<5).joined(separator: " ")))
    }

    @Test func `entries with attributes count as lookups`() throws {
        let fixture = try fixture(lower: 0..<5, added: 0..<0)
        var listing = DirectoryListing(
            capacityBytes: 4096, overheadBytes: 152, wantsAttributes: true)
        try fixture.tree.readDirectory(.root, handle: nil, offset: 0, into: &listing)
        let entries = listing.items.compactMap(\.entry)
        #expect(entries.count == 5)
        #expect(fixture.tree.locked { $0.inodes.count + $0.listed.count } == 6)
        for entry in entries { fixture.tree.forget([(entry.attributes.inode, 1)]) }
        #expect(fixture.tree.locked { $0.inodes.count + $0.listed.count } == 1)
    }

    @Test func `a directory that loses many entries lets go of their places`() throws {
        let fixture = try WorkingTreeFixture()
        let client = ViewClient(fixture.tree, umask: 0)
        for round in 0..<1000 {
            _ = client.run(.makeDirectory(path: "d\(round)", mode: 0o755))
            _ = client.run(.removeDirectory(path: "d\(round)"))
        }
        #expect(fixture.tree.locked { $0.root.directory?.added.count ?? -1 } <= 33)
    }

    @Test func `a directory of many entries is read and changed in linear time`() throws {
        let count = 50_000
        let fixture = try WorkingTreeFixture()
        let now = FileTime(seconds: 1)
        fixture.tree.locked { state in
            for index in 0..<count {
                let request = NodeCreation(
                    place: DirectoryPlace(parent: .root, name: Array("f\(index)".utf8)),
                    mode: S_IFREG | 0o644, context: RequestContext())
                guard let name = try? LinkName(request.place.name) else { continue }
                _ = try? state.make(request, as: name, at: now) { (_) in .regular(.empty) }
            }
        }
        try fixture.remount()
        var seen = 0
        var offset: UInt64 = 0
        while true {
            var listing = DirectoryListing(
                capacityBytes: 1 << 17, overheadBytes: 24, wantsAttributes: false)
            try fixture.tree.readDirectory(.root, handle: nil, offset: offset, into: &listing)
            guard let last = listing.items.last else { break }
            seen += listing.items.count
            offset = last.nextOffset
            // Removing while reading, as `rm -r` does.
            for item in listing.items where item.type == .regular {
                try fixture.tree.unlink(item.name, in: .root)
            }
        }
        #expect(seen == count + 2)
        #expect(try fixture.freeze().directory.entryCount == 0)
    }
}
