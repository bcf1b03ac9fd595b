/// Unsigned integers of up to 64 bits, seven bits a byte, the lowest first, in their shortest form.
package enum LEB128 {
    package enum Malformed: Error {
        case over64Bits
        case notShortest
    }

    package static func append(_ value: UInt64, to bytes: inout [UInt8]) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// Takes the bytes of one integer.
    package struct Decoder {
        private var value: UInt64 = 0
        private var shift: UInt64 = 0

        package init() {}

        /// - Returns: the integer, when the byte was its last.
        package mutating func take(_ byte: UInt8) throws(Malformed) -> UInt64? {
            let bits = UInt64(byte & 0x7F)
            guard shift < 63 || (shift == 63 && bits <= 1) else { throw .over64Bits }
            value |= bits << shift
            guard byte & 0x80 == 0 else {
                shift += 7
                return nil
            }
            if byte == 0 && shift > 0 { throw .notShortest }
            return value
        }
    }
}
