import FileTree
import ImageSpec
import LinuxIO
import Store
import Testing
import VirtualFS

@testable import Views

/// Writing to large files of the lower tree: what is copied, and that nobody can tell.
@Suite struct PartialCopyTests {
    private static let block = PartialCopy.blockBytes

    private func partial(_ bytes: UInt64) -> PartialCopy {
        PartialCopy(of: FileContent(digest: .init(of: [1]), sizeBytes: bytes), keptBytes: bytes)
    }

    @Test func `blocks that a write covers need no copy, those it touches do`() {
        let (copy, block) = (partial(10 * Self.block - 5), Self.block)
        #expect(copy.edges(of: block..<3 * block) == [])
        #expect(copy.edges(of: 5..<6) == [0..<block])
        #expect(copy.edges(of: 5..<2 * block + 1) == [0..<block, 2 * block..<3 * block])
        // The last block ends with the file.
        #expect(copy.edges(of: 9 * block..<10 * block - 5) == [])
        #expect(copy.edges(of: 9 * block + 1..<20 * block) == [9 * block..<10 * block - 5])
        // Past the end nothing is the object's.
        #expect(copy.edges(of: 10 * block..<11 * block) == [])
        copy.copied(0..<1)
        #expect(copy.edges(of: 5..<6) == [])
        #expect(copy.missing.count == 9)
    }

