internal import FileTree
internal import Layers
internal import LinuxIO
internal import Store

/// Unpacks the tar archives that ADD finds among its sources.
struct ArchiveUnpacker {
    let ingest: ObjectIngest
    /// Whose everything becomes; nil leaves it to the archive. As in BuildKit, modes and times are
    /// always the archive's.
    let owner: Ownership?
    var limits = ArchiveLimits()

    /// Whether the content is a tar archive, perhaps compressed, as ADD sees it: its first entry
    /// can be read. So is one whose name says so and that breaks off before that, perhaps a download:
    /// to unpack it is an error, where a copy would pass for success.
    static func isArchive(
        _ content: FileContent, named name: [UInt8]?, in store: Store
    ) throws -> Bool {
        guard content.sizeBytes > 0 else { return false }
        let file = try OwnedDescriptor(opening: store.layout.object(content.digest), .readOnly)
        return isArchive(descriptor: file.rawValue, hasArchiveName(name ?? []))
    }

    private static func hasArchiveName(_ name: [UInt8]) -> Bool {
        let parts = String(decoding: name, as: UTF8.self).lowercased().split(separator: ".")
        let endings = ["tgz", "txz", "tbz", "tbz2", "tzst"]
        return parts.dropFirst().suffix(2).contains { $0 == "tar" || endings.contains(String($0)) }
    }

    private static func isArchive(descriptor: Int32, _ hasArchiveName: Bool) -> Bool {
        do {
            var input = try DecompressingReader(fileDescriptor: descriptor)
            // Docker's builders do not know lz4.
            guard input.compression != .lz4 else { return false }
            var reader = TarReader()
            var probe = ArchiveProbe()
            while try input.withNextChunk({ try reader.feed($0, to: &probe) }) {
                try ArchiveLimits().check(
                    uncompressedBytes: input.uncompressedBytes,
                    compressedBytes: input.compressedBytes)
            }
        } catch is ArchiveProbe.FoundEntry {
            return true
        } catch let error as CompressionError where error.code == .truncated {
            return hasArchiveName
        } catch {
            // Whatever it is, it is no archive.
        }
        return false
    }

    /// Unpacks a stored archive into the directory at `path`, which exists.
    func unpack(
        _ content: FileContent, of store: Store, into path: TreePath, of editor: TreeEditor
    ) throws {
        let file = try OwnedDescriptor(opening: store.layout.object(content.digest), .readOnly)
        try unpack(
            try DecompressingReader(fileDescriptor: file.rawValue), into: path, of: editor)
    }

    /// Unpacks a stream into the directory at `path`, which exists.
    func unpack(
        _ input: consuming DecompressingReader, into path: TreePath, of editor: TreeEditor
    ) throws {
        var reader = TarReader()
        var consumer = ArchiveConsumer(
            ingest: ingest, editor: editor, root: path, owner: owner, limits: limits)
        while try input.withNextChunk({ try reader.feed($0, to: &consumer) }) {
            try limits.check(
                uncompressedBytes: input.uncompressedBytes, compressedBytes: input.compressedBytes)
        }
        _ = try reader.finish()
    }
}

/// Stops at the first entry.
private struct ArchiveProbe: TarConsumer {
    struct FoundEntry: Error {}
    mutating func literal(_ bytes: Span<UInt8>) throws {}
    mutating func begin(_ entry: TarEntry) throws { throw FoundEntry() }
    mutating func body(_ bytes: Span<UInt8>) throws {}
    mutating func end() throws {}
}

/// Puts an archive's entries into a tree, below a directory, as `tar -x` would.
///
/// The directory is the root of all names and links, as for a process that is confined to it.
/// Symbolic links on the way are followed, of directories the last one too; whiteouts mean nothing
/// here.
private struct ArchiveConsumer: TarConsumer {
    /// Bodies up to this size are gathered, so that content the store has is not written again.
    private static let bufferedBodyBytes: Int64 = 1 << 20

    private let ingest: ObjectIngest
    private let editor: TreeEditor
    private let root: TreePath
    private let owner: Ownership?
    /// The names of each file with several that the archive brought, by each of them.
    private var links: [TreePath: [TreePath]] = [:]
    private var current: TarEntry?
    private var body: [UInt8] = []
    private var writer: ObjectWriter?
    private var written: Int64 = 0
    private var extents: [TarExtent] = []
    private var allowance: EntryAllowance

    init(
        ingest: ObjectIngest, editor: TreeEditor, root: TreePath, owner: Ownership?,
        limits: ArchiveLimits
    ) {
        self.ingest = ingest
        self.editor = editor
        self.root = root
        self.owner = owner
        allowance = EntryAllowance(limits)
    }

    mutating func literal(_ bytes: Span<UInt8>) throws {}

