package import ImageSpec

/// The digest of a directory's canonical encoding.
package struct DirectoryID: DigestIdentifier {
    package let digest: Digest
    package init(_ digest: Digest) { self.digest = digest }
}

/// A directory as its parent refers to it: its digest, and sums over everything below, so that
/// `stat`, `du`-like totals and the search for hard links need not load it.
package struct DirectoryReference: Hashable, Sendable {
    package var id: DirectoryID
    /// Directories directly inside; `st_nlink` is two more.
    package var childDirectoryCount: UInt32
    /// Entries below, at any depth.
    package var entryCount: UInt64
    /// Bytes of all regular files below; a file with several names counts under each.
    package var sizeBytes: UInt64
    /// Whether any entry below has a ``HardLink``.
    package var containsHardLinks: Bool
    /// Whether any entry below has extended attributes.
    package var containsExtendedAttributes: Bool

    init(
        id: DirectoryID, childDirectoryCount: UInt32, entryCount: UInt64, sizeBytes: UInt64,
        containsHardLinks: Bool, containsExtendedAttributes: Bool
    ) {
        self.id = id
        self.childDirectoryCount = childDirectoryCount
        self.entryCount = entryCount
        self.sizeBytes = sizeBytes
        self.containsHardLinks = containsHardLinks
        self.containsExtendedAttributes = containsExtendedAttributes
    }

    /// About what a tar of all below has: the bytes, and for each entry a header and padding.
    package var tarSizeBound: UInt64 { sizeBytes &+ entryCount &* 1024 &+ 1024 }
}

/// A name and what it stands for.
package struct DirectoryEntry: Hashable, Sendable {
    package var name: EntryName
    package var node: Node
    package init(name: EntryName, node: Node) {
        self.name = name
        self.node = node
    }
}

