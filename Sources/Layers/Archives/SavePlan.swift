internal import ImageSpec
internal import LinuxIO
internal import Store

/// What an archive of images holds: every blob once, and the documents that list them.
///
/// It depends on the images, their names and the compression alone, so that the same call writes
/// the same bytes.
struct SavePlan {
    /// A blob of the archive.
    struct Blob {
        enum Content {
            case bytes([UInt8])
            /// The uncompressed tar, made while it is written.
            case layer(LayerRecord)
            /// A compressed layer, made beforehand, for its size and digest come first.
            case file(FileRange)
        }
        let digest: Digest
        let sizeBytes: UInt64
        let content: Content
    }

    private struct Image {
        let item: ImageToSave
        let layers: [Blob]
        let manifest: Descriptor
    }

    /// Documents before layers, each in the order of its first use.
    private(set) var blobs: [Blob] = []
    private var images: [Image] = []
    /// What lists them, instead of the archive's own index.
    private var index: (item: IndexToSave, descriptor: Descriptor)?

    private let store: Store
    private let lease: Lease
    private let options: SaveOptions
    private let export: LayerExport
    private var known: [Digest: Blob] = [:]
    /// By diffID, for a layer is compressed once.
    private var layerBlobs: [DiffID: Blob] = [:]

    /// - Parameters:
    ///   - export: writes the layers that are compressed.
    ///   - compressing: told of each layer before it is compressed.
    init(
        _ items: [ImageToSave], under index: IndexToSave? = nil, store: Store, lease: Lease,
        options: SaveOptions, export: LayerExport, compressing: (LayerRecord) -> Void = { _ in }
    ) throws {
        self.store = store
        self.lease = lease
        self.options = options
        self.export = export
        var layers: [Blob] = []
        for item in Self.merged(items) {
            let config = try store.config(of: item.image.id).bytes
            let image = try addImage(item, config: config, compressing)
            layers += image.layers
            images.append(image)
        }
        if let index { add(index) }
        for layer in layers { add(layer) }
    }

    private mutating func add(_ item: IndexToSave) {
        let document = ImageIndex(
            manifests: images.map { image in
                var entry = image.manifest
                entry.annotations = image.item.descriptorAnnotations
                entry.platform = image.item.platform
                return entry
            }, annotations: item.annotations)
        let bytes = document.encoded
        add(Self.blob(bytes))
        index = (
            item,
            Descriptor(
                mediaType: .ociIndex, digest: Digest(of: bytes), sizeBytes: Int64(bytes.count),
                annotations: item.descriptorAnnotations)
        )
    }

    /// Each image once, with all the names that it was given.
    private static func merged(_ items: [ImageToSave]) -> [ImageToSave] {
        var result: [ImageToSave] = []
        for item in items {
            let names = item.names.filter { $0.tag != nil && $0.digest == nil }
            let place = result.firstIndex { $0.image.id == item.image.id } ?? result.count
            if place == result.count {
                result.append(item)
                result[place].names = []
            }
            for name in names where !result[place].names.contains(name) {
                result[place].names.append(name)
            }
        }
        return result
    }

    private mutating func addImage(
        _ item: ImageToSave, config: [UInt8], _ compressing: (LayerRecord) -> Void
    ) throws -> Image {
        let records = try store.layers(upTo: item.image.chainID)
        // Held, so that a collection beside this takes none of it away.
        if let tree = records.last?.tree { try lease.hold(tree) }
        let layers = try records.map { try blob(of: $0, compressing) }
        var manifest = ImageManifest.uncompressed(config: config, layers: records)
        manifest.annotations = annotations(of: item.image).merging(item.annotations) { $1 }
        manifest.layers = layers.map {
            Descriptor(
                mediaType: .ociLayer(options.layerCompression), digest: $0.digest,
                sizeBytes: Int64(clamping: $0.sizeBytes))
        }
        let bytes = manifest.encoded
        add(Self.blob(config))
        add(Self.blob(bytes))
        return Image(
            item: item, layers: layers,
            manifest: Descriptor(
                mediaType: .ociManifest, digest: Digest(of: bytes), sizeBytes: Int64(bytes.count)))
    }

