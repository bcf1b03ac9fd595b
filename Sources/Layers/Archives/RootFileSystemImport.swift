package import FileTree
package import ImageSpec
internal import LinuxIO
package import Store

/// How `import` makes an image of a root file system.
package struct ImportOptions: Sendable {
    package var platform: Platform
    /// Of the image and its history entry.
    package var created: Timestamp
    /// In the image's history.
    package var message: String?
    package var names: [Reference]
    package var limits = ArchiveLimits()

    package init(
        created: Timestamp, platform: Platform = .host, message: String? = nil,
        names: [Reference] = []
    ) {
        self.platform = platform
        self.created = created
        self.message = message
        self.names = names
    }
}

/// Makes an image of one layer from a root file system: a tar, compressed or not, from a file or a
/// stream, or a directory of the host.
package struct RootFileSystemImport {
    private let store: Store
    private let lease: Lease
    private let options: ImportOptions
    private let progress: ((ArchiveProgress) -> Void)?

    /// - Parameter lease: keeps what is read until its image is recorded.
    /// - Parameter progress: called often, on the thread that imports.
    package init(
        _ store: Store, lease: Lease, options: ImportOptions,
        progress: ((ArchiveProgress) -> Void)? = nil
    ) {
        self.store = store
        self.lease = lease
        self.options = options
        self.progress = progress
    }

    /// - Parameter configure: changes the image's config before it is written (`--change`).
    /// - Throws: ``LayerError``, ``TarError``, ``CompressionError``, ``StoreError``, and what
    ///   `configure` throws.
    package func run(
        _ input: ArchiveInput, configure: (inout ImageConfig) throws -> Void = { _ in }
    ) throws -> LoadedImage {
        let directories = PendingDirectories(base: store)
        let read = try readLayer(input, directories)
        let layer = read.record
        let config = try makeConfig(layer.diffID, configure)
        try store.insert(
            layer, hiddenContents: read.hiddenContents, directories: directories, lease: lease)
        report(.recording, 0)
        let bytes = config.encoded
        let manifest = ImageManifest.uncompressed(config: bytes, layers: [layer])
        let record = try store.insertImage(
            config: bytes, manifest: manifest.encoded, chainID: layer.chainID, layerCount: 1,
            createdAt: options.created.clampedNanoseconds, names: options.names)
        return LoadedImage(
            record: record, names: options.names, tags: [], warnings: read.warnings)
    }

    /// Brings in a tar or a directory, and records no image of it. Its contents are kept until the
    /// lease ends.
    package func readTree(
        _ input: ArchiveInput
    ) throws -> (tree: Tree, directories: PendingDirectories) {
        let directories = PendingDirectories(base: store)
        return (try readLayer(input, directories).record.tree, directories)
    }

    private struct ReadLayer {
        var record: LayerRecord
        var hiddenContents: Set<FileContent>
        var warnings: [LayerWarning]
    }

    /// Brings in a directory of the host, and records no image of it.
    /// - Returns: its tree, which the lease holds.
    package func readTree(directory path: String) throws -> Tree {
        let directories = PendingDirectories(base: store)
        var reader = HostTreeReader(ingest: try store.ingest(lease), directories: directories) {
            report(.unpacking, $0)
        }
        let tree = try reader.read(path)
        try store.insert(tree, directories: directories, lease: lease)
        return tree
    }

    private func readLayer(
        _ input: ArchiveInput, _ directories: PendingDirectories
    ) throws -> ReadLayer {
        let ingest = try store.ingest(lease)
        switch input {
        case .descriptor(let descriptor, _):
            return try readTar(FileDescriptorSource(descriptor), input, ingest, directories, nil)
        case .path(let path):
            let file: OwnedDescriptor
            let status: FileStatus
            do throws(Errno) {
                status = try FileStatus(ofPath: path)
                file = try OwnedDescriptor(opening: path, .readOnly)
            } catch {
                throw LayerError(.inputOutput, "it cannot be opened", path: path, cause: error)
            }
            if status.kind == .directory { return try readDirectory(path, ingest, directories) }
            return try readTar(
                FileDescriptorSource(file.rawValue), input, ingest, directories,
                status.kind == .regular ? status.sizeBytes : nil)
        }
    }

    private func readTar(
        _ source: FileDescriptorSource, _ input: ArchiveInput, _ ingest: ObjectIngest,
        _ directories: PendingDirectories, _ totalBytes: UInt64?
    ) throws -> ReadLayer {
        let reader = LayerImport(
            ingest: ingest, directories: directories, limits: options.limits)
        let imported: ImportedLayer
        do {
            imported = try reader.read(source, onto: .empty) {
                report(.unpacking, UInt64(clamping: $0), totalBytes)
            }
        } catch let error as TarError {
            throw LayerError(
                .invalidArchive, "it is no root file system", path: input.name, cause: error)
        } catch let error as CompressionError {
            throw LayerError.unreadable(input.name, error)
        }
        guard imported.tarSizeBytes > 0 else { throw ArchiveInput.empty(input.name) }
        // No digest tells whether the tail was lost.
        guard imported.endedWithMarker else {
            throw LayerError(
                .invalidArchive, "the archive has no end marker: it was cut short",
                path: input.name)
        }
        let layer = LayerRecord(
            parent: nil, diffID: imported.diffID, tree: imported.tree, recipe: imported.recipe,
            tarSizeBytes: imported.tarSizeBytes)
        return ReadLayer(
            record: layer, hiddenContents: imported.hiddenContents, warnings: imported.warnings)
    }

    private func readDirectory(
        _ path: String, _ ingest: ObjectIngest, _ directories: PendingDirectories
    ) throws -> ReadLayer {
        var reader = HostTreeReader(ingest: ingest, directories: directories) {
            report(.unpacking, $0)
        }
        let tree = try reader.read(path)
        let canonical = try LayerExport(store, directories: directories)
            .canonicalDigest(from: .empty, to: tree)
        let layer = LayerRecord(
            parent: nil, diffID: canonical.diffID, tree: tree, recipe: nil,
            tarSizeBytes: canonical.tarSizeBytes)
        return ReadLayer(record: layer, hiddenContents: [], warnings: reader.warnings)
    }

    private func makeConfig(
        _ diffID: DiffID, _ configure: (inout ImageConfig) throws -> Void
    ) rethrows -> ImageConfig {
        var config = ImageConfig(platform: options.platform)
        config.created = options.created
        config.comment = options.message
        config.diffIDs = [diffID]
        config.history = [HistoryEntry(created: options.created, comment: options.message)]
        try configure(&config)
        return config
    }

    private func report(_ step: ArchiveProgress.Step, _ done: UInt64, _ total: UInt64? = nil) {
        progress?(ArchiveProgress(step: step, doneBytes: done, totalBytes: total))
    }
}
