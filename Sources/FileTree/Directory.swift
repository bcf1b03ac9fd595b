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
package struct Directory: Hashable, Sendable {
    /// Invariant: strictly ascending by name.
    package let entries: [DirectoryEntry]

    package static let empty = Directory(sorted: [])

    /// Sorts the entries.
    /// - Precondition: the names differ.
    package init(_ entries: some Sequence<DirectoryEntry>) {
        self.entries = entries.sorted { $0.name < $1.name }
        checkInvariants()
    }

    /// - Precondition: strictly ascending by name.
    init(sorted entries: [DirectoryEntry]) {
        self.entries = entries
        checkInvariants()
    }

    /// The index of the first entry whose name is not below `name`.
    package func lowerBound(_ name: EntryName) -> Int {
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].name < name { low = middle + 1 } else { high = middle }
        }
        return low
    }

    package func index(of name: EntryName) -> Int? {
        let index = lowerBound(name)
        return index < entries.count && entries[index].name == name ? index : nil
    }

    package subscript(name: EntryName) -> Node? { index(of: name).map { entries[$0].node } }

    /// The reference for this directory, whose encoding is `encoding`.
    func reference(id: DirectoryID) -> DirectoryReference {
        var reference = DirectoryReference(
            id: id, childDirectoryCount: 0, entryCount: UInt64(entries.count), sizeBytes: 0,
            containsHardLinks: false, containsExtendedAttributes: false)
        for entry in entries {
            switch entry.node.content {
            case .directory(let child):
                reference.childDirectoryCount += 1
                reference.entryCount &+= child.entryCount
                reference.sizeBytes &+= child.sizeBytes
                if child.containsHardLinks { reference.containsHardLinks = true }
                if child.containsExtendedAttributes {
                    reference.containsExtendedAttributes = true
                }
            case .file(let content):
                reference.sizeBytes &+= content.sizeBytes
            default: break
            }
            if entry.node.hardLink != nil { reference.containsHardLinks = true }
            if !entry.node.attributes.extendedAttributes.isEmpty {
                reference.containsExtendedAttributes = true
            }
        }
        return reference
    }

    private func checkInvariants() {
        assert(
            zip(entries, entries.dropFirst()).allSatisfy { $0.name < $1.name },
            "directory entries are strictly ascending by name")
    }
}
