import Testing

@testable import Views

@Suite struct KeyedHashTests {
    /// The reference implementation's vector for SipHash-2-4-128 with the key 00 01 … 0f, of no
    /// input: the only one on which bytes and words agree.
    @Test func `agrees with the reference implementation`() {
        let key = KeyedHash.Key(first: 0x0706_0504_0302_0100, second: 0x0F0E_0D0C_0B0A_0908)
        let empty = KeyedHash(key: key).finish()
        #expect(empty.high.littleEndian == 0xE6A8_25BA_047F_81A3)
        #expect(empty.low.littleEndian == 0x9302_55C7_1472_F66D)
    }

    @Test func `bytes are told apart by length and by where they end`() {
        let key = KeyedHash.Key(first: 1, second: 2)
        func value(_ parts: [UInt8]...) -> KeyedHash.Value {
            var hash = KeyedHash(key: key)
            for part in parts { hash.absorb(part) }
            return hash.finish()
        }
        let values = [
            value([]), value([0]), value([0, 0]), value([], []), value([1, 2]), value([1], [2]),
            value(.init(repeating: 7, count: 8)), value(.init(repeating: 7, count: 9)),
        ]
        #expect(Set(values).count == values.count)
    }
}
