/// How a stream of bytes is compressed.
///
/// Not here: `compress` (.Z), whose streams have no end that could be missed, so a truncated one
/// cannot be told, and the old `.lzma`, which has no magic number.
package enum Compression: String, Sendable, CaseIterable {
    case none
    case gzip
    case zstd
    case xz
    case bzip2
    case lz4

    /// How many bytes `detect` needs to see.
    package static let detectionBytes = 10

    /// Tells the compression by the first bytes of a stream; what is nothing else is `none`.
    package static func detect(_ prefix: Span<UInt8>) -> Compression {
        for compression in allCases where compression != .none {
            if prefix.count >= compression.magicBytes, compression.agrees(with: prefix) {
                return compression
            }
        }
        return .none
    }

    /// How many bytes tell the format from a tar.
    var magicBytes: Int {
        switch self {
        case .none: 0
        case .gzip: 3
        case .zstd, .bzip2, .lz4: 4
        case .xz: 6
        }
    }

    /// Whether a stream, or one that was cut short, can begin so.
    func agrees(with prefix: Span<UInt8>) -> Bool {
        switch self {
        case .none: return true
        // RFC 1952: magic and method 8 (deflate).
        case .gzip: return Self.agree(prefix, [0x1F, 0x8B, 8])
        // RFC 8878: a frame, or one of the sixteen skippable frames that may come first.
        case .zstd:
            guard prefix.count > 0, prefix[0] & 0xF0 == 0x50 else {
                return Self.agree(prefix, [0x28, 0xB5, 0x2F, 0xFD])
            }
            return Self.agree(prefix.extracting(1..<prefix.count), [0x2A, 0x4D, 0x18])
        case .xz: return Self.agree(prefix, [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0])
        // "BZh", a level, and the magic of a block or of the stream's end. Three letters and a digit
        // alone could begin the name of a tar's first entry.
        case .bzip2:
            guard prefix.count > 3 else { return Self.agree(prefix, Array("BZh".utf8)) }
            let rest = prefix.extracting(4..<prefix.count)
            return Self.agree(prefix, Array("BZh".utf8))
                && (UInt8(ascii: "1")...UInt8(ascii: "9")).contains(prefix[3])
                && (Self.agree(rest, [0x31, 0x41, 0x59, 0x26, 0x53, 0x59])
                    || Self.agree(rest, [0x17, 0x72, 0x45, 0x38, 0x50, 0x90]))
        case .lz4: return Self.agree(prefix, [0x04, 0x22, 0x4D, 0x18])
        }
    }

    /// Whether one is the beginning of the other.
    private static func agree(_ bytes: Span<UInt8>, _ magic: [UInt8]) -> Bool {
        for index in 0..<min(bytes.count, magic.count) where bytes[index] != magic[index] {
            return false
        }
        return true
    }
}
