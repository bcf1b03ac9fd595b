/// A document of an image: a config, a manifest or an index, each named by the digest of its bytes.
package protocol ImageDocument: Hashable, Sendable {
    /// - Throws: `wrongType`, `missingField`, `invalidDigest`, `unsupportedDigest`,
    ///   `invalidTimestamp`, `unsupportedVersion`.
    init(json: JSONValue) throws(ImageSpecError)

    /// The document as JSON: the same value gives the same members in the same order.
    var json: JSONValue { get }
}

extension ImageDocument {
    /// Reads the document from its bytes.
    /// - Throws: those of ``init(json:)`` and `invalidJSON`, `tooDeep`, `tooLarge`.
    package init(bytes: [UInt8]) throws(ImageSpecError) {
        try self.init(json: try JSONParser.parse(bytes))
    }

    /// The bytes of the document; equal values have equal bytes.
    package var encoded: [UInt8] { json.encoded }
}

/// The limits of foreign documents.
package enum ImageDocumentLimit {
    /// 4 MiB, the size that registries promise to accept for a manifest (OCI distribution-spec,
    /// "Pushing manifests"); the largest configs in the wild are a tenth of it.
    package static let maximumBytes = 4 << 20
}
