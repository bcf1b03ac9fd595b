import ImageSpec
import Testing

@testable import FileTree

/// Directories as what they are kept as: their encoding.
@Suite
struct DirectoryTests {
    /// Names whose lengths take one byte and two.
    private func names() throws -> [EntryName] {
        try [1, 2, 126, 127, 128, 129, 254, 255].map {
            try EntryName([UInt8](repeating: UInt8(ascii: "n"), count: $0))
        }
    }

    private func node(_ index: Int) -> Node {
        Node(
            attributes: NodeAttributes(permissions: 0o600, userID: UInt32(index)),
            content: .file(
                FileContent(digest: Digest(of: [UInt8(index)]), sizeBytes: UInt64(index) << 40)))
    }

    @Test func `entries come out as they went in, wherever they are`() throws {
        let entries = try names().enumerated().map { DirectoryEntry(name: $1, node: node($0)) }
        let directory = Directory(entries.shuffled())
        #expect(Array(directory.entries) == entries)
        #expect(directory.entries.reversed() == entries.reversed())
        #expect(directory.count == 8)
        for (index, entry) in entries.enumerated() {
            #expect(directory.entries[index] == entry)
            #expect(directory.index(of: entry.name) == index)
            #expect(directory.nameByteCount(at: index) == entry.name.bytes.count)
            #expect(directory[entry.name] == entry.node)
        }
        #expect(directory.index(of: try EntryName(Array("nnn".utf8))) == nil)
        #expect(directory.lowerBound(try EntryName(Array("nnn".utf8))) == 2)
        #expect(directory.lowerBound(try EntryName(Array("o".utf8))) == 8)
        #expect(directory.lowerBound(try EntryName(Array("a".utf8))) == 0)
        #expect(Directory.empty.index(of: entries[0].name) == nil)
    }

    @Test func `sums over everything below are the same made and read`() throws {
        var entries = try names().enumerated().map { DirectoryEntry(name: $1, node: node($0)) }
        entries[2].node.hardLink = HardLink(identifier: 7, count: 2)
        entries[3].node.content = .directory(
            DirectoryReference(
                id: DirectoryID(Digest(of: [1])), childDirectoryCount: 4, entryCount: 1_000,
                sizeBytes: 5, containsHardLinks: false, containsExtendedAttributes: true))
        let made = Directory(entries)
        let read = try TreeEncoding.decodeDirectory(made.encoding)
        let id = made.encoded().id
        #expect(read == made)
        #expect(read.reference(id: id) == made.reference(id: id))
        #expect(made.reference(id: id).entryCount == 1_008)
        #expect(made.reference(id: id).childDirectoryCount == 1)
        #expect(made.reference(id: id).containsHardLinks)
        #expect(made.reference(id: id).containsExtendedAttributes)
    }
}
