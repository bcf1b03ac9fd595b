package import FileTree
internal import ImageSpec
package import LinuxIO
package import Store
internal import Synchronization
package import VirtualFS

/// A read-only file system of trees and made-up directories: one image, or the whole gallery.
///
/// Every inode is immutable, so the kernel may remember everything for as long as it likes; only
/// the names in live directories are asked for again.
package final class GlassView: FileSystem {
    package let profile: ConnectionProfile
    private let store: Store
    private let objects: ObjectReader
    private let source: any DirectorySource
    private let root: GlassNode
    private let nodes = Mutex<[InodeNumber: Known]>([:])

    /// An inode that the kernel knows.
    private struct Known {
        var node: GlassNode
        var lookups: UInt64
    }

    /// - Parameters:
    ///   - root: a tree or a directory.
    ///   - source: where the trees' directories are; by default the store.
    /// - Throws: Errno if the directory of the objects cannot be opened.
    package init(
        _ root: GlassEntry, store: Store, source: (any DirectorySource)? = nil
    ) throws(Errno) {
        self.store = store
        objects = try ObjectReader(store.layout)
        self.source = source ?? store
        var node = GlassNumbering.node(
            root, name: nil, parent: InodeNumber(0))
        let hasAttributes: Bool
        if case .tree(let tree) = root {
            hasAttributes =
                tree.directory.containsExtendedAttributes
                || !tree.attributes.extendedAttributes.isEmpty
        } else {
            hasAttributes = true
        }
        profile = .readOnly(extendedAttributes: hasAttributes)
        node.attributes.inode = .root
        self.root = node
    }

    // MARK: - Inodes

    private func node(_ inode: InodeNumber) throws(FileSystemError) -> GlassNode {
        if inode == .root {
            guard case .directory(let directory) = root.kind else { return root }
            var current = root
            current.attributes.setTimes(directory.modificationTime())
            return current
        }
        guard let known = nodes.withLock({ $0[inode]?.node }) else { throw .stale }
        if case .directory(let directory) = known.kind, directory.isLive {
            var current = known
            current.attributes.setTimes(directory.modificationTime())
            return current
        }
        return known
    }

    private func remember(_ node: GlassNode) -> Entry {
        remember([node])[0]
    }

    /// Counts a lookup of each, under one lock.
    private func remember(_ found: [GlassNode]) -> [Entry] {
        nodes.withLock { nodes in
            for node in found {
                nodes[node.attributes.inode, default: Known(node: node, lookups: 0)].lookups += 1
            }
        }
        return found.map {
            Entry(attributes: $0.attributes, attributesValidity: $0.validity)
        }
    }

    package func forget(_ inode: InodeNumber, count: UInt64) {
        nodes.withLock { nodes in
            guard let known = nodes[inode] else { return }
            if known.lookups > count {
                nodes[inode]?.lookups -= count
            } else {
                nodes[inode] = nil
            }
        }
    }

    package func unmounted() { nodes.withLock { $0 = [:] } }

    // MARK: - Lookup

    package func lookup(
        _ name: [UInt8], in parent: InodeNumber
    ) throws(FileSystemError) -> LookupResult {
        let directory = try node(parent)
        guard name.count <= EntryName.maximumByteCount else { throw .nameTooLong }
        // What is no name cannot be there.
        guard let name = try? EntryName(name) else { return .absent(.forever) }
        switch directory.kind {
        case .tree(let node, let path):
            let children = try self.children(of: node)
            guard let found = children[name] else { return .absent(.forever) }
            let child = GlassNumbering.node(
                found, path: GlassNumbering.path(name, below: path), parent: parent)
            return .found(remember(child))
        case .directory(let made):
            let validity: CacheValidity = made.isLive ? .none : .forever
            guard let entry = try answering({ try made.entry(name) }) else {
                return .absent(validity)
            }
            var found = remember(GlassNumbering.node(entry, name: name, parent: parent))
            found.entryValidity = validity
            return .found(found)
        case .file, .symbolicLink: throw .notDirectory
        }
    }

    package func attributes(
        of inode: InodeNumber, handle: FileHandle?
    ) throws(FileSystemError) -> AttributesReply {
        let node = try node(inode)
        return AttributesReply(attributes: node.attributes, validity: node.validity)
    }

    package func readSymbolicLink(_ inode: InodeNumber) throws(FileSystemError) -> [UInt8] {
        switch try node(inode).kind {
        case .tree(let node, _):
            guard case .symbolicLink(let target) = node.content else { throw .invalidArgument }
            return target
        case .symbolicLink(let target): return target
        case .directory, .file: throw .invalidArgument
        }
    }

    // MARK: - Directories

    package func readDirectory(
        _ inode: InodeNumber, handle: FileHandle?, offset: UInt64,
        into listing: inout DirectoryListing
    ) throws(FileSystemError) {
        let directory = try node(inode)
        let dots: [[UInt8]] = [[0x2E], [0x2E, 0x2E]]
        for index in Int(min(offset, 2))..<2 {
            let item = DirectoryListing.Item(
                name: dots[index], nextOffset: UInt64(index + 1),
                serialNumber: directory.attributes.serialNumber, type: .directory)
            guard listing.add(item) else { return }
        }
        switch directory.kind {
        case .tree(let node, let path):
            try list(try children(of: node), below: path, inode, offset, &listing)
        case .directory(let made): try list(made, inode, offset, &listing)
        case .file, .symbolicLink: throw .notDirectory
        }
    }

    private func list(
        _ directory: Directory, below path: Digest, _ inode: InodeNumber, _ offset: UInt64,
        _ listing: inout DirectoryListing
    ) throws(FileSystemError) {
        let entries = directory.entries
        var taken: [GlassNode] = []
        var index = Int(clamping: offset &- min(offset, 2))
        while index < entries.count, listing.fits(nameLength: entries[index].name.bytes.count) {
            let entry = entries[index]
            let node = GlassNumbering.node(
                entry.node, path: GlassNumbering.path(entry.name, below: path), parent: inode)
            guard listing.add(item(node, entry.name, index, .forever, listing)) else { break }
            taken.append(node)
            index += 1
        }
        if listing.wantsAttributes { _ = remember(taken) }
    }

    private func list(
        _ made: any GlassDirectory, _ inode: InodeNumber, _ offset: UInt64,
        _ listing: inout DirectoryListing
    ) throws(FileSystemError) {
        let entries = try answering { try made.entries() }.sorted { $0.name < $1.name }
        let validity: CacheValidity = made.isLive ? .none : .forever
        var taken: [GlassNode] = []
        var index = Int(clamping: offset &- min(offset, 2))
        while index < entries.count {
            let (name, entry) = entries[index]
            let node = GlassNumbering.node(entry, name: name, parent: inode)
            guard listing.add(item(node, name, index, validity, listing)) else { break }
            taken.append(node)
            index += 1
        }
        if listing.wantsAttributes { _ = remember(taken) }
    }

    private func item(
        _ node: GlassNode, _ name: EntryName, _ index: Int, _ validity: CacheValidity,
        _ listing: DirectoryListing
    ) -> DirectoryListing.Item {
        DirectoryListing.Item(
            name: name.bytes, nextOffset: UInt64(index) + 3,
            serialNumber: node.attributes.serialNumber,
            type: node.attributes.type ?? .regular,
            entry: listing.wantsAttributes
                ? Entry(
                    attributes: node.attributes, entryValidity: validity,
                    attributesValidity: node.validity) : nil)
    }

    private func children(of node: Node) throws(FileSystemError) -> Directory {
        guard let reference = node.directory else { throw .notDirectory }
        return try answering { try source.directory(reference.id) }
    }

    // MARK: - Files

    package func open(
        _ inode: InodeNumber, flags: OpenFlags, clearSetIDs: Bool, context: RequestContext
    ) throws(FileSystemError) -> OpenedFile {
        if flags.writes { throw .readOnly }
        return OpenedFile(handle: FileHandle(0), caching: .keep)
    }

    package func read(
        _ inode: InodeNumber, handle: FileHandle?, offset: UInt64, size: Int,
        deliver: (ReadSource) -> Void
    ) throws(FileSystemError) {
        switch try node(inode).kind {
        case .file(let bytes):
            let start = Int(min(offset, UInt64(bytes.count)))
            deliver(.bytes(bytes[start..<min(bytes.count, start + size)]))
        case .tree(let node, _):
            guard case .file(let content) = node.content else { throw .isDirectory }
            if offset >= content.sizeBytes { return deliver(.bytes([])) }
            let length = Int(min(UInt64(size), content.sizeBytes - offset))
            // Opened for each read: no descriptor is held per inode, and an open costs 2 µs where
            // the round trip costs ten times that.
            try answering {
                let file = try objects.open(content.digest)
                deliver(.descriptor(file.rawValue, offset: offset, size: length))
            }
        case .directory, .symbolicLink: throw .isDirectory
        }
    }

    // MARK: - Attributes

    package func extendedAttribute(
        _ name: [UInt8], of inode: InodeNumber
    ) throws(FileSystemError) -> [UInt8] {
        guard case .tree(let node, _) = try node(inode).kind,
            let value = node.attributes.extendedAttributes[name]
        else { throw .noData }
        return value
    }

    package func extendedAttributeNames(
        of inode: InodeNumber
    ) throws(FileSystemError) -> [[UInt8]] {
        guard case .tree(let node, _) = try node(inode).kind else { return [] }
        return node.attributes.extendedAttributes.attributes.map(\.name)
    }

    package func statistics() throws(FileSystemError) -> FileSystemStatistics {
        let room = try answering { () throws -> FileSystemRoom in
            let root = try OwnedDescriptor(opening: store.layout.root, [.readOnly, .directory])
            return try FileSystemRoom(of: root.rawValue)
        }
        return FileSystemStatistics(
            blockSizeBytes: UInt32(clamping: room.blockSizeBytes), blocks: room.blocks,
            files: room.files)
    }

    /// Turns a failure below into what programs see; the details go to the log.
    private func answering<T>(_ body: () throws -> T) throws(FileSystemError) -> T {
        do {
            return try body()
        } catch {
            ViewLog.report(error)
            throw .inputOutput
        }
    }
}

extension FileAttributes {
    fileprivate mutating func setTimes(_ time: NodeTime) {
        modificationTime = FileTime(seconds: time.seconds, nanoseconds: time.nanoseconds)
        accessTime = modificationTime
        changeTime = modificationTime
    }
}
