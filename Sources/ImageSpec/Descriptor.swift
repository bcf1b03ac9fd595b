/// A reference to a blob by its digest (OCI image-spec, descriptor.md).
package struct Descriptor: Hashable, Sendable {
    package var mediaType: MediaType
    package var digest: Digest
    /// Not negative.
    package var sizeBytes: Int64
    /// Where else the blob is to be had.
    package var urls: [String]
    package var annotations: [String: String]
    /// What the image runs on; in an index only.
    package var platform: Platform?
    /// Members without a meaning here: `artifactType`, `data` and what others add.
    package var extras: JSONObject

    package init(
        mediaType: MediaType, digest: Digest, sizeBytes: Int64, urls: [String] = [],
        annotations: [String: String] = [:], platform: Platform? = nil,
        extras: JSONObject = JSONObject()
    ) {
        self.mediaType = mediaType
        self.digest = digest
        self.sizeBytes = sizeBytes
        self.urls = urls
        self.annotations = annotations
        self.platform = platform
        self.extras = extras
    }

    /// Whether it stands for statements about an image rather than for one (BuildKit's
    /// attestation manifests).
    package var isAttestation: Bool {
        annotations["vnd.docker.reference.type"] == "attestation-manifest"
            || platform?.os == "unknown"
    }
}

extension Descriptor {
    /// - Throws: `wrongType`, `missingField`, `invalidDigest`, `unsupportedDigest`.
    package init(json: JSONValue, at path: String = "") throws(ImageSpecError) {
        var fields = try JSONFields(json, at: path)
        mediaType = MediaType(try fields.string("mediaType") ?? "")
        digest = try fields.require(try fields.digest("digest"), "digest")
        sizeBytes = try fields.require(try fields.integer("size"), "size")
        guard sizeBytes >= 0 else {
            throw ImageSpecError(
                .wrongType, "\"\(fields.place("size"))\" is \(sizeBytes), which is no size",
                subject: fields.place("size"))
        }
        urls = try fields.strings("urls") ?? []
        annotations = try fields.stringMap("annotations") ?? [:]
        let place = fields.place("platform")
        platform = nil
        if let value = fields.value("platform") { platform = try Platform(json: value, at: place) }
        extras = fields.rest
    }

    package var json: JSONValue {
        var object = JSONObject()
        object.append("mediaType", mediaType.rawValue)
        object.append("digest", .string(digest.description))
        object.append("size", JSONValue(sizeBytes))
        object.append("urls", urls)
        object.append("annotations", annotations)
        object.append("platform", platform?.json)
        object.append(extras)
        return .object(object)
    }
}
