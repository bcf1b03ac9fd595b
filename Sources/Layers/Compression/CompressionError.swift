/// Why a stream could not be compressed or decompressed.
package struct CompressionError: Error, Equatable, Sendable {
    package enum Code: String, Sendable {
        /// The compressed stream ends before its own end.
        case truncated
        /// The compressed stream breaks its format's rules or fails its checksum.
        case corrupt
        /// What follows the compressed stream is neither another stream nor zero padding.
        case trailingData
        /// More came out than the caller allows.
        case tooLarge
        /// The library cannot do what was asked: a format it was built without, an odd level.
        case unsupported
        /// read(2) or write(2) failed; `errorNumber` says how.
        case inputOutput
    }

    package var code: Code
    package var message: String
    package var compression: Compression?
    /// The system's error number, of `inputOutput`.
    package var errorNumber: Int32?

    package init(
        _ code: Code, _ message: String, compression: Compression? = nil, errorNumber: Int32? = nil
    ) {
        self.code = code
        self.message = message
        self.compression = compression
        self.errorNumber = errorNumber
    }
}

extension CompressionError: CustomStringConvertible {
    package var description: String {
        compression.map { "\($0.rawValue): \(message)" } ?? message
    }
}
