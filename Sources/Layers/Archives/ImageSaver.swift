package import FileTree
internal import ImageSpec
internal import LinuxIO
package import Store

/// Saves images of the store as archives and layouts that other tools read. The same images and
/// options give the same bytes.
///
///     oci-layout, index.json          both forms
///     manifest.json, repositories     docker-archive
///     blobs/sha256/<hex>              configs, manifests, layers; what images share once
package struct ImageSaver {
    private let store: Store
    private let lease: Lease
    private let options: SaveOptions
    private let check: () throws -> Void
    private let progress: ((ArchiveProgress) -> Void)?

    /// - Parameters:
    ///   - lease: keeps the images while they are read.
    ///   - check: called often; what it throws ends the saving.
    ///   - progress: called often, on the thread that saves.
    package init(
        _ store: Store, lease: Lease, options: SaveOptions = SaveOptions(),
        check: @escaping () throws -> Void = {}, progress: ((ArchiveProgress) -> Void)? = nil
    ) {
        self.store = store
        self.lease = lease
        self.options = options
        self.check = check
        self.progress = progress
    }

    // MARK: - Archives

    /// Writes the images as one archive.
    /// - Parameter index: lists the images, which have no names of their own then.
    /// - Throws: ``LayerError``, ``StoreError``; `CompressionError` when the target cannot be
    ///   written to. A target that is a path is as it was then.
    package func save(
        _ images: [ImageToSave], under index: IndexToSave? = nil, as format: ImageArchiveFormat,
        to target: ArchiveTarget
    ) throws {
        let plan = try plan(images, index)
        try target.write { descriptor in
            let sink = BufferedSink(descriptor)
            try write(plan, format, to: sink)
            try sink.flush()
        }
    }

    private func plan(_ images: [ImageToSave], _ index: IndexToSave?) throws -> SavePlan {
        try SavePlan(
            images, under: index, store: store, lease: lease, options: options,
            export: LayerExport(store, check: check)
        ) { layer in
            report(.compressing(layer.diffID), 0, layer.tarSizeBytes)
        }
    }

    private func write(
        _ plan: SavePlan, _ format: ImageArchiveFormat, to sink: BufferedSink
    ) throws {
        let writer = ArchiveMemberWriter(sink)
        try writer.file(OCILayout.markerPath, OCILayout.marker)
        try writer.file(OCILayout.indexPath, ImageIndex(manifests: plan.indexEntries).encoded)
        if format == .docker {
            try writer.file(DockerArchive.manifestPath, plan.dockerManifest)
            if let repositories = plan.dockerRepositories {
                try writer.file(DockerArchive.repositoriesPath, repositories)
            }
        }
        try writer.directory("blobs")
        try writer.directory(OCILayout.blobsPath)
        let total = plan.blobBytes
        sink.progress = { report(.writing, $0, total) }
        for blob in plan.blobs {
            try writer.file(OCILayout.blobPath(blob.digest), sizeBytes: blob.sizeBytes) {
                try write(blob, to: sink)
            }
        }
        try writer.end()
    }

    private func report(_ step: ArchiveProgress.Step, _ done: UInt64, _ total: UInt64) {
        progress?(ArchiveProgress(step: step, doneBytes: min(done, total), totalBytes: total))
    }

    private func write(_ blob: SavePlan.Blob, to sink: BufferedSink) throws {
        switch blob.content {
        case .bytes(let bytes): try sink.write(bytes.span)
        case .layer(let layer):
            var sink = sink
            try LayerExport(store, check: check).write(layer, to: &sink)
        case .file(let range):
            var position: UInt64 = 0
            while position < range.sizeBytes {
                try check()
                let bytes = try range.bytes(at: position, count: 1 << 20)
                try sink.write(bytes.span)
                position += UInt64(bytes.count)
            }
        }
    }

    // MARK: - Layouts

    /// Writes the images into the OCI layout at `directory`, which is made if it is not there; the
    /// images of a layout that is there stay, but for those whose names are given anew.
    ///
    /// What is interrupted leaves a layout without the new images, which can be saved to again.
    package func saveLayout(
        _ images: [ImageToSave], under index: IndexToSave? = nil, to directory: String
    ) throws {
        let plan = try plan(images, index)
        do throws(Errno) {
            try Self.makeLayout(directory)
        } catch {
            throw LayerError(
                .inputOutput, "it cannot be made an OCI layout", path: directory, cause: error)
        }
        let total = plan.blobBytes
        var done: UInt64 = 0
        for blob in plan.blobs {
            let before = done
            try writeFile(blob, to: directory + "/" + OCILayout.blobPath(blob.digest)) {
                report(.writing, before + $0, total)
            }
            done += blob.sizeBytes
        }
        try addToIndex(plan, of: directory)
    }

    /// Makes the directory a layout before anything is in it, by which it is known ever after.
    private static func makeLayout(_ directory: String) throws(Errno) {
        let names = try namesIfThere(directory)
        let marker = Array(OCILayout.markerPath.utf8)
        if !names.contains(marker) {
            // The marker itself may have been interrupted.
            guard names.allSatisfy({ $0.starts(with: marker) }) else { throw .notEmpty }
            try HostDirectory.makeAll(directory)
            try HostDirectory.replaceFile(
                directory + "/" + OCILayout.markerPath, with: OCILayout.marker)
        }
        try HostDirectory.makeAll(directory + "/" + OCILayout.blobsPath)
    }

    private static func namesIfThere(_ directory: String) throws(Errno) -> [[UInt8]] {
        do throws(Errno) {
            return try HostDirectory.names(ofPath: directory)
        } catch .notFound {
            return []
        }
    }

    private func writeFile(
        _ blob: SavePlan.Blob, to path: String, _ progress: @escaping (UInt64) -> Void
    ) throws {
        // A blob is named by its content, so one that is there is the same.
        if let status = try? FileStatus(ofPath: path), status.sizeBytes == blob.sizeBytes { return }
        try ArchiveTarget.path(path).write { descriptor in
            let sink = BufferedSink(descriptor)
            sink.progress = progress
            try write(blob, to: sink)
            try sink.flush()
        }
    }

    /// Lists the images whose blobs are there, once they are durable.
    private func addToIndex(_ plan: SavePlan, of directory: String) throws {
        let added = plan.indexEntries
        let indexPath = directory + "/" + OCILayout.indexPath
        var index = try existingIndex(indexPath) ?? ImageIndex(manifests: [])
        let names = Set(added.map { ArchivedName($0.annotations) })
        index.manifests.removeAll { entry in
            let name = ArchivedName(entry.annotations)
            return name == ArchivedName() || name.reference == nil
                ? added.contains {
                    $0.digest == entry.digest && $0.annotations == entry.annotations
                }
                : names.contains { $0.reference == name.reference }
        }
        index.manifests += added
        do throws(Errno) {
            let layout = try OwnedDescriptor(opening: directory, [.readOnly, .directory])
            try DescriptorIO.synchronizeFileSystem(of: layout.rawValue)
            try HostDirectory.replaceFile(indexPath, with: index.encoded)
        } catch {
            throw LayerError(
                .inputOutput, "it cannot be written", path: indexPath, cause: error)
        }
    }

    private func existingIndex(_ path: String) throws -> ImageIndex? {
        let bytes: [UInt8]
        do throws(Errno) {
            let file = try OwnedDescriptor(opening: path, .readOnly)
            bytes = try DescriptorIO.readAll(
                file.rawValue, limit: ImageDocumentLimit.maximumBytes)
        } catch .notFound {
            return nil
        } catch {
            throw LayerError(.inputOutput, "it cannot be read", path: path, cause: error)
        }
        do throws(ImageSpecError) {
            return try ImageIndex(bytes: bytes)
        } catch {
            throw LayerError(
                .invalidArchive, "the layout's index cannot be used", path: path, cause: error)
        }
    }

    // MARK: - Root file systems

    /// Writes a tree as a tar, which `options` may compress.
    package func saveRootFileSystem(_ tree: Tree, to target: ArchiveTarget) throws {
        try lease.hold(tree)
        try saveRootFileSystem(tree, by: LayerExport(store, check: check), to: target)
    }

    /// Writes a tree that is not all in the store.
    package func saveRootFileSystem(
        _ tree: Tree, by export: LayerExport, to target: ArchiveTarget
    ) throws {
        try target.write { descriptor in
            let output = BufferedSink(descriptor)
            output.progress = { report(.writing, $0, tree.directory.sizeBytes) }
            var sink = try CompressingSink(output, settings: options.settings)
            try export.writeRootFileSystem(tree, to: &sink)
            try sink.finish()
            try output.flush()
        }
    }
}
