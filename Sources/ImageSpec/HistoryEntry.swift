/// What made one layer, or none, of an image (OCI image-spec, config.md, "history").
package struct HistoryEntry: Hashable, Sendable {
    package var created: Timestamp?
    package var createdBy: String?
    package var author: String?
    package var comment: String?
    /// Whether the step left the root filesystem as it was.
    package var emptyLayer: Bool
    package var extras: JSONObject

    package init(
        created: Timestamp? = nil, createdBy: String? = nil, author: String? = nil,
        comment: String? = nil, emptyLayer: Bool = false
    ) {
        self.created = created
        self.createdBy = createdBy
        self.author = author
        self.comment = comment
        self.emptyLayer = emptyLayer
        self.extras = JSONObject()
    }
}

extension HistoryEntry {
    init(json: JSONValue, at path: String) throws(ImageSpecError) {
        var fields = try JSONFields(json, at: path)
        created = try fields.timestamp("created")
        createdBy = try fields.string("created_by")
        author = try fields.string("author")
        comment = try fields.string("comment")
        emptyLayer = try fields.bool("empty_layer") ?? false
        extras = fields.rest
    }

    package var json: JSONValue {
        var object = JSONObject()
        object.append("created", created.map { .string($0.description) })
        object.append("created_by", createdBy)
        object.append("author", author)
        object.append("comment", comment)
        object.append("empty_layer", emptyLayer ? true : nil)
        object.append(extras)
        return .object(object)
    }
}
