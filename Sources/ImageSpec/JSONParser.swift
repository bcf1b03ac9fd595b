/// Turns bytes into a ``JSONValue`` (RFC 8259), within limits that foreign documents cannot exceed.
///
/// Bytes that are not UTF-8 and lone surrogates become U+FFFD, as in Go's decoder.
package struct JSONParser {
    /// Image documents nest less than ten deep; every level costs a stack frame of the thread.
    package static let maximumDepth = 128

    private let bytes: [UInt8]
    private var position = 0
    private var depth = 0

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Parses one document; white space may surround it, nothing else.
    /// - Throws: `invalidJSON`, `tooDeep`; `tooLarge` when there are more than `limit` bytes.
    package static func parse(
        _ bytes: [UInt8], limit: Int = ImageDocumentLimit.maximumBytes
    ) throws(ImageSpecError) -> JSONValue {
        guard bytes.count <= limit else {
            throw ImageSpecError(
                .tooLarge, "the document has \(bytes.count) bytes, more than the \(limit) allowed")
        }
        var parser = JSONParser(bytes)
        parser.skipSpace()
        let value = try parser.value()
        parser.skipSpace()
        guard parser.position == bytes.count else {
            throw parser.failure("unexpected text after the end of the JSON document")
        }
        return value
    }

    private func failure(_ message: String) -> ImageSpecError {
        ImageSpecError(.invalidJSON, message, offset: position)
    }

    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
            position += 1
        }
    }

    private mutating func value() throws(ImageSpecError) -> JSONValue {
        guard let byte = current else { throw failure("the JSON document ends too early") }
        switch byte {
        case UInt8(ascii: "{"):
            return .object(try nested { p throws(ImageSpecError) in try p.object() })
        case UInt8(ascii: "["):
            return .array(try nested { p throws(ImageSpecError) in try p.array() })
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default: throw failure("expected a JSON value")
        }
    }

    private mutating func nested<T>(
        _ body: (inout JSONParser) throws(ImageSpecError) -> T
    ) throws(ImageSpecError) -> T {
        guard depth < Self.maximumDepth else {
            throw ImageSpecError(
                .tooDeep, "the JSON document nests deeper than \(Self.maximumDepth) levels",
                offset: position)
        }
        depth += 1
        defer { depth -= 1 }
        return try body(&self)
    }

    private mutating func literal(
        _ text: StaticString, _ value: JSONValue
    ) throws(ImageSpecError) -> JSONValue {
        let end = position + text.utf8CodeUnitCount
        guard end <= bytes.count, bytes[position..<end].elementsEqual("\(text)".utf8) else {
            throw failure("expected a JSON value")
        }
        position = end
        return value
    }

    private mutating func object() throws(ImageSpecError) -> JSONObject {
        position += 1
        var object = JSONObject()
        skipSpace()
        if current == UInt8(ascii: "}") {
            position += 1
            return object
        }
        while true {
            skipSpace()
            guard current == UInt8(ascii: "\"") else {
                throw failure("expected the name of a member")
            }
            let name = try string()
            skipSpace()
            guard current == UInt8(ascii: ":") else {
                throw failure("expected a colon after the name of a member")
            }
            position += 1
            skipSpace()
            object.members.append(.init(name, try value()))
            skipSpace()
            if try ends(with: UInt8(ascii: "}")) { return object }
        }
    }

    private mutating func array() throws(ImageSpecError) -> [JSONValue] {
        position += 1
        var elements: [JSONValue] = []
        skipSpace()
        if current == UInt8(ascii: "]") {
            position += 1
            return elements
        }
        while true {
            skipSpace()
            elements.append(try value())
            skipSpace()
            if try ends(with: UInt8(ascii: "]")) { return elements }
        }
    }

    /// Steps over a comma (false) or the closing bracket (true).
    private mutating func ends(with bracket: UInt8) throws(ImageSpecError) -> Bool {
        guard let byte = current, byte == bracket || byte == UInt8(ascii: ",") else {
            throw failure("expected a comma or the closing bracket")
        }
        position += 1
        return byte == bracket
    }

    private mutating func number() throws(ImageSpecError) -> JSONValue {
        let start = position
        if current == UInt8(ascii: "-") { position += 1 }
        let whole = position
        try digits()
        if position - whole > 1, bytes[whole] == UInt8(ascii: "0") {
            throw failure("a number does not start with 0")
        }
        if current == UInt8(ascii: ".") {
            position += 1
            try digits()
        }
        if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
            position += 1
            if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { position += 1 }
            try digits()
        }
        return .number(String(decoding: bytes[start..<position], as: UTF8.self))
    }

    private mutating func digits() throws(ImageSpecError) {
        let start = position
        while let byte = current, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
            position += 1
        }
        if position == start { throw failure("expected a digit") }
    }

    private mutating func string() throws(ImageSpecError) -> String {
        position += 1
        let start = position
        // The usual string has no escapes and is taken as it stands.
        while let byte = current, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"),
            byte >= 0x20
        {
            position += 1
        }
        if current == UInt8(ascii: "\"") {
            defer { position += 1 }
            return String(decoding: bytes[start..<position], as: UTF8.self)
        }
        var content = Array(bytes[start..<position])
        while true {
            guard let byte = current else { throw failure("the string has no end") }
            guard byte >= 0x20 else { throw failure("a control character stands in a string") }
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: content, as: UTF8.self)
            case UInt8(ascii: "\\"): try escape(into: &content)
            default: content.append(byte)
            }
        }
    }

    private mutating func escape(into content: inout [UInt8]) throws(ImageSpecError) {
        guard let byte = current else { throw failure("the string has no end") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): content.append(byte)
        case UInt8(ascii: "b"): content.append(0x08)
        case UInt8(ascii: "f"): content.append(0x0C)
        case UInt8(ascii: "n"): content.append(0x0A)
        case UInt8(ascii: "r"): content.append(0x0D)
        case UInt8(ascii: "t"): content.append(0x09)
        case UInt8(ascii: "u"):
            content += Array(String(Character(try unicodeEscape())).utf8)
        default:
            position -= 1
            throw failure("unknown escape in a string")
        }
    }

    /// The scalar of `\uXXXX`, or of two of them that form a surrogate pair.
    private mutating func unicodeEscape() throws(ImageSpecError) -> Unicode.Scalar {
        let first = try fourHexDigits()
        if let scalar = Unicode.Scalar(first) { return scalar }
        let replacement: Unicode.Scalar = "\u{FFFD}"
        guard (0xD800..<0xDC00).contains(first), position + 1 < bytes.count,
            bytes[position] == UInt8(ascii: "\\"), bytes[position + 1] == UInt8(ascii: "u")
        else { return replacement }
        let rewind = position
        position += 2
        let second = try fourHexDigits()
        guard (0xDC00..<0xE000).contains(second) else {
            position = rewind
            return replacement
        }
        return Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00)) ?? replacement
    }

    private mutating func fourHexDigits() throws(ImageSpecError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = current, let digit = Character(Unicode.Scalar(byte)).hexDigitValue
            else { throw failure("expected four hexadecimal digits") }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }
}
