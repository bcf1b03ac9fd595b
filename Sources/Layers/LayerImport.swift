package import FileTree
package import ImageSpec
internal import LinuxIO
package import Store

/// A layer as it was read from its tar.
package struct ImportedLayer: Sendable {
    /// Over the uncompressed tar, as it came.
    package var diffID: DiffID
    package var tarSizeBytes: UInt64
    /// The root file system after the layer.
    package var tree: Tree
    package var recipe: FileContent
    package var entryCount: Int
    /// Whether the archive had its end marker; without, a cut between two entries goes unnoticed
    /// unless a digest tells.
    package var endedWithMarker: Bool
    /// What of the layer could not be represented.
    package var warnings: [LayerWarning]
}

/// Something of a layer or a directory that was left out.
package struct LayerWarning: Hashable, Sendable, CustomStringConvertible {
    package var path: [UInt8]
    package var message: String

    package var description: String {
        "\"\(String(decoding: path, as: UTF8.self))\": \(message)"
    }
}

/// Reads a layer's tar into the store: contents as objects, entries onto the parent's tree, and
/// everything else into a recipe. One pass; nothing is unpacked to a path of the host.
package struct LayerImport {
    private let ingest: ObjectIngest
    private let directories: PendingDirectories
    private let limits: ArchiveLimits

    package init(
        ingest: ObjectIngest, directories: PendingDirectories,
        limits: ArchiveLimits = ArchiveLimits()
    ) {
        self.ingest = ingest
        self.directories = directories
        self.limits = limits
    }

    /// Reads a layer's blob, which may be compressed. `source` is read by another thread and is not
    /// used any more on return.
    /// - Parameter progress: told often how much of the blob has been read.
    /// - Throws: ``LayerError``, ``TarError``, ``CompressionError``, ``StoreError``. The store then
    ///   has at most objects that nothing refers to.
    package func read(
        _ source: any ByteSource & Sendable, onto parent: Tree,
        expecting: LayerExpectation = LayerExpectation(), progress: ((Int64) -> Void)? = nil
    ) throws -> ImportedLayer {
        var stream = try LayerStream(source, expecting: expecting, limits: limits)
        let writeback = EarlyWriteback(ingest)
        let outcome = Result { try read(&stream, writeback, onto: parent, progress: progress) }
        stream.stop()
        let written = Result { try writeback.finish() }
        let layer = try outcome.get()
        try written.get()
        return layer
    }

    private func read(
        _ stream: inout LayerStream, _ writeback: EarlyWriteback, onto parent: Tree,
        progress: ((Int64) -> Void)?
    ) throws -> ImportedLayer {
        var reader = TarReader()
        var applier = try LayerApplier(
            ingest: ingest, directories: directories, parent: parent, limits: limits)
        while let chunk = try stream.next() {
            try reader.feed(chunk.bytes.span, to: &applier)
            try writeback.note()
            progress?(chunk.blobBytes)
        }
        guard let summary = stream.summary else {
            throw LayerError(.invalidArchive, "the layer's stream ended without its end")
        }
        let ending = try reader.finish()
        return try applier.finish(
            summary, entryCount: reader.entryCount, endedWithMarker: ending != .noMarker)
    }
}

/// The consumer of a layer's tar.
private struct LayerApplier: TarConsumer, ~Copyable {
    /// Bodies up to this size are gathered in memory and hashed before they touch the disk, so
    /// that content the store has is not written again.
    static let bufferedBodyBytes: Int64 = 1 << 20

    /// Enough to see what is the matter.
    private static let warningLimit = 100

    private let ingest: ObjectIngest
    private let directories: PendingDirectories
    private var entries: LayerEntries
    private var linkAttributes = LinkAttributes()
    private var recipe: RecipeWriter
    private var current: TarEntry?
    private var body: [UInt8] = []
    private var writer: ObjectWriter?
    private var sparse: SparseBody?
    private var allowance: LayerAllowance
    private var warnings: [LayerWarning] = []

    init(
        ingest: ObjectIngest, directories: PendingDirectories, parent: Tree,
        limits: ArchiveLimits
    ) throws {
        self.ingest = ingest
        self.directories = directories
        allowance = LayerAllowance(limits)
        entries = LayerEntries(TreeEditor(base: parent, directories: directories))
        recipe = try RecipeWriter(ingest)
    }

    mutating func literal(_ bytes: Span<UInt8>) throws {
        try recipe.appendLiteral(bytes)
    }

    mutating func begin(_ entry: TarEntry) throws {
        try allowance.take(entry)
        current = entry
        if !entry.ignoredRecords.isEmpty { noteIgnored(entry) }
        if let extents = entry.extents {
            let object = try ingest.writer()
            writer = object
            sparse = SparseBody(extents: extents, sizeBytes: UInt64(entry.sizeBytes))
        } else if entry.storedSizeBytes > Self.bufferedBodyBytes {
            writer = try ingest.writer()
        } else {
            body.reserveCapacity(Int(entry.storedSizeBytes))
        }
    }

