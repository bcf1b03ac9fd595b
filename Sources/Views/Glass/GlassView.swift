package import FileTree
internal import ImageSpec
internal import LinuxIO
package import Store
package import VirtualFS

/// A read-only file system of trees and made-up directories: one image, or the whole gallery.
///
/// Every inode is immutable, so the kernel may remember everything for as long as it likes; only
/// the names in live directories are asked for again.
package final class GlassView: FileSystem {
    package let profile: ConnectionProfile
    private let store: Store
    private let objects: ViewObjects
    private let source: any DirectorySource
    /// Where contents are that are no objects.
    private let drafts: ContainerDrafts?
    /// What a missing directory or object means: of an image that the view's lease holds, damage;
    /// in the gallery, that the image was removed.
    private let missing: FileSystemError
    let numbering: GlassNumbering
    let table = GlassTable()
    private let root: GlassNode

    /// - Parameters:
    ///   - root: a tree or a directory.
    ///   - source: where the trees' directories are; by default the store.
    ///   - drafts: of the containers whose trees may be shown.
    /// - Throws: ``StoreError``; Errno if the directory of the objects cannot be opened.
    package init(
        _ root: GlassEntry, store: Store, source: (any DirectorySource)? = nil,
        drafts: ContainerDrafts? = nil
    ) throws {
        self.store = store
        self.source = source ?? store
        self.drafts = drafts
        let key = try store.inodeKey()
        numbering = GlassNumbering(key: KeyedHash.Key(first: key.first, second: key.second))
        var node = numbering.node(root, name: nil, in: InodeNumber(0))
        switch root {
        case .tree(let tree):
            profile = .readOnly(
                extendedAttributes: tree.directory.containsExtendedAttributes
                    || !tree.attributes.extendedAttributes.isEmpty)
            missing = .inputOutput
        case .directory, .file, .symbolicLink, .hostFile:
            profile = .readOnly(extendedAttributes: true)
            missing = .stale
        }
        objects = try ViewObjects(
            store.layout, missing: missing == .stale ? .stale : .inputOutput)
        node.attributes.inode = .root
        self.root = node
    }

    // MARK: - Inodes

    func node(_ inode: InodeNumber) throws(FileSystemError) -> GlassNode {
        if inode == .root { return root.upToDate }
        switch table.find(inode) {
        case .whole(let node): return node.upToDate
        case .entry(let listed, let index):
            let entry = listed.directory.entries[index]
            let place = numbering.place(entry.name, below: listed.place)
            let serial =
                entry.node.isDirectory
                ? numbering.serialNumber(of: entry.node, at: place) : inode.rawValue
            return GlassNode(
                kind: .tree(entry.node, place),
                attributes: FileAttributes(entry.node, inode: inode, serialNumber: serial))
        case nil: throw .stale
        }
    }

    package func forget(_ lookups: [(inode: InodeNumber, count: UInt64)]) { table.forget(lookups) }

    package func unmounted() {
        table.removeAll()
        objects.closeAll()
    }

    /// The attributes of an entry of a directory that stands at `place`.
    func attributes(
        of entry: DirectoryEntry, at place: GlassNumbering.Place, in parent: InodeNumber
    ) -> FileAttributes {
        let place = numbering.place(entry.name, below: place)
        let serial = numbering.serialNumber(of: entry.node, at: place)
        let inode = numbering.inode(of: entry.node, at: place, serialNumber: serial, in: parent)
        return FileAttributes(entry.node, inode: inode, serialNumber: serial)
    }

    package func lookup(
        _ name: [UInt8], in parent: InodeNumber
    ) throws(FileSystemError) -> LookupResult {
        let directory = try node(parent)
        guard name.count <= EntryName.maximumByteCount else { throw .nameTooLong }
        // What is no name cannot be there.
        guard let name = try? EntryName(name) else { return .absent(.forever) }
        switch directory.kind {
        case .tree(let node, let place):
            let children = try children(of: node)
            guard let index = children.index(of: name) else { return .absent(.forever) }
            let found = attributes(of: children.entries[index], at: place, in: parent)
            table.remember([(found.inode, index)], of: children, at: place, in: parent)
            return .found(Entry(attributes: found))
        case .directory(let made):
            let validity: CacheValidity = made.isLive ? .none : .forever
            guard let entry = try answering(of: made, { try made.entry(name) }) else {
                return .absent(validity)
            }
            let child = numbering.node(entry, name: name, in: parent)
            table.remember([child])
            return .found(
                Entry(
                    attributes: child.attributes, entryValidity: validity,
                    attributesValidity: child.validity))
        case .file, .symbolicLink, .hostFile: throw .notDirectory
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
        case .directory, .file, .hostFile: throw .invalidArgument
        }
    }

    func children(of node: Node) throws(FileSystemError) -> Directory {
        guard let reference = node.directory else { throw .notDirectory }
        do throws(FileTreeError) {
            return try source.directory(reference.id)
        } catch {
            // One that could not be read is there for all that is known.
            if error.code == .missingDirectory && error.cause == nil && missing == .stale {
                throw .stale
            }
            ViewLog.report(error)
            throw .inputOutput
        }
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
            if let own = drafts?.ownContent(of: content.digest) {
                return try read(own, offset..<offset + UInt64(length), deliver: deliver)
            }
            do throws(Errno) {
                guard length < content.sizeBytes else {
                    let file = try objects.open(content)
                    return deliver(.descriptor(file.rawValue, offset: offset, size: length))
                }
                let file = try objects.openForParts(content)
                deliver(.descriptor(file.descriptor.rawValue, offset: offset, size: length))
            } catch {
                throw FileSystemError(errno: error.rawValue)
            }
        case .hostFile(let file): try read(file, offset: offset, size: size, deliver: deliver)
        case .directory, .symbolicLink: throw .isDirectory
        }
    }

    private func read(
        _ own: OwnContent, _ range: Range<UInt64>, deliver: (ReadSource) -> Void
    ) throws(FileSystemError) {
        do throws(Errno) {
            let file = try own.open()
            let present = try FileStatus(of: file.rawValue).sizeBytes
            if own.isWhole && range.upperBound <= present {
                return deliver(
                    .descriptor(file.rawValue, offset: range.lowerBound, size: range.count))
            }
            let bytes = try own.bytes(of: file.rawValue, in: range) { (content) throws(Errno) in
                try objects.open(content)
            }
            deliver(.bytes(bytes[...]))
        } catch {
            // The container no longer has it.
            throw .stale
        }
    }

    private func read(
        _ file: HostGlassFile, offset: UInt64, size: Int, deliver: (ReadSource) -> Void
    ) throws(FileSystemError) {
        do throws(Errno) {
            let opened = try file.open()
            // What was changed meanwhile is another inode under the same name.
            let present = min(file.status.sizeBytes, try FileStatus(of: opened.rawValue).sizeBytes)
            if offset >= present { return deliver(.bytes([])) }
            deliver(
                .descriptor(
                    opened.rawValue, offset: offset, size: Int(min(UInt64(size), present - offset))
                ))
        } catch {
            throw .stale
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
    /// - Parameter directory: whose answer it is, which may have been removed.
    func answering<T>(
        of directory: (any GlassDirectory)? = nil, _ body: () throws -> T
    ) throws(FileSystemError) -> T {
        do {
            return try body()
        } catch {
            if let directory, directory.isGone { throw .stale }
            ViewLog.report(error)
            throw .inputOutput
        }
    }
}
