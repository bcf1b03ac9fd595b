/// How archivers spell the names and values of extended attributes inside pax records.
enum AttributeText {
    /// GNU tar's keywords: `%3D` for `=`, which would end the key, and `%25` for `%`.
    ///
    /// Only these two are decoded, since other writers leave a `%` as it is.
    static func unescapeKeyword(_ name: Span<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(name.count)
        var index = 0
        while index < name.count {
            let escape = name[index] == UInt8(ascii: "%") ? escapedByte(in: name, at: index) : nil
            if let escape, escape == UInt8(ascii: "=") || escape == UInt8(ascii: "%") {
                bytes.append(escape)
                index += 3
            } else {
                bytes.append(name[index])
                index += 1
            }
        }
        return bytes
    }

    /// The inverse of `unescapeKeyword`; a `%` stays as it is unless that would be misread.
    static func escapeKeyword(_ name: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(name.count)
        for index in name.indices {
            let byte = name[index]
            if byte == UInt8(ascii: "=") {
                bytes.append(contentsOf: "%3D".utf8)
            } else if byte == UInt8(ascii: "%"), isEscapeLike(name, at: index) {
                bytes.append(contentsOf: "%25".utf8)
            } else {
                bytes.append(byte)
            }
        }
        return bytes
    }

    /// libarchive's names: any byte may be `%` and two hexadecimal digits.
    static func decodePercent(_ name: Span<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(name.count)
        var index = 0
        while index < name.count {
            if name[index] == UInt8(ascii: "%"), let byte = escapedByte(in: name, at: index) {
                bytes.append(byte)
                index += 3
            } else {
                bytes.append(name[index])
                index += 1
            }
        }
        return bytes
    }

    /// libarchive's values: base64, with or without its padding.
    static func decodeBase64(_ text: Span<UInt8>) throws(TarError) -> [UInt8] {
        var end = text.count
        while end > 0, text[end - 1] == UInt8(ascii: "=") { end -= 1 }
        guard end % 4 != 1 else {
            throw TarError(.invalidRecord, "an extended attribute is cut short in its base64 text")
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(end * 3 / 4)
        var group: UInt32 = 0
        for index in 0..<end {
            guard let digit = base64Digit(text[index]) else {
                throw TarError(.invalidRecord, "an extended attribute is no base64 text")
            }
            group = group << 6 | digit
            if index % 4 == 3 {
                bytes.append(UInt8(truncatingIfNeeded: group >> 16))
                bytes.append(UInt8(truncatingIfNeeded: group >> 8))
                bytes.append(UInt8(truncatingIfNeeded: group))
            }
        }
        switch end % 4 {
        case 2: bytes.append(UInt8(truncatingIfNeeded: group >> 4))
        case 3:
            bytes.append(UInt8(truncatingIfNeeded: group >> 10))
            bytes.append(UInt8(truncatingIfNeeded: group >> 2))
        default: break
        }
        return bytes
    }

    private static func isEscapeLike(_ name: [UInt8], at index: Int) -> Bool {
        let byte = escapedByte(in: name.span, at: index)
        return byte == UInt8(ascii: "=") || byte == UInt8(ascii: "%")
    }

    private static func escapedByte(in text: Span<UInt8>, at index: Int) -> UInt8? {
        guard index + 2 < text.count, let high = hexDigit(text[index + 1]),
            let low = hexDigit(text[index + 2])
        else { return nil }
        return high << 4 | low
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    private static func base64Digit(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(byte - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(byte - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
