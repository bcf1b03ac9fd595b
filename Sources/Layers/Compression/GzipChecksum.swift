/// The CRC-32 and length that end a gzip member (RFC 1952), which libarchive reads and does not check.
///
/// Works on sixteen bytes at a time with as many tables ("slicing by 16").
struct GzipChecksum {
    private var register: UInt32 = .max
    private var count: UInt32 = 0

    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 16 * 256)
        for byte in 0..<256 {
            var value = UInt32(byte)
            for _ in 0..<8 {
                value = value & 1 == 0 ? value >> 1 : value >> 1 ^ 0xEDB8_8320
            }
            tables[byte] = value
        }
        for index in 256..<tables.count {
            let before = tables[index - 256]
            tables[index] = before >> 8 ^ tables[Int(before & 0xFF)]
        }
        return tables
    }()

    mutating func update(_ bytes: UnsafeBufferPointer<UInt8>) {
        count &+= UInt32(truncatingIfNeeded: bytes.count)
        register = unsafe Self.tables.withUnsafeBufferPointer { tables in
            unsafe Self.run(register, UnsafeRawBufferPointer(bytes), tables)
        }
    }

    /// Whether the trailer of a member fits what came out of it.
    func agrees(withTrailer trailer: [UInt8]) -> Bool {
        func number(_ bytes: ArraySlice<UInt8>) -> UInt32 {
            bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) }
        }
        return trailer.count == 8
            && number(trailer[..<4]) == ~register && number(trailer[4...]) == count
    }

    private static func run(
        _ start: UInt32, _ bytes: UnsafeRawBufferPointer, _ tables: UnsafeBufferPointer<UInt32>
    ) -> UInt32 {
        var register = start
        var position = 0
        while position + 16 <= bytes.count {
            let low = unsafe UInt64(
                littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            let high = unsafe UInt64(
                littleEndian: bytes.loadUnaligned(fromByteOffset: position + 8, as: UInt64.self))
            register = unsafe slice(low ^ UInt64(register), tables, 8) ^ slice(high, tables, 0)
            position += 16
        }
        while position < bytes.count {
            let index = unsafe Int((register ^ UInt32(bytes[position])) & 0xFF)
            register = unsafe register >> 8 ^ tables[index]
            position += 1
        }
        return register
    }

    /// What eight bytes add to the register, of which the last has `first` bytes behind it.
    @inline(__always)
    private static func slice(
        _ word: UInt64, _ tables: UnsafeBufferPointer<UInt32>, _ first: Int
    ) -> UInt32 {
        var sum: UInt32 = 0
        for byte in 0..<8 {
            let value = Int(truncatingIfNeeded: word >> UInt64(8 * byte)) & 0xFF
            unsafe sum ^= tables[(first + 7 - byte) << 8 | value]
        }
        return sum
    }
}
