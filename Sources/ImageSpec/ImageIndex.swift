/// The manifests of one image for several platforms (OCI image-spec, image-index.md; Docker's
/// manifest list).
package struct ImageIndex: ImageDocument {
    package var mediaType: MediaType?
    package var manifests: [Descriptor]
    package var annotations: [String: String]
    /// Members without a meaning here: `artifactType`, `subject` and what others add.
    package var extras: JSONObject

    package init(
        mediaType: MediaType? = .ociIndex, manifests: [Descriptor],
        annotations: [String: String] = [:]
    ) {
        self.mediaType = mediaType
        self.manifests = manifests
        self.annotations = annotations
        self.extras = JSONObject()
    }

    package init(json: JSONValue) throws(ImageSpecError) {
        var fields = try JSONFields(json)
        try fields.requireSchemaVersion2()
        mediaType = try fields.string("mediaType").map(MediaType.init(rawValue:))
        manifests = []
        for element in try fields.array("manifests") ?? [] {
            manifests.append(try Descriptor(json: element.value, at: element.path))
        }
        annotations = try fields.stringMap("annotations") ?? [:]
        extras = fields.rest
    }

    package var json: JSONValue {
        var object = JSONObject()
        object.append("schemaVersion", 2)
        object.append("mediaType", mediaType?.rawValue)
        object.append("manifests", .array(manifests.map(\.json)))
        object.append("annotations", annotations)
        object.append(extras)
        return .object(object)
    }
}
