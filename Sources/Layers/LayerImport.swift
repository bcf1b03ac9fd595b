package import FileTree
package import ImageSpec
package import Store

/// A layer as it was read from its tar.
package struct ImportedLayer: Sendable {
    /// Over the uncompressed tar, as it came.
    package var diffID: DiffID
    package var tarSizeBytes: UInt64
    /// The root file system after the layer.
    package var tree: Tree
    package var recipe: FileContent
    /// What the recipe refers to and the tree may be without: bodies of entries that a later entry
    /// of the layer replaced, and of those that stand for no file.
    package var hiddenContents: Set<FileContent>
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
        let writers = ContentWriters(ingest)
        let writeback = EarlyWriteback(ingest)
        let outcome = Result {
            try read(&stream, writers, writeback, onto: parent, progress: progress)
        }
        stream.stop()
        writers.stop()
        let written = Result { try writeback.finish() }
        let layer = try outcome.get()
        try written.get()
        return layer
    }

    private func read(
        _ stream: inout LayerStream, _ writers: ContentWriters, _ writeback: EarlyWriteback,
        onto parent: Tree, progress: ((Int64) -> Void)?
    ) throws -> ImportedLayer {
        var reader = TarReader()
        var applier = try LayerApplier(
            ingest: ingest, writers: writers, directories: directories, parent: parent,
            limits: limits)
        do {
            while let chunk = try stream.next() {
                try reader.feed(chunk.bytes.span, to: &applier)
                try writeback.note()
                progress?(chunk.blobBytes)
            }
        } catch {
            // What is the matter with an earlier entry comes first.
            try applier.applyPending()
            throw error
        }
        guard let summary = stream.summary else {
            throw LayerError(.invalidArchive, "the layer's stream ended without its end")
        }
        let ending = try reader.finish()
        return try applier.finish(
            summary, entryCount: reader.entryCount, endedWithMarker: ending != .noMarker)
    }
}
