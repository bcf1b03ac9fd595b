/// Writes a ``JSONValue`` with the bytes that Go's encoder writes for the same content.
///
/// Slashes stand as they are; `<`, `>`, `&`, U+2028 and U+2029 are escaped, as Docker and BuildKit
/// do, so a config of the same content has the same digest. What people read has the first three as
/// they are, as Docker's commands print them.
package struct JSONWriter {
    private var output: [UInt8] = []
    /// Spaces a level; nil writes everything on one line.
    private let indent: Int?
    private let isForPeople: Bool

    private init(indent: Int?, isForPeople: Bool) {
        self.indent = indent
        self.isForPeople = isForPeople
    }

    package static func write(
        _ value: JSONValue, indent: Int? = nil, isForPeople: Bool = false
    ) -> [UInt8] {
        var writer = JSONWriter(indent: indent, isForPeople: isForPeople)
        writer.write(value, depth: 0)
        return writer.output
    }

    private mutating func write(_ value: JSONValue, depth: Int) {
        switch value {
        case .null: append("null")
        case .bool(let value): append(value ? "true" : "false")
        case .number(let text): append(text)
        case .string(let text): write(text)
        case .array(let elements):
            bracketed("[", "]", elements, depth) { writer, element in
                writer.write(element, depth: depth + 1)
            }
        case .object(let object):
            bracketed("{", "}", object.members, depth) { writer, member in
                writer.write(member.name)
                writer.append(writer.indent == nil ? ":" : ": ")
                writer.write(member.value, depth: depth + 1)
            }
        }
    }

    private mutating func bracketed<Element>(
        _ open: String, _ close: String, _ elements: [Element], _ depth: Int,
        _ body: (inout JSONWriter, Element) -> Void
    ) {
        append(open)
        for (index, element) in elements.enumerated() {
            if index > 0 { append(",") }
            breakLine(depth + 1)
            body(&self, element)
        }
        if !elements.isEmpty { breakLine(depth) }
        append(close)
    }

    private mutating func breakLine(_ depth: Int) {
        guard let indent else { return }
        output.append(0x0A)
        output.append(contentsOf: repeatElement(0x20, count: indent * depth))
    }

    private mutating func append(_ text: String) { output.append(contentsOf: text.utf8) }

    private mutating func write(_ text: String) {
        output.append(UInt8(ascii: "\""))
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": append("\\\"")
            case "\\": append("\\\\")
            case "\n": append("\\n")
            case "\r": append("\\r")
            case "\t": append("\\t")
            case "\u{08}": append("\\b")
            case "\u{0C}": append("\\f")
            case "\u{2028}", "\u{2029}": escape(scalar)
            case "<", ">", "&":
                if isForPeople { append(String(scalar)) } else { escape(scalar) }
            case _ where scalar.value < 0x20: escape(scalar)
            default:
                output.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            }
        }
        output.append(UInt8(ascii: "\""))
    }

    private mutating func escape(_ scalar: Unicode.Scalar) {
        let hex = String(scalar.value, radix: 16)
        append("\\u" + String(repeating: "0", count: 4 - hex.count) + hex)
    }
}

extension JSONValue {
    /// The document's bytes on one line.
    package var encoded: [UInt8] { JSONWriter.write(self) }

    /// The document's bytes as commands print them.
    package func encodedForPeople(indent: Int? = nil) -> [UInt8] {
        JSONWriter.write(self, indent: indent, isForPeople: true)
    }

    /// The document's bytes with `indent` spaces a level, as Go's MarshalIndent writes them.
    package func encoded(indent: Int) -> [UInt8] { JSONWriter.write(self, indent: indent) }
}
