internal import FileTree
internal import ImageSpec

/// Reads an OCI image layout (OCI image-spec, image-layout.md): `index.json`, then indexes and
/// manifests by digest, each verified, down to the images that are wanted.
///
/// - The top index lists images; entries of one name for several platforms are one image. A nested
///   index is one image, of which the platform that suits best is taken.
/// - Statements about images (attestations) and artifacts are passed over.
struct OCILayoutReader {
    private let files: any ImageFiles
    private let options: LoadOptions
    private var allowance: DocumentAllowance
    /// By the digest of their manifest, which an index may list often.
    private var planned: [Digest: PlannedImage] = [:]
    /// Why something of the layout was passed over; told when nothing is left.
    private var passedOver: LayerError?

    /// Real layouts nest one index in another once.
    private static let depthLimit = 8

    init(_ files: any ImageFiles, options: LoadOptions) {
        self.files = files
        self.options = options
        allowance = DocumentAllowance(options.limits)
    }

    /// The layout's images; nil when there is no `index.json`.
    mutating func images() throws -> [PlannedImage]? {
        guard
            let bytes = try files.bytes(
                at: OCILayout.indexPath, limit: ImageDocumentLimit.maximumBytes)
        else { return nil }
        let index = try parse(ImageIndex.self, bytes, OCILayout.indexPath)
        let listed = index.manifests.filter { !$0.isAttestation }
        try allowance.check(listedCount: listed.count)
        var groups: [(name: ArchivedName, descriptors: [Descriptor])] = []
        var places: [ArchivedName: Int] = [:]
        for descriptor in listed {
            let name = ArchivedName(descriptor.annotations)
            if let place = places[name] {
                groups[place].descriptors.append(descriptor)
            } else {
                places[name] = groups.count
                groups.append((name, [descriptor]))
            }
        }
        if let wanted = options.name {
            // A manifest's digest names it too.
            groups.removeAll { group in
                !group.name.matches(wanted)
                    && !group.descriptors.contains { "\($0.digest)" == wanted }
            }
            guard !groups.isEmpty else { throw Self.noSuchName(wanted, in: index) }
        }
        var images = PlannedImages()
        for group in groups {
            let isUnnamed = group.name == ArchivedName()
            for descriptor in try suitable(group.descriptors, takesAll: isUnnamed) {
                guard var image = try image(descriptor, depth: 0) else { continue }
                if let name = group.name.reference {
                    image.add([name])
                } else if let text = group.name.text {
                    image.add(tags: [text])
                }
                images.add(image)
            }
        }
        if images.all.isEmpty, let passedOver { throw passedOver }
        return images.all
    }

    // MARK: - Choosing

    /// Those of one name that suit the platform; all that do when they are `unnamed` images.
    private func suitable(
        _ listed: [Descriptor], takesAll: Bool
    ) throws -> [Descriptor] {
        let wanted = options.platform ?? .host
        let descriptors = takesAll ? listed : try present(among: listed)
        var ranked: [(rank: Int, descriptor: Descriptor)] = []
        for descriptor in descriptors {
            guard let platform = descriptor.platform else {
                // The config, or a nested index, tells.
                ranked.append((0, descriptor))
                continue
            }
            if let rank = wanted.rank(of: platform) { ranked.append((rank, descriptor)) }
        }
        if let best = ranked.map(\.rank).min() {
            let fitting = ranked.filter { $0.rank == best }.map(\.descriptor)
            return takesAll ? fitting : Array(fitting.prefix(1))
        }
        // An image for another system can be looked at, where nothing else is there to choose.
        if options.platform == nil, descriptors.count == 1 { return descriptors }
        throw Self.noSuchPlatform(wanted, among: descriptors)
    }

    /// Those whose blobs the archive has: of an image that was saved for one platform, the index
    /// still lists all. Where it has none, the first of all is told to be missing.
    private func present(among descriptors: [Descriptor]) throws -> [Descriptor] {
        guard descriptors.count > 1 else { return descriptors }
        let present = try descriptors.filter {
            try files.file(at: OCILayout.blobPath($0.digest)) != nil
        }
        return present.isEmpty ? descriptors : present
    }

    private static func noSuchPlatform(
        _ wanted: Platform, among descriptors: [Descriptor]
    ) -> LayerError {
        let offered = Set(descriptors.compactMap { $0.platform?.description }).sorted()
        return LayerError(
            .notFound, "the archive has no image for \(wanted)",
            hint: offered.isEmpty
                ? nil : "it has \(offered.joined(separator: ", ")); choose with --platform")
    }

    private static func noSuchName(_ wanted: String, in index: ImageIndex) -> LayerError {
        let names = index.manifests.compactMap { ArchivedName($0.annotations).text }
        return LayerError(
            .notFound, "the archive has no image named \(wanted)",
            hint: names.isEmpty ? nil : "it has \(Set(names).sorted().joined(separator: ", "))")
    }

    // MARK: - Descending

