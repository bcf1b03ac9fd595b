/// A layer or an image archive that could not be read or written.
package struct LayerError: Error, Sendable {
    package enum Code: Hashable, Sendable {
        /// An entry that no file system tree can hold, or that points out of it.
        case invalidEntry
        /// The content has another digest or size than was promised.
        case digestMismatch
        /// A recipe that does not say what it should.
        case corruptRecipe
        /// The tree has a name that a layer tar cannot express.
        case inexpressible
        /// An archive that is not an image archive, or lacks a part.
        case invalidArchive
        /// More than the limits on foreign archives allow.
        case tooLarge
        /// A media type or compression that is not known here.
        case unsupported
        /// The archive has no image of that name or for that platform.
        case notFound
        /// The archive has several images where one is wanted.
        case ambiguous
        /// The host refused: no such file, no permission, no room.
        case inputOutput
    }

    package let code: Code
    package let message: String
    /// The path inside the layer or archive, or of the host's file.
    package let path: [UInt8]?
    /// What would help, where that is known.
    package let hint: String?
    package let cause: (any Error)?

    package init(
        _ code: Code, _ message: String, path: [UInt8]? = nil, hint: String? = nil,
        cause: (any Error)? = nil
    ) {
        self.code = code
        self.message = message
        self.path = path
        self.hint = hint
        self.cause = cause
    }

    init(
        _ code: Code, _ message: String, path: String, hint: String? = nil,
        cause: (any Error)? = nil
    ) {
        self.init(code, message, path: Array(path.utf8), hint: hint, cause: cause)
    }
}

extension LayerError {
    /// The error for a compressed stream of that name.
    static func unreadable(_ name: String, _ error: CompressionError) -> LayerError {
        let isOfHost = error.code == .inputOutput
        return LayerError(
            isOfHost ? .inputOutput : .invalidArchive, "it cannot be read", path: name,
            hint: error.code == .truncated ? "it was not copied to its end" : nil, cause: error)
    }
}

extension LayerError: CustomStringConvertible {
    package var description: String {
        var text = message
        if let path { text = "\"\(String(decoding: path, as: UTF8.self))\": \(text)" }
        if let cause { text += ": \(cause)" }
        if let hint { text += "; \(hint)" }
        return text
    }
}
