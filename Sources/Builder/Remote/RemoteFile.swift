internal import Dockerfile
internal import FileTree
internal import ImageSpec
internal import Layers
internal import LinuxIO
internal import Store

/// A file of a web server on its way into the store.
///
/// Its cache entry is found by its address, and says by which ETag or Last-Modified the server knows
/// the file: while the server says that it is still that one, nothing is downloaded.
struct RemoteFile {
    private let address: WebAddress
    private let sources: RemoteSources
    private let downloader: any FileDownloader

    /// As BuildKit: the owner alone may read what was downloaded.
    private static let permissions: UInt16 = 0o600
    /// BuildKit's name for what has none.
    static let unnamed = Array("__unnamed__".utf8)

    init(_ address: WebAddress, _ sources: RemoteSources, _ downloader: any FileDownloader) {
        self.address = address
        self.sources = sources
        self.downloader = downloader
    }

    /// Passwords count and are not shown.
    private var key: CacheKey {
        CacheKey(Digest(of: Array("HTTP v1\nurl \(address.withCredentials)\n".utf8)))
    }

    private func brought(_ tree: Tree, isKnown: Bool) -> RemoteSources.Brought {
        .init(tree: tree, key: key, instruction: "HTTP \(address)", isKnown: isKnown)
    }

    func tree(
        checksum: Digest?, _ progress: RemoteProgress
    ) throws -> RemoteSources.Brought {
        var known = try sources.known(key)
        if let entry = known, let content = try sources.content(of: entry.tree) {
            if try !sources.store.ingest(sources.lease).isPresent(content) {
                known = nil
            } else if let checksum, content.digest == checksum {
                return brought(entry.tree, isKnown: true)
            }
        }
        let receiver = ObjectReceiver(try sources.store.ingest(sources.lease), progress)
        let request = RemoteFileRequest(
            address: address, validators: known.map { Self.validators($0) } ?? .init(),
            maximumBytes: try sources.store.roomForDownloads())
        switch try downloader.download(request, to: receiver, cancellation: sources.cancellation) {
        case .notModified:
            guard let known else {
                throw BuildError(
                    .downloadFailed,
                    "could not download \(address): the server says that a file is unchanged that "
                        + "it was not asked about")
            }
            return brought(known.tree, isKnown: true)
        case .received(let validators, let seconds, let isGzipped):
            var content = try receiver.finish()
            if isGzipped && content.sizeBytes > 0 { content = try decompressed(content) }
            return brought(try store(content, validators, seconds), isKnown: false)
        }
    }

    /// The file that a server compressed for the way (`Content-Encoding: gzip`).
    private func decompressed(_ content: FileContent) throws -> FileContent {
        let writer = try sources.store.ingest(sources.lease).writer()
        do {
            let file = try OwnedDescriptor(
                opening: sources.store.layout.object(content.digest), .readOnly)
            let input = try CancellableInput(file.rawValue, sources.cancellation)
            var reader = try DecompressingReader(
                input, maximumSizeBytes: Int64(clamping: try sources.store.roomForDownloads()))
            guard reader.compression == .gzip else {
                throw CompressionError(.corrupt, "it is no gzip stream", compression: .gzip)
            }
            while try reader.withNextChunk({ chunk in
                try unsafe chunk.withUnsafeBytes { try unsafe writer.append($0) }
            }) {}
        } catch let error as CompressionError {
            throw BuildError(
                .downloadFailed,
                "could not download \(address): the server sent what it says is gzip: \(error)",
                cause: error)
        }
        return try writer.finish()
    }

    private static func validators(_ entry: CacheRecord) -> RemoteValidators {
        var validators = RemoteValidators()
        for line in entry.inputs.split(separator: "\n") {
            if line.hasPrefix("etag ") { validators.etag = String(line.dropFirst(5)) }
            if line.hasPrefix("last-modified ") {
                validators.lastModified = String(line.dropFirst(14))
            }
        }
        return validators
    }

    private func store(
        _ content: FileContent, _ validators: RemoteValidators, _ seconds: Int64?
    ) throws -> Tree {
        let directories = PendingDirectories(base: sources.store)
        let editor = TreeEditor(base: .empty, directories: directories)
        let attributes = NodeAttributes(
            permissions: Self.permissions, modificationTime: NodeTime(seconds: seconds ?? 0))
        let name = try EntryName(address.fileName ?? Self.unnamed)
        try editor.put(
            Node(attributes: attributes, content: .file(content)), at: TreePath([name]))
        let tree = try editor.finish()
        var inputs = "HTTP v1\nurl \(address)\n"
        if let etag = validators.etag { inputs += "etag \(etag)\n" }
        if let date = validators.lastModified { inputs += "last-modified \(date)\n" }
        try sources.record(
            key, instruction: "HTTP \(address)", inputs: inputs, tree: tree,
            directories: directories)
        return tree
    }
}

/// Puts a download into the object store.
private final class ObjectReceiver: RemoteFileReceiver {
    private let ingest: ObjectIngest
    private let progress: RemoteProgress
    private var writer: ObjectWriter?
    private var count: UInt64 = 0
    private var total: UInt64?

    init(_ ingest: ObjectIngest, _ progress: RemoteProgress) {
        self.ingest = ingest
        self.progress = progress
    }

    func begin(sizeBytes: UInt64?) throws {
        writer = try ingest.writer()
        count = 0
        total = sizeBytes
    }

    func receive(_ bytes: UnsafeRawBufferPointer) throws {
        try unsafe writer?.append(bytes)
        count += UInt64(bytes.count)
        progress.show(count, of: total)
    }

    func finish() throws -> FileContent {
        defer { writer = nil }
        return try writer?.finish() ?? .empty
    }
}
