/// A SHA-256 digest, written `sha256:<64 hex digits>` (OCI image-spec, descriptor.md).
package struct Digest: Hashable, Sendable {
    // Four words rather than an array: no allocation, and hashing needs only the first.
    private var word0: UInt64 = 0
    private var word1: UInt64 = 0
    private var word2: UInt64 = 0
    private var word3: UInt64 = 0

    package static let byteCount = 32

    /// Fills the 32 bytes in place.
    init(filling fill: (UnsafeMutableRawBufferPointer) -> Void) {
        unsafe withUnsafeMutableBytes(of: &self) { unsafe fill($0) }
    }

    /// The digest with these bytes.
    /// - Returns: nil unless there are exactly 32.
    package init?(bytes: ArraySlice<UInt8>) {
        // Not generic: each entry of each directory comes here.
        guard bytes.count == Self.byteCount else { return nil }
        unsafe bytes.withUnsafeBytes { source in
            unsafe withUnsafeMutableBytes(of: &self) { unsafe $0.copyMemory(from: source) }
        }
    }

    package init?(bytes: [UInt8]) { self.init(bytes: bytes[...]) }

    /// The 32 bytes.
    package var bytes: [UInt8] { unsafe withUnsafeBytes(of: self) { unsafe Array($0) } }

    /// The first 128 bits, as numbers that only this machine's byte order gives a meaning.
    package var leadingWords: (UInt64, UInt64) { (word0, word1) }

    /// Calls `body` with the 32 bytes.
    package func withBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        unsafe withUnsafeBytes(of: self) { unsafe body($0) }
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(word0) }

    /// The lowercase hex digits, 64 of them.
    package var hex: String {
        let digits: StaticString = "0123456789abcdef"
        return unsafe String(unsafeUninitializedCapacity: 64) { text in
            unsafe withUnsafeBytes(of: self) { bytes in
                for index in 0..<32 {
                    unsafe text[index * 2] = digits.utf8Start[Int(bytes[index] >> 4)]
                    unsafe text[index * 2 + 1] = digits.utf8Start[Int(bytes[index] & 15)]
                }
            }
            return 64
        }
    }

    /// The first twelve hex digits, as tables show an ID.
    package var short: String { String(hex.prefix(12)) }

    /// The digest with these 64 lowercase hex digits, as the specification demands.
    package init?(hex: some StringProtocol) {
        let text = hex.utf8
        guard text.count == 64 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(32)
        var high: UInt8?
        for character in text {
            let value: UInt8
            switch character {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = character - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = character - UInt8(ascii: "a") + 10
            default: return nil
            }
            if let upper = high {
                bytes.append(upper << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        self.init(bytes: bytes)
    }

    /// The digest written as `sha256:<hex>`.
    package init?(_ text: some StringProtocol) {
        guard text.hasPrefix("sha256:") else { return nil }
        self.init(hex: text.dropFirst(7))
    }
}

extension Digest: Comparable {
    package static func < (a: Self, b: Self) -> Bool {
        for (x, y) in [
            (a.word0, b.word0), (a.word1, b.word1), (a.word2, b.word2), (a.word3, b.word3),
        ] where x != y {
            return UInt64(bigEndian: x) < UInt64(bigEndian: y)
        }
        return false
    }
}

extension Digest: CustomStringConvertible {
    package var description: String { "sha256:" + hex }
}

extension Digest: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let digest = Digest(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "\"\(text)\" is not a sha256 digest")
        }
        self = digest
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
