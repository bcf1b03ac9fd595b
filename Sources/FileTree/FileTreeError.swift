/// A tree operation that could not be done.
package struct FileTreeError: Error, Sendable {
    package enum Code: Hashable, Sendable {
        /// Not usable as the name of an entry.
        case invalidName
        case nameTooLong
        /// A path with `..` beyond the root.
        case escapesRoot
        case tooDeep
        case notFound
        case notDirectory
        case isDirectory
        /// Symbolic links that lead to each other.
        case symbolicLinkLoop
        /// A directory's stored encoding is not canonical or not complete.
        case corruptEncoding
        /// A directory that a tree refers to is not there, or cannot be read.
        case missingDirectory
        /// A whiteout without a name.
        case invalidWhiteout
    }

    package let code: Code
    package let message: String
    /// The path it is about, as bytes, when there is one.
    package let path: [UInt8]?
    package let cause: (any Error)?

    package init(
        _ code: Code, _ message: String, path: [UInt8]? = nil, cause: (any Error)? = nil
    ) {
        self.code = code
        self.message = message
        self.path = path
        self.cause = cause
    }
}

extension FileTreeError: CustomStringConvertible {
    package var description: String {
        var text = message
        if let path { text = "\"\(String(decoding: path, as: UTF8.self))\": \(text)" }
        if let cause { text += " (\(cause))" }
        return text
    }
}
