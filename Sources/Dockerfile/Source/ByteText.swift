// Text as bytes. A Dockerfile is UTF-8, but comments and heredocs may hold any bytes, and file
// names do, so the parsers work on bytes and decode only where a character class asks for it.

extension UInt8 {
    /// Whether this separates words: what Go's `[\t\v\f\r ]` and a line feed cover.
    var isASCIISpace: Bool { self == 0x20 || (0x09...0x0D).contains(self) }

    var isASCIIDigit: Bool { (0x30...0x39).contains(self) }

    var isASCIILetter: Bool { (0x41...0x5A).contains(self) || (0x61...0x7A).contains(self) }

    /// The lower-case form of an ASCII letter; any other byte as it is.
    var asciiLowercased: UInt8 { (0x41...0x5A).contains(self) ? self + 0x20 : self }
}

/// One decoded character and how many bytes it took.
struct DecodedScalar {
    var scalar: Unicode.Scalar
    var width: Int
}

extension RandomAccessCollection<UInt8> where Index == Int {
    /// Decodes the character at `index`. A byte that begins no valid UTF-8 sequence reads as
    /// U+FFFD of width 1, as in Go.
    ///
    /// `index` must be below `endIndex`.
    func decodedScalar(at index: Int) -> DecodedScalar {
        let first = self[index]
        if first < 0x80 { return DecodedScalar(scalar: Unicode.Scalar(first), width: 1) }
        let width: Int
        let lead: UInt32
        switch first {
        case 0xC2...0xDF: (width, lead) = (2, UInt32(first & 0x1F))
        case 0xE0...0xEF: (width, lead) = (3, UInt32(first & 0x0F))
        case 0xF0...0xF4: (width, lead) = (4, UInt32(first & 0x07))
        default: return DecodedScalar(scalar: "\u{FFFD}", width: 1)
        }
        guard index + width <= endIndex else {
            return DecodedScalar(scalar: "\u{FFFD}", width: 1)
        }
        var value = lead
        for offset in 1..<width {
            let byte = self[index + offset]
            guard byte & 0xC0 == 0x80 else {
                return DecodedScalar(scalar: "\u{FFFD}", width: 1)
            }
            value = value << 6 | UInt32(byte & 0x3F)
        }
        let smallest: UInt32 = width == 2 ? 0x80 : width == 3 ? 0x800 : 0x10000
        guard value >= smallest, let scalar = Unicode.Scalar(value) else {
            return DecodedScalar(scalar: "\u{FFFD}", width: 1)
        }
        return DecodedScalar(scalar: scalar, width: width)
    }

    /// Whether the bytes begin with `prefix`.
    func hasPrefix(_ prefix: some Collection<UInt8>) -> Bool {
        count >= prefix.count && self.prefix(prefix.count).elementsEqual(prefix)
    }

    /// Whether the bytes end with `suffix`.
    func hasSuffix(_ suffix: some Collection<UInt8>) -> Bool {
        count >= suffix.count && self.suffix(suffix.count).elementsEqual(suffix)
    }
}

extension Unicode.Scalar {
    /// Go's `unicode.IsSpace`.
    var isGoSpace: Bool {
        switch value {
        case 0x09...0x0D, 0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F,
            0x205F, 0x3000:
            true
        default: false
        }
    }

    /// Go's `unicode.IsLetter`.
    var isGoLetter: Bool {
        if value < 0x80 { return UInt8(value).isASCIILetter }
        switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
            return true
        default: return false
        }
    }

    /// Go's `unicode.IsDigit`.
    var isGoDigit: Bool {
        if value < 0x80 { return UInt8(value).isASCIIDigit }
        return properties.generalCategory == .decimalNumber
    }
}

extension ArraySlice<UInt8> {
    /// The rest after leading white space, as Unicode has it.
    func droppingLeadingSpace() -> ArraySlice<UInt8> {
        var index = startIndex
        while index < endIndex {
            let decoded = decodedScalar(at: index)
            guard decoded.scalar.isGoSpace else { break }
            index += decoded.width
        }
        return self[index...]
    }

    /// The rest without trailing white space, as Unicode has it.
    func droppingTrailingSpace() -> ArraySlice<UInt8> {
        var end = endIndex
        while end > startIndex {
            var start = end - 1
            while start > startIndex, self[start] & 0xC0 == 0x80, end - start < 4 { start -= 1 }
            let decoded = self[..<end].decodedScalar(at: start)
            guard decoded.scalar.isGoSpace, start + decoded.width == end else { break }
            end = start
        }
        return self[..<end]
    }

    /// Without white space at either end.
    func trimmingSpace() -> ArraySlice<UInt8> {
        droppingLeadingSpace().droppingTrailingSpace()
    }

    /// The text of the bytes; bytes that are not UTF-8 become U+FFFD.
    var decoded: String { String(decoding: self, as: UTF8.self) }
}

extension String {
    /// The text with ASCII letters in lower case.
    var asciiLowercased: String {
        String(decoding: utf8.map(\.asciiLowercased), as: UTF8.self)
    }
}
