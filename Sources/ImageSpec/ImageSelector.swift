/// What a user types to mean an image: a name, an image ID, or the first digits of one.
///
/// `abc123` can be both a name and the start of an ID. As in Docker, a whole ID is an ID, then
/// names are looked up, then the starts of IDs.
package struct ImageSelector: Hashable, Sendable {
    /// The text as it was typed.
    package let text: String
    /// The image, where the text is a whole ID.
    package let imageID: ImageID?
    /// The name, where the text can be one.
    package let reference: Reference?
    /// Lowercase hex digits, 1 to 63, where the text can be the start of an ID.
    package let idPrefix: String?

    /// - Throws: those of ``Reference/init(parsing:)`` when the text is neither a name nor an ID.
    package init(parsing text: String) throws(ImageSpecError) {
        self.text = text
        let hasAlgorithm = text.hasPrefix("sha256:")
        let digits = hasAlgorithm ? text.dropFirst(7) : text[...]
        let isHex =
            !digits.isEmpty && digits.utf8.count <= 64
            && digits.utf8.allSatisfy(ReferenceGrammar.isHex)
        if isHex, let digest = Digest(hex: digits) {
            imageID = ImageID(digest)
            reference = nil
            idPrefix = nil
            return
        }
        imageID = nil
        idPrefix = isHex ? String(digits) : nil
        if hasAlgorithm, isHex {
            // `sha256:abc` could be the tag `abc` of a repository `sha256`; nobody means that.
            reference = nil
        } else {
            reference = try Reference(parsing: text)
        }
    }

    /// Whether the text names that image by its ID or the start of it.
    package func matches(_ id: ImageID) -> Bool {
        if let imageID { return imageID == id }
        return idPrefix.map { id.digest.hex.hasPrefix($0) } ?? false
    }
}