    /// What the stored manifest says besides.
    private func annotations(of image: ImageRecord) -> [String: String] {
        // Of one that cannot be read there is nothing to keep.
        guard let bytes = try? store.blob(image.manifestDigest),
            let manifest = try? ImageManifest(bytes: bytes)
        else { return [:] }
        return manifest.annotations
    }

    private static func blob(_ bytes: [UInt8]) -> Blob {
        Blob(digest: Digest(of: bytes), sizeBytes: UInt64(bytes.count), content: .bytes(bytes))
    }

    private mutating func add(_ blob: Blob) {
        guard known.updateValue(blob, forKey: blob.digest) == nil else { return }
        blobs.append(blob)
    }

    private mutating func blob(
        of layer: LayerRecord, _ compressing: (LayerRecord) -> Void
    ) throws -> Blob {
        if let known = layerBlobs[layer.diffID] { return known }
        let blob: Blob
        if options.layerCompression == .none {
            blob = Blob(
                digest: layer.diffID.digest, sizeBytes: layer.tarSizeBytes,
                content: .layer(layer))
        } else {
            compressing(layer)
            blob = try compressed(layer)
        }
        layerBlobs[layer.diffID] = blob
        return blob
    }

    private func compressed(_ layer: LayerRecord) throws -> Blob {
        let file = SharedFile(try TemporaryFile.make(lease))
        let output = BufferedSink(file.descriptor.rawValue)
        let hashing = HashingSink(base: output)
        try ArchiveTarget.naming(lease.workDirectory) {
            var sink = try CompressingSink(hashing, settings: options.settings)
            try export.write(layer, to: &sink)
            try sink.finish()
            try output.flush()
        }
        let (digest, sizeBytes) = hashing.finish()
        return Blob(
            digest: digest.digest, sizeBytes: sizeBytes,
            content: .file(FileRange(file: file, offset: 0, sizeBytes: sizeBytes)))
    }
}

// MARK: - Documents

extension SavePlan {
    /// The bytes of all blobs.
    var blobBytes: UInt64 { blobs.reduce(0) { $0 + $1.sizeBytes } }

    /// The manifests, or what lists them, as the archive's own index has them: once for each name.
    var indexEntries: [Descriptor] {
        if let index { return Self.named(index.descriptor, index.item.names) }
        return images.flatMap { image -> [Descriptor] in
            var entry = image.manifest
            entry.annotations = image.item.descriptorAnnotations
            return Self.named(entry, image.item.names)
        }
    }

    private static func named(_ entry: Descriptor, _ names: [Reference]) -> [Descriptor] {
        guard !names.isEmpty else { return [entry] }
        return names.map { name in
            var descriptor = entry
            descriptor.annotations.merge(ArchivedName.annotations(for: name)) { $1 }
            return descriptor
        }
    }

    /// `manifest.json` of a Docker archive.
    var dockerManifest: [UInt8] {
        DockerArchive.manifest(
            of: images.map { image in
                DockerArchiveImage(
                    configPath: OCILayout.blobPath(image.item.image.id.digest),
                    repoTags: image.item.names.map(\.familiarName),
                    layerPaths: image.layers.map { OCILayout.blobPath($0.digest) })
            })
    }

    /// `repositories` of a Docker archive; nil when no image has a name and a layer.
    var dockerRepositories: [UInt8]? {
        let entries = images.flatMap { image in
            image.layers.last.map { top in
                image.item.names.map { (reference: $0, topLayer: top.digest.hex) }
            } ?? []
        }
        return entries.isEmpty ? nil : DockerArchive.repositories(entries)
    }
}

extension ArchivedName {
    /// The annotations by which containerd, skopeo and podman know an image: as BuildKit and containerd
    /// write them, OCI's has the tag alone.
    static func annotations(for name: Reference) -> [String: String] {
        [containerdAnnotation: name.canonical, ociAnnotation: name.tag ?? name.canonical]
    }
}
