internal import ImageSpec

/// Reads what `docker save` writes: `manifest.json`, configs, and layers in any of its layouts.
struct DockerArchiveReader {
    private let files: any ImageFiles
    private let limits: ArchiveLimits

    init(_ files: any ImageFiles, limits: ArchiveLimits) {
        self.files = files
        self.limits = limits
    }

    /// The archive's images; nil when it has no `manifest.json`.
    func images() throws -> [PlannedImage]? {
        guard
            let bytes = try files.bytes(
                at: DockerArchive.manifestPath, limit: ImageDocumentLimit.maximumBytes)
        else { return nil }
        do {
            let entries = try DockerArchive.images(manifest: bytes)
            var allowance = DocumentAllowance(limits)
            try allowance.check(listedCount: entries.count)
            var images = PlannedImages()
            // A config that is listed again is read once.
            var known: [String: ImageID] = [:]
            for entry in entries {
                let names = try names(entry.repoTags)
                if let id = known[entry.configPath], let image = images[id] {
                    try Self.check(entry, layerCount: image.layers.count)
                    _ = images.add(names, to: id)
                } else {
                    let image = try image(entry, names, &allowance)
                    known[entry.configPath] = image.id
                    images.add(image)
                }
            }
            return images.all
        } catch let error as ImageSpecError {
            throw LayerError(
                .invalidArchive, "the list of images cannot be used",
                path: DockerArchive.manifestPath, cause: error)
        }
    }

    private func image(
        _ entry: DockerArchiveImage, _ names: [Reference], _ allowance: inout DocumentAllowance
    ) throws -> PlannedImage {
        guard
            let bytes = try files.bytes(
                at: entry.configPath, limit: ImageDocumentLimit.maximumBytes)
        else {
            throw LayerError(
                .invalidArchive, "the archive lacks this config", path: entry.configPath)
        }
        try allowance.take(bytes)
        let digest = Digest(of: bytes)
        try verify(digest, path: entry.configPath)
        let config = try ArchivedConfig.parse(bytes, path: entry.configPath)
        try Self.check(entry, layerCount: config.diffIDs.count)
        var layers: [PlannedImage.Layer] = []
        for (path, diffID) in zip(entry.layerPaths, config.diffIDs) {
            let file = try files.file(at: path)
            layers.append(
                PlannedImage.Layer(
                    diffID: diffID, path: path, file: file, digest: nil,
                    sizeBytes: nil, urls: []))
        }
        return PlannedImage(
            id: ImageID(digest), configBytes: bytes, config: config, layers: layers, names: names)
    }

    private static func check(
        _ entry: DockerArchiveImage, layerCount: Int
    ) throws(LayerError) {
        guard layerCount == entry.layerPaths.count else {
            throw LayerError(
                .invalidArchive,
                "the config speaks of \(layerCount) layers, the archive's list of "
                    + "\(entry.layerPaths.count)", path: entry.configPath)
        }
    }

    /// A config is mostly named by its digest: `<hex>.json`, `sha256:<hex>`, `blobs/sha256/<hex>`.
    private func verify(_ found: Digest, path: String) throws(LayerError) {
        var name = path.split(separator: "/").last ?? ""
        if name.hasSuffix(".json") { name = name.dropLast(5) }
        if name.hasPrefix("sha256:") { name = name.dropFirst(7) }
        guard let wanted = Digest(hex: name) else { return }
        guard found == wanted else {
            throw LayerError(
                .digestMismatch, "the config has the digest \(found) instead", path: path)
        }
    }

    private func names(_ tags: [String]) throws(ImageSpecError) -> [Reference] {
        var names: [Reference] = []
        for tag in tags where !tag.hasPrefix("<none>") {
            let reference = try Reference(parsing: tag)
            if reference.tag != nil, reference.digest == nil { names.append(reference) }
        }
        return names
    }
}

/// Reads an image's config from an archive.
enum ArchivedConfig {
    static func parse(_ bytes: [UInt8], path: String) throws(LayerError) -> ImageConfig {
        do throws(ImageSpecError) {
            return try ImageConfig(bytes: bytes)
        } catch {
            throw LayerError(
                .invalidArchive, "the image's config cannot be used", path: path, cause: error)
        }
    }
}
