/// Reads the JSON form of an instruction's arguments.
enum JSONArray: Hashable {
    case strings([String])
    /// JSON, but with something else than strings in the array.
    case otherValues
    /// Not a JSON array: the arguments are in the shell form.
    case notJSON

    init(parsing text: ArraySlice<UInt8>) {
        let text = text.droppingLeadingSpace()
        guard text.first == UInt8(ascii: "[") else {
            self = .notJSON
            return
        }
        var scanner = Scanner(text: text)
        guard scanner.scanDocument() else {
            self = .notJSON
            return
        }
        self = scanner.hasOtherValues ? .otherValues : .strings(scanner.strings)
    }
}

/// Checks one JSON document and collects the strings of its outermost array. It keeps its own
/// stack, so that deep nesting costs no call stack.
private struct Scanner {
    /// How deep values may nest. Go's limit.
    private static let maximumDepth = 10_000

    private enum Expectation {
        case value
        case valueOrEnd
        case keyOrEnd
        case key
        case commaOrEnd
    }

    private let text: ArraySlice<UInt8>
    private var index: Int
    private var containers: [UInt8] = []
    private(set) var strings: [String] = []
    private(set) var hasOtherValues = false

    init(text: ArraySlice<UInt8>) {
        self.text = text
        self.index = text.startIndex
    }

    /// Whether the whole text is one valid JSON value.
    mutating func scanDocument() -> Bool {
        var expectation = Expectation.value
        repeat {
            skipBlanks()
            guard index < text.endIndex, let next = scan(expectation) else { return false }
            expectation = next
        } while !containers.isEmpty
        skipBlanks()
        return index == text.endIndex
    }

    /// Takes one token and says what may follow, or nil when the token is wrong.
    private mutating func scan(_ expectation: Expectation) -> Expectation? {
        let byte = text[index]
        switch (expectation, byte) {
        case (.valueOrEnd, UInt8(ascii: "]")), (.keyOrEnd, UInt8(ascii: "}")),
            (.commaOrEnd, UInt8(ascii: "]")), (.commaOrEnd, UInt8(ascii: "}")):
            // `]` is 2 above `[` and `}` 2 above `{` in ASCII.
            guard containers.popLast() == byte - 2 else { return nil }
            index += 1
            return .commaOrEnd
        case (.commaOrEnd, UInt8(ascii: ",")):
            index += 1
            return containers.last == UInt8(ascii: "{") ? .key : .value
        case (.commaOrEnd, _): return nil
        case (.key, UInt8(ascii: "\"")), (.keyOrEnd, UInt8(ascii: "\"")):
            guard scanString() != nil else { return nil }
            skipBlanks()
            guard index < text.endIndex, text[index] == UInt8(ascii: ":") else { return nil }
            index += 1
            return .value
        case (.key, _), (.keyOrEnd, _): return nil
        case (.value, _), (.valueOrEnd, _): return scanValue(byte)
        }
    }

    private mutating func scanValue(_ byte: UInt8) -> Expectation? {
        let isElement = containers.count == 1
        switch byte {
        case UInt8(ascii: "["), UInt8(ascii: "{"):
            if isElement { hasOtherValues = true }
            guard containers.count < Self.maximumDepth else { return nil }
            containers.append(byte)
            index += 1
            return byte == UInt8(ascii: "[") ? .valueOrEnd : .keyOrEnd
        case UInt8(ascii: "\""):
            guard let string = scanString() else { return nil }
            if isElement { strings.append(string) }
        default:
            guard scanNumber() || scanLiteral() else { return nil }
            if isElement { hasOtherValues = true }
        }
        return .commaOrEnd
    }

    private mutating func skipBlanks() {
        while index < text.endIndex, [0x20, 0x09, 0x0A, 0x0D].contains(text[index]) { index += 1 }
    }

    private mutating func scanLiteral() -> Bool {
        for word in ["true", "false", "null"] where text[index...].hasPrefix(word.utf8) {
            index += word.utf8.count
            return true
        }
        return false
    }

    private mutating func scanNumber() -> Bool {
        var end = index
        func digits() -> Int {
            let start = end
            while end < text.endIndex, text[end].isASCIIDigit { end += 1 }
            return end - start
        }
        func take(_ bytes: UInt8...) -> Bool {
            guard end < text.endIndex, bytes.contains(text[end]) else { return false }
            end += 1
            return true
        }
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) { guard digits() > 0 else { return false } }
        if take(UInt8(ascii: ".")) { guard digits() > 0 else { return false } }
        if take(UInt8(ascii: "e"), UInt8(ascii: "E")) {
            _ = take(UInt8(ascii: "+"), UInt8(ascii: "-"))
            guard digits() > 0 else { return false }
        }
        index = end
        return true
    }

    /// Takes a string, with its escapes replaced. Half a surrogate pair becomes U+FFFD.
    private mutating func scanString() -> String? {
        var scalars = String.UnicodeScalarView()
        index += 1
        while index < text.endIndex {
            let byte = text[index]
            if byte == UInt8(ascii: "\"") {
                index += 1
                return String(scalars)
            }
            guard byte >= 0x20 else { return nil }
            if byte == UInt8(ascii: "\\") {
                guard let scalar = scanEscape() else { return nil }
                scalars.append(scalar)
            } else {
                let decoded = text.decodedScalar(at: index)
                scalars.append(decoded.scalar)
                index += decoded.width
            }
        }
        return nil
    }

    private mutating func scanEscape() -> Unicode.Scalar? {
        guard index + 1 < text.endIndex else { return nil }
        let letter = text[index + 1]
        if letter == UInt8(ascii: "u") {
            guard let unit = hexUnit(at: index) else { return nil }
            index += 6
            if let scalar = Unicode.Scalar(unit) { return scalar }
            guard (0xD800...0xDBFF).contains(unit), let low = hexUnit(at: index),
                (0xDC00...0xDFFF).contains(low)
            else { return "\u{FFFD}" }
            index += 6
            return Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00))
        }
        index += 2
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"):
            return Unicode.Scalar(letter)
        case UInt8(ascii: "b"): return "\u{08}"
        case UInt8(ascii: "f"): return "\u{0C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        default: return nil
        }
    }

    /// The value of `\uXXXX` at `start`.
    private func hexUnit(at start: Int) -> UInt32? {
        guard start + 6 <= text.endIndex, text[start] == UInt8(ascii: "\\"),
            text[start + 1] == UInt8(ascii: "u")
        else { return nil }
        var unit: UInt32 = 0
        for byte in text[(start + 2)..<(start + 6)] {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { return nil }
            unit = unit << 4 | UInt32(digit)
        }
        return unit
    }
}
