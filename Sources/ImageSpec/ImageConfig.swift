/// An image's config: its layers, how it came about and what it runs (OCI image-spec, config.md).
///
/// The digest of the config's bytes is the image's ID, so a stored image keeps the bytes it came
/// with; this value writes those of new images. Members that only others know survive a change.
package struct ImageConfig: ImageDocument {
    package var architecture: String
    package var os: String
    package var variant: String?
    package var osVersion: String?
    package var osFeatures: [String]
    package var created: Timestamp?
    package var author: String?
    package var comment: String?
    package var dockerVersion: String?
    package var config: ContainerConfig
    /// Bottom first.
    package var diffIDs: [DiffID]
    /// Oldest first; each entry that is not an empty layer stands for one layer.
    package var history: [HistoryEntry]
    /// Members without a meaning here: `container_config`, `id`, `parent` and what others add.
    package var extras: JSONObject

    /// An image without layers: what `FROM scratch` is.
    package init(platform: Platform) {
        architecture = platform.architecture
        os = platform.os
        variant = platform.variant
        osVersion = platform.osVersion
        osFeatures = platform.osFeatures
        created = nil
        author = nil
        comment = nil
        dockerVersion = nil
        config = ContainerConfig()
        diffIDs = []
        history = []
        extras = JSONObject()
    }

    package init(json: JSONValue) throws(ImageSpecError) {
        var fields = try JSONFields(json)
        architecture = try fields.string("architecture") ?? ""
        os = try fields.string("os") ?? ""
        variant = try fields.string("variant").flatMap { $0.isEmpty ? nil : $0 }
        osVersion = try fields.string("os.version").flatMap { $0.isEmpty ? nil : $0 }
        osFeatures = try fields.strings("os.features") ?? []
        created = try fields.timestamp("created")
        author = try fields.string("author").flatMap { $0.isEmpty ? nil : $0 }
        comment = try fields.string("comment").flatMap { $0.isEmpty ? nil : $0 }
        dockerVersion = try fields.string("docker_version").flatMap { $0.isEmpty ? nil : $0 }
        config = ContainerConfig()
        if let value = fields.value("config") { config = try ContainerConfig(json: value) }
        diffIDs = try Self.diffIDs(try fields.require(fields.value("rootfs"), "rootfs"))
        history = []
        for element in try fields.array("history") ?? [] {
            history.append(try HistoryEntry(json: element.value, at: element.path))
        }
        extras = fields.rest
    }

    private static func diffIDs(_ json: JSONValue) throws(ImageSpecError) -> [DiffID] {
        var fields = try JSONFields(json, at: "rootfs")
        let type = try fields.string("type") ?? "layers"
        guard type == "layers" else {
            throw ImageSpecError(
                .wrongType, "\"rootfs.type\" is \"\(type.prefix(100))\", not \"layers\"",
                subject: "rootfs.type")
        }
        var diffIDs: [DiffID] = []
        for element in try fields.array("diff_ids") ?? [] {
            guard case .string(let text) = element.value else {
                throw JSONFields.mismatch(element.value, "a string", element.path)
            }
            diffIDs.append(DiffID(try Digest.parse(text, at: element.path)))
        }
        return diffIDs
    }

    /// Members sorted by name, as BuildKit writes them.
    package var json: JSONValue {
        var rootfs = JSONObject()
        rootfs.append("type", "layers")
        rootfs.append("diff_ids", JSONValue(diffIDs.map(\.description)))
        var object = extras
        object.append("architecture", .string(architecture))
        object.append("author", author)
        object.append("comment", comment)
        object.append("config", config.json)
        object.append("created", created.map { .string($0.description) })
        object.append("docker_version", dockerVersion)
        if !history.isEmpty { object.append("history", .array(history.map(\.json))) }
        object.append("os", .string(os))
        object.append("os.features", osFeatures)
        object.append("os.version", osVersion)
        object.append("rootfs", .object(rootfs))
        object.append("variant", variant)
        object.sort()
        return .object(object)
    }
}

extension ImageConfig {
    /// The ID of the image whose config has the bytes of ``encoded``.
    package var imageID: ImageID { ImageID(Digest(of: encoded)) }

    package var platform: Platform {
        Platform(
            os: os, architecture: architecture.isEmpty ? Platform.host.architecture : architecture,
            variant: variant, osVersion: osVersion, osFeatures: osFeatures)
    }

    /// The config that Docker ran the last step with; kept, never used.
    package var containerConfig: JSONValue? { extras["container_config"] }

    /// The stacks of layers, bottom first; the last is the image's root filesystem.
    package var chain: [ChainID] { ChainID.chain(of: diffIDs) }

    /// The history entry of each layer, bottom first; nil where the history has too few.
    package var layerHistory: [HistoryEntry?] {
        let entries = history.filter { !$0.emptyLayer }
        return diffIDs.indices.map { entries.indices.contains($0) ? entries[$0] : nil }
    }

    /// What is odd about the image and yet no reason to refuse it.
    package var warnings: [String] {
        let layers = history.count { !$0.emptyLayer }
        guard !history.isEmpty, layers != diffIDs.count else { return [] }
        return [
            "the history tells of \(layers) layers, but the image has \(diffIDs.count); "
                + "the steps cannot be told apart by layer"
        ]
    }
}
