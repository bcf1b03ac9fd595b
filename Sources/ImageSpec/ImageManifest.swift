/// The config and the layers of one image (OCI image-spec, manifest.md; Docker's schema 2).
package struct ImageManifest: ImageDocument {
    /// Nil in OCI manifests that leave it to the transport.
    package var mediaType: MediaType?
    package var config: Descriptor
    /// Bottom first.
    package var layers: [Descriptor]
    package var annotations: [String: String]
    /// Members without a meaning here: `artifactType`, `subject` and what others add.
    package var extras: JSONObject

    package init(
        mediaType: MediaType? = .ociManifest, config: Descriptor, layers: [Descriptor],
        annotations: [String: String] = [:]
    ) {
        self.mediaType = mediaType
        self.config = config
        self.layers = layers
        self.annotations = annotations
        self.extras = JSONObject()
    }

    package init(json: JSONValue) throws(ImageSpecError) {
        var fields = try JSONFields(json)
        try fields.requireSchemaVersion2()
        mediaType = try fields.string("mediaType").map(MediaType.init(rawValue:))
        config = try Descriptor(
            json: try fields.require(fields.value("config"), "config"), at: "config")
        layers = []
        for element in try fields.require(try fields.array("layers"), "layers") {
            layers.append(try Descriptor(json: element.value, at: element.path))
        }
        annotations = try fields.stringMap("annotations") ?? [:]
        extras = fields.rest
    }

    package var json: JSONValue {
        var object = JSONObject()
        object.append("schemaVersion", 2)
        object.append("mediaType", mediaType?.rawValue)
        object.append("config", config.json)
        object.append("layers", .array(layers.map(\.json)))
        object.append("annotations", annotations)
        object.append(extras)
        return .object(object)
    }
}

extension JSONFields {
    /// - Throws: `unsupportedVersion` for Docker's old schema 1 and what may come.
    mutating func requireSchemaVersion2() throws(ImageSpecError) {
        let version = try integer("schemaVersion")
        guard version == 2 else {
            let found = version.map { "schema version \($0)" } ?? "no schema version"
            throw ImageSpecError(
                .unsupportedVersion, "the manifest has \(found)",
                hint: "only schema version 2 is supported; push the image again with a newer tool")
        }
    }
}
