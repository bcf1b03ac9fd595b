package import FileTree
package import ImageSpec
package import Store

/// Writes layers as tars: from the recipe of one that came from elsewhere, bit for bit; as the
/// canonical tar of one made here, the same for the same change in any store.
package struct LayerExport {
    private let store: Store
    private let source: any DirectorySource
    private let contents: (any ContentSource)?
    private let check: () throws -> Void

    /// - Parameters:
    ///   - source: where the trees' directories are; by default the store.
    ///   - contents: where contents are that are no objects.
    ///   - check: called often; what it throws ends the writing.
    package init(
        _ store: Store, directories source: (any DirectorySource)? = nil,
        contents: (any ContentSource)? = nil, check: @escaping () throws -> Void = {}
    ) {
        self.store = store
        self.source = source ?? store
        self.contents = contents
        self.check = check
    }

    /// Writes the uncompressed tar of a stored layer.
    /// - Throws: `digestMismatch` when what was written is not the layer's diffID.
    package func write(_ layer: LayerRecord, to sink: inout some ByteSink) throws {
        var hashing = HashingSink(base: sink)
        if let recipe = layer.recipe {
            var watched = WatchedSink(base: hashing, check: check)
            try RecipeReader(recipe, in: store).write(to: &watched)
            hashing = watched.base
        } else {
            try writeCanonical(
                from: try store.parentTree(of: layer), to: layer.tree, sink: &hashing)
        }
        sink = hashing.base
        let found = hashing.finish()
        guard found.digest == layer.diffID else {
            throw LayerError(
                .digestMismatch,
                "layer \(layer.diffID) was rebuilt as \(found.digest); \"vitrine fsck\" tells more")
        }
    }

    /// Writes the canonical tar of the change from one tree to another.
    package func writeCanonical(
        from old: Tree, to new: Tree, sink: inout some ByteSink
    ) throws {
        let plan = try LayerPlan(from: old, to: new, in: source)
        var watched = WatchedSink(base: sink, check: check)
        for item in plan.items { try write(item, to: &watched) }
        let endMarker = TarWriter.endMarker
        try watched.write(endMarker.span)
        sink = watched.base
    }

    /// The diffID and size that the canonical tar of a change has.
    package func canonicalDigest(
        from old: Tree, to new: Tree
    ) throws -> (diffID: DiffID, tarSizeBytes: UInt64) {
        var sink = HashingSink(base: NullSink())
        try writeCanonical(from: old, to: new, sink: &sink)
        let result = sink.finish()
        return (result.digest, result.sizeBytes)
    }

    /// Writes a whole tree as a tar (of one layer on nothing).
    package func writeRootFileSystem(_ tree: Tree, to sink: inout some ByteSink) throws {
        try writeCanonical(from: .empty, to: tree, sink: &sink)
    }

    private func write(_ item: LayerPlan.Item, to sink: inout some ByteSink) throws {
        switch item {
        case .whiteout(let path):
            guard let name = path.last else { return }
            let parent = path.parent
            let entry = TarEntry(
                path: (parent.isRoot ? [] : parent.bytes + [UInt8(ascii: "/")])
                    + Whiteout.name(removing: name), kind: .regular, mode: 0o644)
            let header = try TarWriter.header(for: entry)
            try sink.write(header.span)
        case .link(let path, let target, let node):
            // With the file's own attributes: engines set those of a link on the file.
            guard var entry = TarEntry(node, path: path.bytes) else { return }
            entry.kind = .hardLink
            entry.linkTarget = target.bytes
            let header = try TarWriter.header(for: entry)
            try sink.write(header.span)
        case .node(let path, let node):
            let bytes = path.isRoot ? Array("./".utf8) : path.bytes
            guard let entry = TarEntry(node, path: bytes) else { return }
            let header = try TarWriter.header(for: entry)
            try sink.write(header.span)
            if case .file(let content) = node.content, content.sizeBytes > 0 {
                let isOwn = try contents?.read(content) { try sink.write($0) } ?? false
                if !isOwn {
                    try ObjectCopy.copy(
                        path: store.layout.object(content.digest), offset: 0,
                        length: content.sizeBytes, to: &sink)
                }
                let padding = TarWriter.padding(after: Int64(clamping: content.sizeBytes))
                try sink.write(padding.span)
            }
        }
    }
}

/// Hashes what goes through it. A class, for sinks are copyable and a hasher is not.
final class HashingSink<Base: ByteSink>: ByteSink {
    private(set) var base: Base
    private var hasher = SHA256Hasher()
    private var sizeBytes: UInt64 = 0

    init(base: Base) { self.base = base }

    func write(_ bytes: Span<UInt8>) throws {
        unsafe bytes.withUnsafeBytes { unsafe hasher.update($0) }
        sizeBytes += UInt64(bytes.count)
        try base.write(bytes)
    }

    func finish() -> (digest: DiffID, sizeBytes: UInt64) {
        (DiffID(hasher.finalize()), sizeBytes)
    }
}

/// Takes everything and keeps nothing.
struct NullSink: ByteSink {
    mutating func write(_ bytes: Span<UInt8>) throws {}
}
