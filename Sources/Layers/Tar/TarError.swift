/// Why a tar stream was refused, or an entry could not be written as tar.
package struct TarError: Error, Equatable, Sendable {
    package enum Code: String, Sendable {
        /// The stream ends inside a header, a record, a body or its padding.
        case truncated
        /// A header block that is none: wrong checksum, or bytes where an entry or the end must be.
        case invalidHeader
        /// A numeric field that is no number, or one outside what its meaning allows.
        case invalidNumber
        /// A pax record, long-name record or ACL that breaks its format's grammar.
        case invalidRecord
        /// A sparse map that overlaps, overflows or disagrees with the entry's sizes.
        case invalidSparseMap
        /// A path or link target that the format cannot carry.
        case invalidName
        /// One of `TarLimits` was exceeded.
        case limitExceeded
        /// Well-formed, but without meaning for a layer: a volume's continuation, for example.
        case unsupported
    }

    package var code: Code
    package var message: String
    /// The path of the entry the error belongs to, where it is known. Bytes, as the archive has them.
    package var entryPath: [UInt8]?
    /// Where in the uncompressed stream the faulty block begins, where it is known.
    package var byteOffset: Int64?

    package init(
        _ code: Code, _ message: String, entryPath: [UInt8]? = nil, byteOffset: Int64? = nil
    ) {
        self.code = code
        self.message = message
        self.entryPath = entryPath
        self.byteOffset = byteOffset
    }

    /// The same error with facts added where it has none yet.
    func located(entryPath: [UInt8]?, byteOffset: Int64) -> TarError {
        var error = self
        error.entryPath = error.entryPath ?? entryPath
        error.byteOffset = error.byteOffset ?? byteOffset
        return error
    }
}

extension TarError: CustomStringConvertible {
    package var description: String {
        var text = "tar: \(message)"
        if let entryPath {
            text += ", entry \"\(String(decoding: entryPath, as: UTF8.self))\""
        }
        if let byteOffset {
            text += ", at byte \(byteOffset)"
        }
        return text
    }
}