/// The entries of one directory, as an immutable value.
///
/// Kept as the canonical encoding, which takes a third of the room of decoded entries: images have
/// directories of a million, and a view keeps those that the kernel knows entries of. An entry is
/// decoded when it is asked for.
///
///     encoding   mark count │ name node │ name node │ …
///     starts                └ [0]       └ [1]       └ …
package struct Directory: Hashable, Sendable {
    /// The bytes whose digest is the directory's ``DirectoryID``.
    ///
    /// Invariant: canonical, the entries strictly ascending by name.
    package let encoding: [UInt8]
    private let starts: [Int]
    private let totals: Totals

    /// What a ``DirectoryReference`` says beside the digest.
    private struct Totals {
        var childDirectoryCount: UInt32 = 0
        var entryCount: UInt64 = 0
        var sizeBytes: UInt64 = 0
        var containsHardLinks = false
        var containsExtendedAttributes = false

        mutating func add(_ node: Node) {
            entryCount &+= 1
            switch node.content {
            case .directory(let child):
                childDirectoryCount &+= 1
                entryCount &+= child.entryCount
                sizeBytes &+= child.sizeBytes
                if child.containsHardLinks { containsHardLinks = true }
                if child.containsExtendedAttributes { containsExtendedAttributes = true }
            case .file(let content): sizeBytes &+= content.sizeBytes
            default: break
            }
            if node.hardLink != nil { containsHardLinks = true }
            if !node.attributes.extendedAttributes.isEmpty { containsExtendedAttributes = true }
        }
    }

    package static let empty = Builder(entryCount: 0).finish()

    /// Sorts the entries.
    /// - Precondition: the names differ.
    package init(_ entries: some Sequence<DirectoryEntry>) {
        self.init(sorted: entries.sorted { $0.name < $1.name })
    }

    /// - Precondition: strictly ascending by name.
    init(sorted entries: [DirectoryEntry]) {
        var builder = Builder(entryCount: entries.count)
        for entry in entries { builder.append(entry.name, entry.node) }
        self = builder.finish()
    }

    private init(encoding: [UInt8], starts: [Int], totals: Totals) {
        self.encoding = encoding
        self.starts = starts
        self.totals = totals
    }

    /// Checks an encoding and takes it over.
    /// - Throws: `corruptEncoding`, or what is wrong with a name.
    init(checking encoding: [UInt8]) throws(FileTreeError) {
        var input = EncodingInput(encoding)
        guard try input.byte() == TreeEncoding.directoryMark else {
            throw EncodingInput.corrupt("not a directory")
        }
        let count = try input.integer()
        var starts: [Int] = []
        starts.reserveCapacity(Int(min(count, UInt64(encoding.count / 8))))
        var totals = Totals()
        var last: ArraySlice<UInt8>?
        for _ in 0..<count {
            starts.append(input.position)
            let name = try input.block()
            try EntryName.check(name)
            if let last, !EntryName.isAscending(last.span, name.span) {
                throw EncodingInput.corrupt("entries are not in ascending order")
            }
            last = name
            totals.add(try input.node())
        }
        guard input.isAtEnd else { throw EncodingInput.corrupt("bytes after the last entry") }
        self.init(encoding: encoding, starts: starts, totals: totals)
    }

    package static func == (a: Self, b: Self) -> Bool { a.encoding == b.encoding }
    package func hash(into hasher: inout Hasher) { hasher.combine(encoding) }

    // MARK: - Entries

    /// The entries, ascending by name.
    package struct Entries: RandomAccessCollection, Sendable {
        fileprivate let directory: Directory
        package var startIndex: Int { 0 }
        package var endIndex: Int { directory.count }
        package subscript(index: Int) -> DirectoryEntry { directory.entry(at: index) }

        /// Whether an entry is, byte by byte, the one at `other` of another directory. Decodes neither.
        func isSame(at index: Int, as others: Entries, at other: Int) -> Bool {
            let left = directory.range(at: index)
            let right = others.directory.range(at: other)
            guard left.count == right.count else { return false }
            return directory.encoding[left].elementsEqual(others.directory.encoding[right])
        }
    }

    package var entries: Entries { Entries(directory: self) }

    package var count: Int { starts.count }

    private func entry(at index: Int) -> DirectoryEntry {
        var input = EncodingInput(encoding, from: starts[index])
        do throws(FileTreeError) {
            let name = EntryName(unchecked: Array(try input.block()))
            return DirectoryEntry(name: name, node: try input.node())
        } catch {
            preconditionFailure("an encoding was checked when it became a directory: \(error)")
        }
    }

    private func range(at index: Int) -> Range<Int> {
        starts[index]..<(index + 1 < starts.count ? starts[index + 1] : encoding.count)
    }

    /// How many bytes the name at `index` has.
    package func nameByteCount(at index: Int) -> Int { nameRange(at: index).count }

    /// A length of up to 255 takes one byte or two.
    private func nameRange(at index: Int) -> Range<Int> {
        let start = starts[index]
        let first = Int(encoding[start])
        if first < 0x80 { return start + 1..<start + 1 + first }
        return start + 2..<start + 2 + (first & 0x7F | Int(encoding[start + 1]) << 7)
    }

    /// The index of the first entry whose name is not below `name`.
    package func lowerBound(_ name: EntryName) -> Int {
        let (all, wanted) = (encoding.span, name.bytes.span)
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if EntryName.isAscending(all.extracting(nameRange(at: middle)), wanted) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }

    package func index(of name: EntryName) -> Int? {
        let index = lowerBound(name)
        guard index < count, encoding[nameRange(at: index)].elementsEqual(name.bytes) else {
            return nil
        }
        return index
    }

    package subscript(name: EntryName) -> Node? { index(of: name).map { entries[$0].node } }

    /// The reference for this directory, whose digest is `id`.
    func reference(id: DirectoryID) -> DirectoryReference {
        DirectoryReference(
            id: id, childDirectoryCount: totals.childDirectoryCount, entryCount: totals.entryCount,
            sizeBytes: totals.sizeBytes, containsHardLinks: totals.containsHardLinks,
            containsExtendedAttributes: totals.containsExtendedAttributes)
    }

    // MARK: - Making

    /// Makes a directory of entries that come one by one.
    struct Builder {
        private var output = EncodingOutput()
        private var starts: [Int] = []
        private var totals = Totals()
        private var last: EntryName?

        /// What most entries take: a file's digest is half of it.
        private static let typicalEntryBytes = 72

        /// - Parameter entryCount: how many entries will be appended.
        init(entryCount: Int) {
            output.bytes.reserveCapacity(16 + entryCount * Self.typicalEntryBytes)
            output.bytes.append(TreeEncoding.directoryMark)
            output.append(UInt64(entryCount))
            starts.reserveCapacity(entryCount)
        }

        /// - Precondition: the name is above the last one's.
        mutating func append(_ name: EntryName, _ node: Node) {
            assert(
                last.map { $0 < name } ?? true,
                "directory entries are strictly ascending by name")
            last = name
            starts.append(output.bytes.count)
            output.append(block: name.bytes)
            output.append(node)
            totals.add(node)
        }

        /// - Precondition: as many entries were appended as there were to be.
        consuming func finish() -> Directory {
            Directory(encoding: output.bytes, starts: starts, totals: totals)
        }
    }
}
