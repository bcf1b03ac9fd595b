/// The three ways tar writes numbers: octal text, GNU's base 256, and pax's decimal text.
enum TarNumber {
    /// A numeric header field.
    ///
    /// Octal digits may stand between spaces and NULs, and no digits mean 0. A set high bit in the
    /// first byte announces a big-endian two's complement number in the other bits.
    static func field(_ bytes: Span<UInt8>) throws(TarError) -> Int64 {
        guard bytes.count > 0, bytes[0] & 0x80 != 0 else { return try octal(bytes) }
        let inversion: UInt8 = bytes[0] & 0x40 != 0 ? 0xFF : 0
        var magnitude: UInt64 = 0
        for index in bytes.indices {
            var byte = bytes[index] ^ inversion
            if index == 0 { byte &= 0x7F }
            guard magnitude >> 56 == 0 else { throw outOfRange("base-256") }
            magnitude = magnitude << 8 | UInt64(byte)
        }
        guard let value = Int64(exactly: magnitude) else { throw outOfRange("base-256") }
        return inversion == 0 ? value : ~value
    }

    static func octal(_ bytes: Span<UInt8>) throws(TarError) -> Int64 {
        var start = 0
        var end = bytes.count
        while start < end, isFiller(bytes[start]) { start += 1 }
        while end > start, isFiller(bytes[end - 1]) { end -= 1 }
        var value: Int64 = 0
        for index in start..<end {
            let digit = bytes[index]
            if digit == 0 { break }
            guard (UInt8(ascii: "0")...UInt8(ascii: "7")).contains(digit) else {
                throw TarError(.invalidNumber, "an octal field holds a byte that is no octal digit")
            }
            guard value >> 60 == 0 else { throw outOfRange("octal") }
            value = value << 3 | Int64(digit & 7)
        }
        return value
    }

    /// Decimal digits with an optional minus sign, nothing else.
    static func decimal(_ bytes: Span<UInt8>) throws(TarError) -> Int64 {
        let isNegative = bytes.count > 0 && bytes[0] == UInt8(ascii: "-")
        let start = isNegative ? 1 : 0
        guard start < bytes.count else {
            throw TarError(.invalidNumber, "a decimal number has no digits")
        }
        var value: Int64 = 0
        for index in start..<bytes.count {
            let digit = bytes[index]
            guard isDigit(digit) else {
                throw TarError(.invalidNumber, "a decimal number holds a byte that is no digit")
            }
            // Counted downwards, for Int64.min has no positive counterpart.
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.subtractingReportingOverflow(Int64(digit & 15))
            guard !overflow, !carry else { throw outOfRange("decimal") }
            value = sum
        }
        if isNegative { return value }
        guard value != .min else { throw outOfRange("decimal") }
        return -value
    }

    /// A pax time: decimal seconds, perhaps negative, perhaps with a fraction of any length, of which
    /// nine digits count.
    static func time(_ bytes: Span<UInt8>) throws(TarError) -> TarTime {
        guard let point = bytes.firstIndex(of: UInt8(ascii: ".")) else {
            return TarTime(seconds: try decimal(bytes))
        }
        let isNegative = bytes[0] == UInt8(ascii: "-")
        let seconds = try decimal(bytes.extracting(0..<point))
        var nanoseconds: UInt32 = 0
        var unit: UInt32 = 100_000_000
        for index in (point + 1)..<bytes.count {
            guard isDigit(bytes[index]) else {
                throw TarError(.invalidNumber, "a time's fraction holds a byte that is no digit")
            }
            nanoseconds += UInt32(bytes[index] & 15) * unit
            unit /= 10
        }
        guard isNegative, nanoseconds > 0 else {
            return TarTime(seconds: seconds, nanoseconds: nanoseconds)
        }
        let (floor, overflow) = seconds.subtractingReportingOverflow(1)
        guard !overflow else { throw outOfRange("decimal") }
        return TarTime(seconds: floor, nanoseconds: 1_000_000_000 - nanoseconds)
    }

    /// The text `time` reads, in Go's form: no trailing zeros, no point without a fraction.
    static func text(of time: TarTime) -> String {
        guard time.nanoseconds > 0 else { return String(time.seconds) }
        var sign = ""
        var seconds = time.seconds
        var nanoseconds = time.nanoseconds
        if seconds < 0 {
            sign = "-"
            seconds = -(seconds + 1)
            nanoseconds = 1_000_000_000 - nanoseconds
        }
        var fraction = String(nanoseconds)
        fraction = String(repeating: "0", count: 9 - fraction.count) + fraction
        while fraction.last == "0" { fraction.removeLast() }
        return "\(sign)\(seconds).\(fraction)"
    }

    /// Whether octal digits and a NUL fit into a field of `width` bytes.
    static func fitsOctal(_ value: Int64, width: Int) -> Bool {
        value >= 0 && value < 1 << Int64((width - 1) * 3)
    }

    static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func isFiller(_ byte: UInt8) -> Bool {
        byte == 0 || byte == UInt8(ascii: " ")
    }

    private static func outOfRange(_ form: String) -> TarError {
        TarError(.invalidNumber, "a \(form) number does not fit 64 bits")
    }
}