    private mutating func noteIgnored(_ entry: TarEntry) {
        guard warnings.count < Self.warningLimit else { return }
        let keys = entry.ignoredRecords.map { String(decoding: $0, as: UTF8.self) }
        warnings.append(
            LayerWarning(
                path: entry.path,
                message: "\(keys.joined(separator: ", ")) names users without their ids; left out"))
    }

    mutating func body(_ bytes: Span<UInt8>) throws {
        if sparse != nil, let writer {
            try sparse?.write(bytes, to: writer)
        } else if let writer {
            try writer.append(bytes)
        } else {
            unsafe bytes.withUnsafeBufferPointer { unsafe body.append(contentsOf: $0) }
        }
    }

    mutating func end() throws {
        guard let entry = current else { return }
        current = nil
        var content = FileContent.empty
        if let finished = sparse, let writer {
            try finished.finish(writer)
            content = try writer.finish()
            for extent in finished.extents {
                try recipe.append(
                    content, offset: UInt64(extent.offset), length: UInt64(extent.sizeBytes))
            }
        } else {
            if let writer {
                content = try writer.finish()
            } else if !body.isEmpty {
                content = try ingest.insert(body)
            }
            try recipe.append(content, offset: 0, length: content.sizeBytes)
        }
        writer = nil
        sparse = nil
        body.removeAll(keepingCapacity: true)
        do {
            let path = try entries.apply(entry, content: content)
            if entry.kind == .hardLink, let path {
                try linkAttributes.note(entry, at: path, in: entries.editor)
            }
        } catch {
            throw LayerError(
                .invalidEntry, "the layer cannot be applied", path: entry.path, cause: error)
        }
    }

    consuming func finish(
        _ summary: LayerStream.Summary, entryCount: Int, endedWithMarker: Bool
    ) throws -> ImportedLayer {
        let tree = try linkAttributes.applied(
            to: try entries.editor.finish(), in: directories)
        return ImportedLayer(
            diffID: summary.diffID, tarSizeBytes: summary.tarSizeBytes, tree: tree,
            recipe: try recipe.finish(), entryCount: entryCount, endedWithMarker: endedWithMarker,
            warnings: warnings)
    }
}

/// What a layer may still take of the limits.
private struct LayerAllowance {
    private let limits: ArchiveLimits
    private var entries = 0
    private var metadataBytes = 0
    private var holeBytes: UInt64 = 0

    init(_ limits: ArchiveLimits) { self.limits = limits }

    /// - Throws: `tooLarge` when the entry is too much.
    mutating func take(_ entry: TarEntry) throws(LayerError) {
        entries += 1
        guard entries <= limits.layerEntries else {
            throw LayerError(
                .tooLarge, "the layer has more than \(limits.layerEntries) entries, the limit",
                path: entry.path)
        }
        metadataBytes += entry.path.count + entry.linkTarget.count
        for attribute in entry.attributes {
            metadataBytes += attribute.name.count + attribute.value.count
        }
        guard metadataBytes <= limits.layerMetadataBytes else {
            throw LayerError(
                .tooLarge,
                "the names, link targets and extended attributes of the layer's entries have more "
                    + "than \(limits.layerMetadataBytes) bytes, the limit", path: entry.path)
        }
        guard entry.extents != nil else { return }
        // Both are less than 2^63.
        holeBytes += UInt64(max(0, entry.sizeBytes - entry.storedSizeBytes))
        guard holeBytes <= limits.holeBytes else {
            throw LayerError(
                .tooLarge, "the holes of the layer's sparse files are larger than the limit",
                path: entry.path)
        }
    }
}

/// Puts packed extents where they belong.
private struct SparseBody {
    let extents: [TarExtent]
    let sizeBytes: UInt64
    private var index = 0
    /// How much of the current extent has been written.
    private var done: Int64 = 0
    /// How far the file is written, holes included.
    private var position: UInt64 = 0

    init(extents: [TarExtent], sizeBytes: UInt64) {
        self.extents = extents
        self.sizeBytes = sizeBytes
    }

    mutating func write(_ bytes: Span<UInt8>, to writer: ObjectWriter) throws {
        var start = 0
        while start < bytes.count, index < extents.count {
            let extent = extents[index]
            if done == 0, UInt64(extent.offset) > position {
                try writer.appendHole(UInt64(extent.offset) - position)
                position = UInt64(extent.offset)
            }
            let count = Int(min(Int64(bytes.count - start), extent.sizeBytes - done))
            try writer.append(bytes.extracting(start..<(start + count)))
            start += count
            done += Int64(count)
            position += UInt64(count)
            if done == extent.sizeBytes {
                index += 1
                done = 0
            }
        }
    }

    func finish(_ writer: ObjectWriter) throws {
        if sizeBytes > position { try writer.appendHole(sizeBytes - position) }
    }
}
