/// Why a reference, a platform or an image document could not be understood.
package struct ImageSpecError: Error, Hashable, Sendable {
    /// What callers branch on.
    package enum Code: String, Hashable, Sendable {
        case invalidReference = "invalid-reference"
        case invalidDigest = "invalid-digest"
        case unsupportedDigest = "unsupported-digest"
        case invalidPlatform = "invalid-platform"
        case invalidTimestamp = "invalid-timestamp"
        case invalidJSON = "invalid-json"
        case tooDeep = "too-deep"
        case tooLarge = "too-large"
        case wrongType = "wrong-type"
        case missingField = "missing-field"
        case unsupportedVersion = "unsupported-version"
        case unsupportedMediaType = "unsupported-media-type"
    }

    package let code: Code
    /// What is wrong, as a sentence without a full stop.
    package let message: String
    /// What would help, where that is known.
    package let hint: String?
    /// The text that was parsed, or the place in the document (`config.Env[3]`).
    package let subject: String?
    /// The byte of the document at which parsing stopped.
    package let offset: Int?

    package init(
        _ code: Code, _ message: String, hint: String? = nil, subject: String? = nil,
        offset: Int? = nil
    ) {
        self.code = code
        self.message = message
        self.hint = hint
        self.subject = subject
        self.offset = offset
    }
}

extension ImageSpecError: CustomStringConvertible {
    package var description: String {
        var text = message
        if let offset { text += " (at byte \(offset))" }
        if let hint { text += "; \(hint)" }
        return text
    }
}