    mutating func begin(_ entry: TarEntry) throws {
        try allowance.take(entry)
        current = entry
        written = 0
        extents = entry.extents ?? []
        if entry.extents != nil || entry.storedSizeBytes > Self.bufferedBodyBytes {
            writer = try ingest.writer()
        }
    }

    mutating func body(_ bytes: Span<UInt8>) throws {
        guard let writer else {
            for index in bytes.indices { body.append(bytes[index]) }
            return
        }
        guard current?.extents != nil else { return try writer.append(bytes) }
        var start = 0
        while start < bytes.count, let extent = extents.first {
            if extent.offset > written {
                try writer.appendHole(UInt64(extent.offset - written))
                written = extent.offset
            }
            let count = Int(min(Int64(bytes.count - start), extent.sizeBytes))
            try writer.append(bytes.extracting(start..<(start + count)))
            start += count
            written += Int64(count)
            extents[0].offset += Int64(count)
            extents[0].sizeBytes -= Int64(count)
            if extents[0].sizeBytes == 0 { extents.removeFirst() }
        }
    }

    mutating func end() throws {
        guard let entry = current else { return }
        current = nil
        var content = FileContent.empty
        if let writer {
            if entry.extents != nil, entry.sizeBytes > written {
                try writer.appendHole(UInt64(entry.sizeBytes - written))
            }
            content = try writer.finish()
        } else if !body.isEmpty {
            content = try ingest.insert(body)
        }
        writer = nil
        body.removeAll(keepingCapacity: true)
        do {
            try apply(entry, content)
        } catch {
            let name = String(decoding: entry.path, as: UTF8.self)
            throw BuildError(
                .failed, "could not unpack \"\(name)\" of the archive: \(error)", cause: error)
        }
    }

    private mutating func apply(_ entry: TarEntry, _ content: FileContent) throws {
        guard var path = try place(entry.path) else {
            // The directory itself: its attributes are the image's, as in Docker.
            return
        }
        let kind: NodeContent
        switch entry.kind {
        case .directory:
            path = try editor.followingLinks(
                TreePath(Array(path.names.dropFirst(root.names.count))), below: root)
            if try editor.node(at: path)?.isDirectory == false { try editor.remove(path) }
            return try editor.putDirectory(attributes(of: entry), at: path)
        case .hardLink: return try link(entry, at: path)
        case .regular: kind = .file(content)
        case .symbolicLink: kind = .symbolicLink(target: entry.linkTarget)
        case .characterDevice: kind = .characterDevice(device(of: entry))
        case .blockDevice: kind = .blockDevice(device(of: entry))
        case .fifo: kind = .fifo
        case .unknown: return
        }
        forget(path)
        try editor.put(Node(attributes: attributes(of: entry), content: kind), at: path)
    }

    /// Gives a file a further name. What the entry says of owner, mode and time holds for the file,
    /// so for its other names too.
    private mutating func link(_ entry: TarEntry, at path: TreePath) throws {
        guard let target = try place(entry.linkTarget), target != path else { return }
        forget(path)
        try editor.link(target, at: path)
        let names = (links[target] ?? [target]) + [path]
        for name in names { links[name] = names }
        guard let node = try editor.node(at: path), case .file = node.content else { return }
        var attributes = attributes(of: entry)
        attributes.extendedAttributes = node.attributes.extendedAttributes
        for name in names { try editor.setAttributes(attributes, at: name) }
    }

    /// The file at `path` is about to be replaced: it is no longer one with others.
    private mutating func forget(_ path: TreePath) {
        guard let names = links.removeValue(forKey: path) else { return }
        let others = names.filter { $0 != path }
        for name in others { links[name] = others }
    }

    /// Where a name of the archive stands in the tree, its parents made; nil for the root.
    private func place(_ name: [UInt8]) throws -> TreePath? {
        let relative = try TreePath(cleaning: name)
        guard let last = relative.last else { return nil }
        let parent = try editor.followingLinks(relative.parent, below: root)
        try editor.makeDirectories(parent, userID: 0, groupID: 0, time: nil)
        return parent.appending(last)
    }

    private func attributes(of entry: TarEntry) -> NodeAttributes {
        NodeAttributes(
            permissions: entry.mode, userID: owner?.userID ?? entry.uid,
            groupID: owner?.groupID ?? entry.gid,
            modificationTime: NodeTime(
                seconds: entry.modified.seconds, nanoseconds: entry.modified.nanoseconds),
            extendedAttributes: ExtendedAttributes(
                entry.attributes.map { .init(name: $0.name, value: $0.value) }))
    }

    private func device(of entry: TarEntry) -> DeviceNumber {
        DeviceNumber(major: entry.deviceMajor, minor: entry.deviceMinor)
    }
}
