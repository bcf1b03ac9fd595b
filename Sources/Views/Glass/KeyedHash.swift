/// SipHash-2-4 with 128 bits of output (Aumasson and Bernstein, "SipHash: a fast short-input PRF"),
/// over words: who does not know the key cannot find two inputs with one hash.
struct KeyedHash {
    struct Key: Hashable, Sendable {
        var first: UInt64
        var second: UInt64
    }

    /// 128 bits that stand for an input.
    struct Value: Hashable, Sendable {
        var high: UInt64
        var low: UInt64
    }

    private var v0: UInt64
    private var v1: UInt64
    private var v2: UInt64
    private var v3: UInt64
    private var wordCount: UInt64 = 0

    init(key: Key) {
        v0 = key.first ^ 0x736F_6D65_7073_6575
        v1 = key.second ^ 0x646F_7261_6E64_6F6D ^ 0xEE
        v2 = key.first ^ 0x6C79_6765_6E65_7261
        v3 = key.second ^ 0x7465_6462_7974_6573
    }

    mutating func absorb(_ word: UInt64) {
        wordCount &+= 1
        v3 ^= word
        round()
        round()
        v0 ^= word
    }

    mutating func absorb(_ value: Value) {
        absorb(value.high)
        absorb(value.low)
    }

    /// The length, then the bytes, eight a word.
    mutating func absorb(_ bytes: [UInt8]) { absorb(bytes[...]) }

    mutating func absorb(_ bytes: ArraySlice<UInt8>) {
        absorb(UInt64(bytes.count))
        unsafe bytes.withUnsafeBytes { buffer in
            var position = 0
            while position &+ 8 <= buffer.count {
                absorb(
                    UInt64(
                        littleEndian: unsafe buffer.loadUnaligned(
                            fromByteOffset: position, as: UInt64.self)))
                position &+= 8
            }
            guard position < buffer.count else { return }
            var rest: UInt64 = 0
            for index in position..<buffer.count {
                rest |= UInt64(unsafe buffer[index]) << UInt64(8 * (index - position))
            }
            absorb(rest)
        }
    }

    consuming func finish() -> Value {
        absorb(wordCount << 56)
        v2 ^= 0xEE
        finalize()
        let high = v0 ^ v1 ^ v2 ^ v3
        v1 ^= 0xDD
        finalize()
        return Value(high: high, low: v0 ^ v1 ^ v2 ^ v3)
    }

    private mutating func finalize() { for _ in 0..<4 { round() } }

    private mutating func round() {
        v0 = v0 &+ v1
        v1 = (v1 << 13 | v1 >> 51) ^ v0
        v0 = v0 << 32 | v0 >> 32
        v2 = v2 &+ v3
        v3 = (v3 << 16 | v3 >> 48) ^ v2
        v0 = v0 &+ v3
        v3 = (v3 << 21 | v3 >> 43) ^ v0
        v2 = v2 &+ v1
        v1 = (v1 << 17 | v1 >> 47) ^ v2
        v2 = v2 << 32 | v2 >> 32
    }
}
