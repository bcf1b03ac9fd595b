/// One image of a `docker save` archive: an element of its `manifest.json`.
package struct DockerArchiveImage: Hashable, Sendable {
    /// The config's path inside the archive.
    package var configPath: String
    /// Familiar names with a tag; empty for an image without a name.
    package var repoTags: [String]
    /// The layers' paths inside the archive, bottom first.
    package var layerPaths: [String]
    /// Members without a meaning here: `Parent`, `LayerSources`.
    package var extras: JSONObject

    package init(configPath: String, repoTags: [String], layerPaths: [String]) {
        self.configPath = configPath
        self.repoTags = repoTags
        self.layerPaths = layerPaths
        self.extras = JSONObject()
    }
}

/// The files of a `docker save` archive that say what is in it.
package enum DockerArchive {
    package static let manifestPath = "manifest.json"
    package static let repositoriesPath = "repositories"

    /// The images of a `manifest.json`.
    /// - Throws: `wrongType`, `missingField`, `invalidJSON`, `tooDeep`, `tooLarge`.
    package static func images(
        manifest bytes: [UInt8]
    ) throws(ImageSpecError) -> [DockerArchiveImage] {
        let document = try JSONParser.parse(bytes)
        guard case .array(let elements) = document else {
            throw JSONFields.mismatch(document, "an array", manifestPath)
        }
        var images: [DockerArchiveImage] = []
        for (index, element) in elements.enumerated() {
            var fields = try JSONFields(element, at: "[\(index)]")
            var image = DockerArchiveImage(
                configPath: try fields.require(try fields.string("Config"), "Config"),
                repoTags: try fields.strings("RepoTags") ?? [],
                layerPaths: try fields.strings("Layers") ?? [])
            image.extras = fields.rest
            images.append(image)
        }
        return images
    }

    /// The bytes of a `manifest.json`.
    package static func manifest(of images: [DockerArchiveImage]) -> [UInt8] {
        let elements = images.map { image -> JSONValue in
            var object = JSONObject()
            object.append("Config", .string(image.configPath))
            object.append(
                "RepoTags", image.repoTags.isEmpty ? .null : JSONValue(image.repoTags))
            object.append("Layers", JSONValue(image.layerPaths))
            object.append(image.extras)
            return .object(object)
        }
        return JSONValue.array(elements).encoded + [0x0A]
    }

    /// The bytes of the legacy `repositories` file: familiar name → tag → the top layer's ID.
    package static func repositories(
        _ entries: [(reference: Reference, topLayer: String)]
    ) -> [UInt8] {
        var names: [String: [String: String]] = [:]
        for entry in entries {
            guard let tag = entry.reference.tag else { continue }
            names[entry.reference.familiarRepository, default: [:]][tag] = entry.topLayer
        }
        var object = JSONObject()
        for (name, tags) in names { object.append(name, tags) }
        object.sort()
        return JSONValue.object(object).encoded + [0x0A]
    }
}
