internal import FileTree
internal import Store

/// The consumer of a layer's tar. Contents are stored by other threads; entries are applied, and the
/// recipe is written, in the layer's order once their contents are known.
struct LayerApplier: TarConsumer, ~Copyable {
    /// Bodies up to this size are gathered in memory and hashed before they touch the disk, so
    /// that content the store has is not written again.
    static let bufferedBodyBytes: Int64 = 1 << 20

    /// Entries that wait for their contents: more than the writers have before them, so that an
    /// entry's content is mostly there when it is applied.
    private static let pendingLimit = 512
    /// What those entries may take in memory besides, and what stands between them in the tar.
    private static let pendingBytesLimit = 1 << 20

    /// Enough to see what is the matter.
    private static let warningLimit = 100

    /// An entry that was read.
    private struct Pending {
        /// The tar's bytes before the body that belong to no body.
        let literal: [UInt8]
        let entry: TarEntry
        /// Nil for a body of nothing.
        let content: ContentWriters.PendingContent?

        var memoryBytes: Int {
            literal.count + entry.metadataBytes
                + (entry.extents?.count ?? 0) * MemoryLayout<TarExtent>.stride
        }
    }

    private let writers: ContentWriters
    private let directories: PendingDirectories
    private var entries: LayerEntries
    private var linkAttributes = LinkAttributes()
    private var recipe: RecipeWriter
    /// Everything that the recipe refers to.
    private var contents: Set<FileContent> = []
    private var literal: [UInt8] = []
    private var current: TarEntry?
    private var body: [UInt8] = []
    private var stream: ContentWriters.Stream?
    private var sparse: SparseBody?
    private var pending: [Pending] = []
    private var pendingBytes = 0
    private var allowance: EntryAllowance
    private var warnings: [LayerWarning] = []

    init(
        ingest: ObjectIngest, writers: ContentWriters, directories: PendingDirectories,
        parent: Tree, limits: ArchiveLimits
    ) throws {
        self.writers = writers
        self.directories = directories
        allowance = EntryAllowance(limits)
        entries = LayerEntries(TreeEditor(base: parent, directories: directories))
        recipe = try RecipeWriter(ingest)
    }

    mutating func literal(_ bytes: Span<UInt8>) throws {
        literal.append(copying: bytes)
        guard literal.count > Self.pendingBytesLimit else { return }
        try applyPending()
        try writeLiteral()
    }

    private mutating func writeLiteral() throws {
        try recipe.appendLiteral(literal.span)
        literal.removeAll(keepingCapacity: true)
    }

    mutating func begin(_ entry: TarEntry) throws {
        try allowance.take(entry)
        current = entry
        if !entry.ignoredRecords.isEmpty { noteIgnored(entry) }
        if let extents = entry.extents {
            stream = try writers.stream()
            sparse = SparseBody(extents: extents, sizeBytes: UInt64(entry.sizeBytes))
        } else if entry.storedSizeBytes > Self.bufferedBodyBytes {
            stream = try writers.stream()
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
        if sparse != nil, let stream {
            sparse?.write(bytes, to: stream)
        } else if let stream {
            stream.append(bytes)
        } else {
            body.append(copying: bytes)
        }
    }

    mutating func end() throws {
        guard let entry = current else { return }
        current = nil
        var content: ContentWriters.PendingContent?
        if let stream {
            sparse?.finish(stream)
            stream.end()
            content = stream.content
        } else if !body.isEmpty {
            content = try writers.insert(body)
        }
        stream = nil
        sparse = nil
        body = []
        let item = Pending(literal: literal, entry: entry, content: content)
        pending.append(item)
        pendingBytes += item.memoryBytes
        literal = []
        if pendingBytes > Self.pendingBytesLimit {
            try applyPending()
        } else if pending.count == Self.pendingLimit {
            try applyPending(Self.pendingLimit / 2)
        }
    }

    /// Applies the first entries that wait, once their contents are stored; all by default.
    mutating func applyPending(_ count: Int = .max) throws {
        // After an error nothing more is applied.
        var waiting: [Pending] = []
        swap(&waiting, &pending)
        for item in waiting.prefix(count) {
            pendingBytes -= item.memoryBytes
            try apply(item)
        }
        pending = Array(waiting.dropFirst(count))
    }

    private mutating func apply(_ item: Pending) throws {
        try recipe.appendLiteral(item.literal.span)
        let entry = item.entry
        let content = try item.content.map(writers.value(of:)) ?? .empty
        if content.sizeBytes > 0 { contents.insert(content) }
        if let extents = entry.extents {
            for extent in extents {
                try recipe.append(
                    content, offset: UInt64(extent.offset), length: UInt64(extent.sizeBytes))
            }
        } else {
            try recipe.append(content, offset: 0, length: content.sizeBytes)
        }
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
        try applyPending()
        try writeLiteral()
        let tree = try linkAttributes.applied(
            to: try entries.editor.finish(), in: directories)
        return ImportedLayer(
            diffID: summary.diffID, tarSizeBytes: summary.tarSizeBytes, tree: tree,
            recipe: try recipe.finish(),
            hiddenContents: contents.subtracting(directories.contents(reachableFrom: tree)),
            entryCount: entryCount, endedWithMarker: endedWithMarker,
            warnings: warnings)
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

    mutating func write(_ bytes: Span<UInt8>, to stream: ContentWriters.Stream) {
        var start = 0
        while start < bytes.count, index < extents.count {
            let extent = extents[index]
            if done == 0, UInt64(extent.offset) > position {
                stream.appendHole(UInt64(extent.offset) - position)
                position = UInt64(extent.offset)
            }
            let count = Int(min(Int64(bytes.count - start), extent.sizeBytes - done))
            stream.append(bytes.extracting(start..<(start + count)))
            start += count
            done += Int64(count)
            position += UInt64(count)
            if done == extent.sizeBytes {
                index += 1
                done = 0
            }
        }
    }

    func finish(_ stream: ContentWriters.Stream) {
        if sizeBytes > position { stream.appendHole(sizeBytes - position) }
    }
}