    @Test func `reads are put together in order`() {
        let (copy, block) = (partial(4 * Self.block), Self.block)
        copy.copied(block..<2 * block)
        let spans = copy.spans(of: 10..<5 * block)
        #expect(
            spans == [
                .init(range: 10..<block, isOwn: false),
                .init(range: block..<2 * block, isOwn: true),
                .init(range: 2 * block..<4 * block, isOwn: false),
                .init(range: 4 * block..<5 * block, isOwn: true),
            ])
    }

    @Test func `what is cut off does not come back`() {
        let (copy, block) = (partial(4 * Self.block), Self.block)
        #expect(copy.edge(ofCutAt: 2 * block) == nil)
        #expect(copy.edge(ofCutAt: 2 * block + 7) == 2 * block..<2 * block + 7)
        copy.copied(2 * block..<2 * block + 7)
        copy.cut(at: 2 * block + 7)
        #expect(copy.missing == [0..<block, block..<2 * block])
        #expect(
            copy.spans(of: 3 * block..<4 * block) == [
                .init(range: 3 * block..<4 * block, isOwn: true)
            ])
    }

    // MARK: - In a view

    private func bytes(_ count: Int, seed: UInt64) -> [UInt8] {
        var state = seed
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 56)
        }
    }

    /// A view whose lower tree has `f` with these bytes.
    private func fixture(_ content: [UInt8]) throws -> WorkingTreeFixture {
        let fixture = try WorkingTreeFixture()
        let client = ViewClient(fixture.tree, umask: 0)
        _ = client.run(.create(path: "f", mode: 0o644, exclusive: true))
        #expect(client.run(.write(path: "f", offset: 0, bytes: content)) == .done)
        try fixture.remount()
        return fixture
    }

    private func inode(_ tree: WorkingTree) throws -> InodeNumber {
        guard case .found(let entry) = try tree.lookup([0x66], in: .root) else {
            throw FileSystemError.notFound
        }
        return entry.attributes.inode
    }

    private func read(
        _ tree: WorkingTree, _ inode: InodeNumber, _ offset: Int, _ count: Int
    ) throws -> [UInt8] {
        var result: [UInt8] = []
        try tree.read(inode, handle: nil, offset: UInt64(offset), size: count) { source in
            switch source {
            case .bytes(let bytes): result = Array(bytes)
            case .descriptor(let file, let offset, let size):
                result = (try? DescriptorIO.bytes(file, in: offset..<offset + UInt64(size))) ?? []
            }
        }
        return result
    }

    @Test func `a small write copies what it touches`() throws {
        let content = bytes(8 << 20, seed: 1)
        let fixture = try fixture(content)
        let tree = fixture.tree
        let inode = try inode(tree)
        let file = try tree.open(inode, flags: .readWrite, context: RequestContext())
        try #require(tree.locked { $0.find(inode)?.ownFile?.partial != nil })
        _ = try unsafe ([9, 9] as [UInt8]).withUnsafeBytes {
            try unsafe tree.write(
                inode, handle: file.handle, offset: 3_000_000, data: $0, clearSetIDs: false)
        }
        let path = try #require(tree.locked { $0.find(inode)?.ownFile?.path })
        #expect(try FileStatus(ofPath: path).blocks * 512 <= PartialCopy.blockBytes)
        #expect(try tree.attributes(of: inode, handle: nil).attributes.sizeBytes == 8 << 20)
        #expect(
            try read(tree, inode, 2_999_999, 4) == [content[2_999_999], 9, 9, content[3_000_002]])
        tree.release(inode, handle: file.handle)
        // A chmod of a file that was never written copies nothing; a freeze makes the copy whole.
        var expected = content
        expected.replaceSubrange(3_000_000..<3_000_002, with: [9, 9])
        guard case .file(let frozen)? = try fixture.node("f", in: fixture.freeze())?.content else {
            Issue.record("not a file")
            return
        }
        #expect(try fixture.content(frozen) == expected)
        #expect(fixture.workFileCount == 0)
    }

    @Test(arguments: 1...12)
    func `random writes, cuts and freezes leave what they leave in memory`(seed: UInt64) throws {
        var generator = SeededNumbers(state: seed)
        var model = bytes(2_500_000, seed: seed)
        let fixture = try fixture(model)
        for _ in 0..<60 {
            let tree = fixture.tree
            let inode = try inode(tree)
            switch generator.next() % 10 {
            case 0...4:
                let large = generator.next() % 3 == 0
                let data = bytes(Int(generator.next() % (large ? 600_000 : 3000)) + 1, seed: seed)
                let offset = Int(generator.next() % UInt64(model.count + 200_000))
                if model.count < offset + data.count {
                    model += [UInt8](repeating: 0, count: offset + data.count - model.count)
                }
                model.replaceSubrange(offset..<offset + data.count, with: data)
                let file = try tree.open(inode, flags: .readWrite, context: RequestContext())
                _ = try unsafe data.withUnsafeBytes {
                    try unsafe tree.write(
                        inode, handle: file.handle, offset: UInt64(offset), data: $0,
                        clearSetIDs: false)
                }
                tree.release(inode, handle: file.handle)
            case 5, 6:
                let size = Int(generator.next() % UInt64(model.count + 300_000))
                _ = try tree.setAttributes(
                    of: inode, handle: nil, to: AttributeChanges(sizeBytes: UInt64(size)))
                model = Array(model.prefix(size))
                model += [UInt8](repeating: 0, count: size - model.count)
            case 7:
                _ = try tree.setAttributes(
                    of: inode, handle: nil,
                    to: AttributeChanges(modificationTime: .at(FileTime(seconds: 5))))
                #expect(
                    try tree.attributes(of: inode, handle: nil).attributes.modificationTime
                        == FileTime(seconds: 5))
            case 8: _ = try fixture.freeze()
            default: try fixture.remount()
            }
            let tree2 = fixture.tree
            let again = try self.inode(tree2)
            #expect(
                try tree2.attributes(of: again, handle: nil).attributes.sizeBytes
                    == UInt64(model.count))
            let offset = Int(generator.next() % UInt64(model.count + 1))
            let count = Int(generator.next() % 500_000)
            #expect(
                try read(tree2, again, offset, count)
                    == Array(model[offset..<min(model.count, offset + count)]))
        }
        guard case .file(let frozen)? = try fixture.node("f", in: fixture.freeze())?.content else {
            Issue.record("not a file")
            return
        }
        #expect(try fixture.content(frozen) == model)
    }

    private struct SeededNumbers {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state >> 17
        }
    }
}
