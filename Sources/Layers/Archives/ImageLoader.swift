package import FileTree
package import ImageSpec
internal import LinuxIO
package import Store

/// An image that an archive brought.
package struct LoadedImage: Sendable {
    package var record: ImageRecord
    /// The names it was given; empty if the archive has none.
    package var names: [Reference]
    /// What the archive calls it besides, where that is no whole name: a tag alone.
    package var tags: [String]
    /// What of its layers could not be represented.
    package var warnings: [LayerWarning]

    package var id: ImageID { record.id }
}

/// Loads image archives: Docker's, OCI archives and OCI layout directories, compressed or not, from
/// a file or a stream.
///
/// Everything is verified before anything is recorded: the images' documents and layers of the
/// whole archive first, names last. What fails leaves the store's images as they were. A layer that
/// the store has is read only where some of its files are lost, which brings them back.
package struct ImageLoader {
    private let store: Store
    private let lease: Lease
    private let options: LoadOptions
    private let progress: ((ArchiveProgress) -> Void)?

    /// - Parameter lease: keeps what is loaded until its image is recorded.
    /// - Parameter progress: called often, on the thread that loads.
    package init(
        _ store: Store, lease: Lease, options: LoadOptions = LoadOptions(),
        progress: ((ArchiveProgress) -> Void)? = nil
    ) {
        self.store = store
        self.lease = lease
        self.options = options
        self.progress = progress
    }

    /// - Throws: ``LayerError``, ``TarError``, ``CompressionError``, ``StoreError``.
    package func load(_ input: ArchiveInput) throws -> [LoadedImage] {
        let files = try files(of: input)
        let plan = try plan(files, input: input)
        let warnings = try importLayers(plan)
        report(.recording, 0, nil)
        // All of them or none.
        let records = try store.insertImages(try plan.map(newImage))
        return zip(zip(plan, records), warnings).map { image, warnings in
            LoadedImage(
                record: image.1, names: image.0.names, tags: image.0.tags, warnings: warnings)
        }
    }

    /// Brings in the layers of an archive's only image, and records neither it nor its names.
    /// - Returns: its root file system, which the lease holds.
    /// - Throws: as ``load(_:)``; `ambiguous` for several images.
    package func loadTree(_ input: ArchiveInput) throws -> Tree {
        let image = try importOnly(input)
        let tree = try store.layers(upTo: image.chainID).last?.tree ?? .empty
        try lease.hold(tree)
        return tree
    }

    /// Brings in an archive's only image, and gives it no name.
    /// - Parameter isNew: told of one that the store had not.
    /// - Throws: as ``load(_:)``; `ambiguous` for several images.
    package func loadUnnamed(
        _ input: ArchiveInput, isNew: (ImageID) -> Void
    ) throws -> ImageRecord {
        let planned = try importOnly(input)
        if let record = try store.image(planned.id) { return record }
        var image = try newImage(planned)
        image.names = []
        let record = try store.insertImages([image])[0]
        isNew(record.id)
        return record
    }

    private func importOnly(_ input: ArchiveInput) throws -> PlannedImage {
        let plan = try plan(try files(of: input), input: input)
        guard let image = plan.first, plan.count == 1 else {
            let names = plan.map { $0.names.first?.familiarName ?? "\($0.id)" }
            throw LayerError(
                .ambiguous, "the archive holds \(plan.count) images", path: input.name,
                hint: "choose one by \":NAME\" behind the path: "
                    + names.prefix(10).joined(separator: ", "))
        }
        _ = try importLayers(plan)
        return image
    }

    private func files(of input: ArchiveInput) throws -> any ImageFiles {
        do {
            let opened = try input.open(lease: lease, limits: options.limits) { bytes in
                report(.unpacking, UInt64(clamping: bytes), nil)
            }
            switch opened {
            case .directory(let path): return try DirectoryFiles(path)
            case .file(let range): return try ArchiveMembers(range, limits: options.limits)
            }
        } catch let error as TarError {
            throw LayerError(
                .invalidArchive, "it is no image archive", path: input.name, cause: error)
        } catch let error as CompressionError {
            throw LayerError.unreadable(input.name, error)
        }
    }

    // MARK: - Planning

    private func plan(_ files: any ImageFiles, input: ArchiveInput) throws -> [PlannedImage] {
        try refuseSkopeoDirectory(files, input)
        var layout = OCILayoutReader(files, options: options)
        // Archives of newer Dockers are both. Docker's list names every image with all its tags;
        // platforms are told apart by the index only.
        var images = options.platform == nil ? try dockerImages(files) : nil
        if images == nil { images = try layout.images() }
        if images == nil { images = try dockerImages(files) }
        guard let images else { throw unknown(files, input) }
        guard !images.isEmpty else {
            throw LayerError(.notFound, "the archive holds no image", path: input.name)
        }
        return images
    }

    private func dockerImages(_ files: any ImageFiles) throws -> [PlannedImage]? {
        let reader = DockerArchiveReader(files, limits: options.limits)
        guard var images = try reader.images() else { return nil }
        if let wanted = options.name {
            let all = images.flatMap(\.names).map(\.familiarName)
            images = images.filter { image in
                image.names.contains { $0.tag == wanted || $0 == (try? Reference(parsing: wanted)) }
            }
            if images.isEmpty {
                throw LayerError(
                    .notFound, "the archive has no image named \(wanted)",
                    hint: all.isEmpty ? nil : "it has \(all.joined(separator: ", "))")
            }
        }
        if let wanted = options.platform {
            let all = Set(images.map(\.platform.description)).sorted()
            images = images.filter { wanted.rank(of: $0.platform) != nil }
            if images.isEmpty {
                throw LayerError(
                    .notFound, "the archive has no image for \(wanted)",
                    hint: all.isEmpty ? nil : "it has \(all.joined(separator: ", "))")
            }
        }
        return images
    }

    /// skopeo's `dir:` has a manifest.json of another kind, and blobs in no order.
    private func refuseSkopeoDirectory(_ files: any ImageFiles, _ input: ArchiveInput) throws {
        guard try files.file(at: OCILayout.indexPath) == nil,
            let start = try files.file(at: "version")?.bytes(at: 0, count: 64),
            start.starts(with: Array("Directory Transport Version:".utf8))
        else { return }
        throw LayerError(
            .unsupported, "it is a directory of skopeo's \"dir:\" transport, which is no archive",
            path: input.name,
            hint: "\"skopeo copy dir:\(input.name) oci-archive:FILE\" makes one of it")
    }

    private func unknown(_ files: any ImageFiles, _ input: ArchiveInput) -> LayerError {
        let isOld = (try? files.file(at: DockerArchive.repositoriesPath)) ?? nil  // only a hint
        return LayerError(
            .invalidArchive, "it is no image archive: it has neither manifest.json nor index.json",
            path: input.name,
            hint: isOld != nil
                ? "it was saved by Docker before 1.10; save it again with a later one"
                : "\"vitrine import\" makes an image of a root file system")
    }

    // MARK: - Layers

    /// - Returns: the warnings of each image.
    private func importLayers(_ images: [PlannedImage]) throws -> [[LayerWarning]] {
        let ingest = try store.ingest(lease)
        var inspection = LayerInspection(store)
        let count = images.reduce(0) { $0 + $1.layers.count }
        var number = 0
        var warnings: [[LayerWarning]] = []
        for image in images {
            var parent: ChainID?
            var tree = Tree.empty
            var found: [LayerWarning] = []
            for layer in image.layers {
                number += 1
                let chainID = ChainID(parent: parent, layer.diffID)
                let known = try heldLayer(chainID)
                if let known, try inspection.isWhole(known, on: tree) {
                    tree = known.tree
                } else {
                    let step = ArchiveProgress.Step.layer(number, of: count, layer.diffID)
                    // Where one file is lost, others may be damaged.
                    let imported = try importLayer(
                        layer, onto: tree, parent,
                        known == nil ? ingest : try store.ingest(lease, readsPresent: true),
                        step, isRepair: known != nil)
                    tree = imported.tree
                    found += imported.warnings
                }
                parent = chainID
            }
            warnings.append(found)
        }
        return warnings
    }

    /// The stored layer, kept from the collector.
    private func heldLayer(_ chainID: ChainID) throws -> LayerRecord? {
        guard let layer = try store.layer(chainID) else { return nil }
        do throws(StoreError) {
            try lease.hold(layer.tree)
        } catch  where error.code == .notFound {
            return nil
        }
        // The collector may have been quicker.
        return try store.layer(chainID)
    }

    private func importLayer(
        _ layer: PlannedImage.Layer, onto tree: Tree, _ parent: ChainID?, _ ingest: ObjectIngest,
        _ step: ArchiveProgress.Step, isRepair: Bool
    ) throws -> ImportedLayer {
        guard let file = layer.file else {
            throw LayerError(
                .invalidArchive,
                isRepair
                    ? "files of this layer are lost in the store, and the archive lacks it"
                    : "the archive lacks this layer", path: layer.path,
                hint: layer.urls.first.map { "it is to be had from \($0)" })
        }
        report(step, 0, file.sizeBytes)
        let directories = PendingDirectories(base: store)
        let reader = LayerImport(
            ingest: ingest, directories: directories, limits: options.limits)
        do {
            let imported = try reader.read(
                FileRangeSource(file), onto: tree,
                expecting: LayerExpectation(
                    diffID: layer.diffID, blobDigest: layer.digest,
                    blobSizeBytes: layer.sizeBytes)
            ) { report(step, UInt64(clamping: $0), file.sizeBytes) }
            let record = LayerRecord(
                parent: parent, diffID: imported.diffID, tree: imported.tree,
                recipe: imported.recipe, tarSizeBytes: imported.tarSizeBytes)
            try store.insert(
                record, hiddenContents: imported.hiddenContents, directories: directories,
                lease: lease, isRepair: isRepair)
            return imported
        } catch let error as LayerError where error.code == .digestMismatch {
            throw LayerError(error.code, error.message, path: layer.path, hint: error.hint)
        } catch let error as CompressionError {
            throw LayerError.unreadable(layer.path, error)
        } catch let error as TarError {
            throw LayerError(
                .invalidArchive, "the layer cannot be read", path: layer.path, cause: error)
        }
    }

    // MARK: - Recording

    private func newImage(_ image: PlannedImage) throws -> NewImage {
        let chainID = image.chainID
        let layers = try store.layers(upTo: chainID)
        let manifest = ImageManifest.uncompressed(config: image.configBytes, layers: layers)
        return NewImage(
            config: image.configBytes, manifest: manifest.encoded, chainID: chainID,
            layerCount: layers.count,
            createdAt: image.created?.clampedNanoseconds ?? 0, names: image.names)
    }

    private func report(_ step: ArchiveProgress.Step, _ done: UInt64, _ total: UInt64?) {
        progress?(ArchiveProgress(step: step, doneBytes: done, totalBytes: total))
    }
}