    private mutating func image(_ descriptor: Descriptor, depth: Int) throws -> PlannedImage? {
        let place = OCILayout.blobPath(descriptor.digest)
        guard depth < Self.depthLimit else {
            throw LayerError(
                .invalidArchive, "indexes are nested more than \(Self.depthLimit) deep",
                path: place)
        }
        switch try kind(of: descriptor) {
        case .index:
            let bytes = try document(descriptor)
            let index = try parse(ImageIndex.self, bytes, place)
            let images = index.manifests.filter { !$0.isAttestation && Self.isImage($0) }
            guard let chosen = try suitable(images, takesAll: false).first else { return nil }
            return try image(chosen, depth: depth + 1)
        case .manifest: return try manifest(descriptor, place)
        case .config, .layer, .other:
            passedOver = passedOver ?? Self.unsupported(descriptor.mediaType, place)
            return nil
        }
    }

    /// By media type; documents of none are known by their members.
    private mutating func kind(of descriptor: Descriptor) throws -> MediaType.Kind {
        guard descriptor.mediaType.rawValue.isEmpty else { return descriptor.mediaType.kind }
        let document = try JSONParser.parse(try document(descriptor))
        return document["manifests"] != nil ? .index : .manifest
    }

    private static func isImage(_ descriptor: Descriptor) -> Bool {
        switch descriptor.mediaType.kind {
        case .index, .manifest: true
        case .config, .layer, .other: descriptor.mediaType.rawValue.isEmpty
        }
    }

    private static func unsupported(_ type: MediaType, _ place: String) -> LayerError {
        let isOld = type == .dockerManifestV1 || type == .dockerManifestV1Signed
        return LayerError(
            .unsupported,
            isOld
                ? "a manifest of Docker's schema 1 is not supported"
                : "it is no image, but has the media type \"\(type.rawValue.prefix(200))\"",
            path: place,
            hint: isOld ? "save or push the image again with a tool of 2017 or later" : nil)
    }

    private mutating func manifest(
        _ descriptor: Descriptor, _ place: String
    ) throws -> PlannedImage? {
        if let known = planned[descriptor.digest] { return known }
        let manifest = try parse(ImageManifest.self, try document(descriptor), place)
        guard manifest.config.mediaType.kind == .config else {
            passedOver =
                passedOver
                ?? LayerError(
                    .unsupported,
                    "it is no image but an artifact, whose config has the media type "
                        + "\"\(manifest.config.mediaType.rawValue.prefix(200))\"", path: place)
            return nil
        }
        let configPath = OCILayout.blobPath(manifest.config.digest)
        let configBytes = try document(manifest.config)
        let config = try ArchivedConfig.parse(configBytes, path: configPath)
        if let wanted = options.platform, wanted.rank(of: config.platform) == nil {
            throw Self.noSuchPlatform(wanted, among: [])
        }
        guard config.diffIDs.count == manifest.layers.count else {
            throw LayerError(
                .invalidArchive,
                "the manifest has \(manifest.layers.count) layers, its config "
                    + "\(config.diffIDs.count)", path: place)
        }
        let layers = try zip(manifest.layers, config.diffIDs).map(layer)
        let image = PlannedImage(
            id: ImageID(manifest.config.digest), configBytes: configBytes, config: config,
            layers: layers)
        planned[descriptor.digest] = image
        return image
    }

    private func layer(
        _ descriptor: Descriptor, _ diffID: DiffID
    ) throws -> PlannedImage.Layer {
        let path = OCILayout.blobPath(descriptor.digest)
        // The bytes tell how a layer is packed; the type must only say that it is one.
        guard descriptor.mediaType.layerCompression != nil else {
            let isEncrypted = descriptor.mediaType.rawValue.hasSuffix("+encrypted")
            throw LayerError(
                .unsupported,
                isEncrypted
                    ? "the layer is encrypted"
                    : "the layer has the unknown media type "
                        + "\"\(descriptor.mediaType.rawValue.prefix(200))\"", path: path,
                hint: isEncrypted ? "decrypt the image with the tool that encrypted it" : nil)
        }
        let file = try files.file(at: path)
        if let file, file.sizeBytes != UInt64(descriptor.sizeBytes) {
            throw LayerError(
                .digestMismatch,
                "the layer has \(file.sizeBytes) bytes instead of \(descriptor.sizeBytes)",
                path: path)
        }
        return PlannedImage.Layer(
            diffID: diffID, path: path, file: file, digest: descriptor.digest,
            sizeBytes: descriptor.sizeBytes, urls: descriptor.urls)
    }

    // MARK: - Documents

    /// The verified bytes of an index, a manifest or a config.
    private mutating func document(_ descriptor: Descriptor) throws -> [UInt8] {
        let path = OCILayout.blobPath(descriptor.digest)
        try allowance.checkRoom()
        guard
            let bytes = try files.bytes(at: path, limit: ImageDocumentLimit.maximumBytes)
        else { throw LayerError(.invalidArchive, "the archive lacks this blob", path: path) }
        try allowance.take(bytes)
        let found = Digest(of: bytes)
        guard Int64(bytes.count) == descriptor.sizeBytes, found == descriptor.digest else {
            throw LayerError(
                .digestMismatch,
                "the blob has \(bytes.count) bytes and the digest \(found), but "
                    + "\(descriptor.sizeBytes) bytes were promised", path: path)
        }
        return bytes
    }

    private func parse<Document: ImageDocument>(
        _ type: Document.Type, _ bytes: [UInt8], _ path: String
    ) throws(LayerError) -> Document {
        do throws(ImageSpecError) {
            return try Document(bytes: bytes)
        } catch {
            throw LayerError(
                .invalidArchive, "the document cannot be used", path: path, cause: error)
        }
    }
}
