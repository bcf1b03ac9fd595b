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
    private let progress: ((ArchiveProgress) -> Void)?

    private static let layoutFile = Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8)

    /// - Parameter lease: keeps the images while they are read.
    /// - Parameter progress: called often, on the thread that saves.
    package init(
        _ store: Store, lease: Lease, options: SaveOptions = SaveOptions(),
        progress: ((ArchiveProgress) -> Void)? = nil
    ) {
        self.store = store
        self.lease = lease
        self.options = options
        self.progress = progress
    }

    // MARK: - Archives

    /// Writes the images as one archive.
    /// - Throws: ``LayerError``, ``StoreError``; `CompressionError` when the target cannot be
    ///   written to. A target that is a path is as it was then.
    package func save(
        _ images: [ImageToSave], as format: ImageArchiveFormat, to target: ArchiveTarget
    ) throws {
        let plan = try plan(images)
        try target.write { descriptor in
            let sink = BufferedSink(descriptor)
            try write(plan, format, to: sink)
            try sink.flush()
        }
    }

    private func plan(_ images: [ImageToSave]) throws -> SavePlan {
        try SavePlan(images, store: store, lease: lease, options: options) { layer in
            report(.compressing(layer.diffID), 0, layer.tarSizeBytes)
        }
    }

    private func write(
        _ plan: SavePlan, _ format: ImageArchiveFormat, to sink: BufferedSink
    ) throws {
        let writer = ArchiveMemberWriter(sink)
        try writer.file("oci-layout", Self.layoutFile)
        try writer.file(
            OCILayoutReader.indexPath, ImageIndex(manifests: plan.indexEntries).encoded)
        if format == .docker {
            try writer.file(DockerArchive.manifestPath, plan.dockerManifest)
            if let repositories = plan.dockerRepositories {
                try writer.file(DockerArchive.repositoriesPath, repositories)
            }
        }
        try writer.directory("blobs")
        try writer.directory("blobs/sha256")
        let total = plan.blobBytes
        sink.progress = { report(.writing, $0, total) }
        for blob in plan.blobs {
            try writer.file(SavePlan.path(blob.digest), sizeBytes: blob.sizeBytes) {
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
            try LayerExport(store).write(layer, to: &sink)
        case .file(let range):
            var position: UInt64 = 0
            while position < range.sizeBytes {
                let bytes = try range.bytes(at: position, count: 1 << 20)
                try sink.write(bytes.span)
                position += UInt64(bytes.count)
            }
        }
    }

    // MARK: - Layouts

    /// Writes the images into the OCI layout at `directory`, which is made if it is not there; the
    /// images of a layout that is there stay, but for those whose names are given anew.
    package func saveLayout(_ images: [ImageToSave], to directory: String) throws {
        let plan = try plan(images)
        do throws(Errno) {
            let names = try Self.namesIfThere(directory)
            if !names.isEmpty, !names.contains(Array("oci-layout".utf8)) {
                throw Errno.notEmpty
            }
            try HostDirectory.makeAll(directory + "/blobs/sha256")
        } catch {
            throw LayerError(
                .inputOutput, "it cannot be made an OCI layout", path: directory, cause: error)
        }
        let total = plan.blobBytes
        var done: UInt64 = 0
        for blob in plan.blobs {
            let before = done
            try writeFile(blob, to: directory + "/" + SavePlan.path(blob.digest)) {
                report(.writing, before + $0, total)
            }
            done += blob.sizeBytes
        }
        try writeDocuments(plan, to: directory)
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

    private func writeDocuments(_ plan: SavePlan, to directory: String) throws {
        let added = plan.indexEntries
        let indexPath = directory + "/" + OCILayoutReader.indexPath
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
            try HostDirectory.replaceFile(indexPath, with: index.encoded)
            try HostDirectory.replaceFile(directory + "/oci-layout", with: Self.layoutFile)
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
        try target.write { descriptor in
            let output = BufferedSink(descriptor)
            var sink = try CompressingSink(output, settings: options.settings)
            try LayerExport(store).writeRootFileSystem(tree, to: &sink)
            try sink.finish()
            try output.flush()
        }
    }
}
