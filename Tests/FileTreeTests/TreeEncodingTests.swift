import FileTree
import ImageSpec
import Testing

/// The encoding is on disk and in digests: a changed pin is a format change and needs a decision
/// record.
@Suite struct TreeEncodingTests {
    @Test func `the empty directory has its pinned encoding and digest`() {
        let (bytes, id) = Directory.empty.encoded()
        #expect(bytes == [0xD1, 0x00])
        #expect(
            id.digest.hex == "6c453dcd445f88633f051aacd031bb1aba915475890b5d2e2d3db2a16be42b40")
    }

    @Test func `a directory with one entry of each kind has its pinned digest`() throws {
        let (bytes, id) = try sample().encoded()
        #expect(try TreeEncoding.decodeDirectory(bytes).encoded().id == id)
        #expect(id.digest.hex == pinnedSample)
    }

    @Test func `decoding gives back every attribute`() throws {
        let directory = try sample()
        #expect(try TreeEncoding.decodeDirectory(directory.encoded().bytes) == directory)
    }

    @Test func `every truncation is refused`() throws {
        let bytes = try sample().encoded().bytes
        for count in 0..<bytes.count {
            #expect(throws: FileTreeError.self) {
                try TreeEncoding.decodeDirectory(Array(bytes.prefix(count)))
            }
        }
        #expect(throws: FileTreeError.self) { try TreeEncoding.decodeDirectory(bytes + [0]) }
    }

    @Test func `damaged bytes never trap and never decode to another encoding`() throws {
        let bytes = try sample().encoded().bytes
        var state: UInt64 = 42
        for _ in 0..<20_000 {
            var damaged = bytes
            for _ in 0..<3 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                damaged[Int(state >> 33) % damaged.count] = UInt8(truncatingIfNeeded: state >> 20)
            }
            guard let decoded = try? TreeEncoding.decodeDirectory(damaged) else { continue }
            #expect(decoded.encoded().bytes == damaged, "the encoding is canonical")
        }
    }

    @Test func `trees differ when only the root's attributes differ`() {
        let empty = Tree.empty
        let other = Tree(
            attributes: NodeAttributes(permissions: 0o700), directory: empty.directory)
        #expect(empty.id != other.id)
        #expect(empty.directory.id == other.directory.id)
    }

    @Test func `a directory that claims other names is refused`() {
        let bytes: [UInt8] =
            [0xE1, 0xE1] + [UInt8](repeating: 0x57, count: 19) + [0x14, 0x01, 0x02, 0x0B]
            + [0xDE, 0xF6, 0xFF, 0x6E, 0x05, 0x74, 0x05, 0x09, 0x05, 0x05, 0x91, 0x00, 0x00]
            + [0x00, 0x00, 0xFF, 0xFF, 0x0B, 0x0B, 0x41]
        #expect {
            try TreeEncoding.decodeTree(bytes)
        } throws: {
            ($0 as? FileTreeError)?.code == .corruptEncoding
        }
    }

    private func sample() throws -> Directory {
        let attributes = NodeAttributes(
            permissions: 0o4755, userID: 1000, groupID: 4_000_000_000,
            modificationTime: NodeTime(seconds: -5, nanoseconds: 999_999_999),
            extendedAttributes: ExtendedAttributes([
                .init(name: Array("user.b".utf8), value: [0, 255]),
                .init(name: Array("security.capability".utf8), value: [1, 2, 3]),
            ]))
        let content = FileContent(digest: Digest(of: [1]), sizeBytes: 1 << 40)
        let contents: [(String, NodeContent, HardLink?)] = [
            ("a", .file(content), HardLink(identifier: .max, count: 2)),
            ("b", .directory(Tree.empty.directory), nil),
            ("c", .symbolicLink(target: Array("../x".utf8)), nil),
            ("d", .characterDevice(DeviceNumber(major: 1, minor: 3)), nil),
            ("e", .blockDevice(DeviceNumber(major: 4095, minor: 1_048_575)), nil),
            ("f", .fifo, nil), ("g", .socket, nil), ("h", .file(.empty), nil),
        ]
        var entries: [DirectoryEntry] = []
        for (name, content, link) in contents {
            entries.append(
                DirectoryEntry(
                    name: try EntryName(name.utf8),
                    node: Node(attributes: attributes, content: content, hardLink: link)))
        }
        entries.append(
            DirectoryEntry(
                name: try EntryName([0xFF, 0xFE]),
                node: Node(
                    attributes: NodeAttributes(permissions: 0), content: .fifo)))
        return Directory(entries.shuffled())
    }

    private let pinnedSample =
        "50ec886bc5fec29047ce4e301e74c42904c7b7215be8d359cc956773ba4d367c"
}
