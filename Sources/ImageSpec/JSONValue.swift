/// A JSON document that keeps the order of its members and the digits of its numbers (RFC 8259).
///
/// Image documents are named by the digest of their bytes and carry fields that only their authors
/// know. A tree that loses nothing lets a config be decoded, changed and encoded again.
package enum JSONValue: Hashable, Sendable {
    case null
    case bool(Bool)
    /// The number's text, as the document spells it.
    case number(String)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    package init(_ value: some BinaryInteger) { self = .number(String(value)) }
    package init(_ strings: [String]) { self = .array(strings.map(JSONValue.string)) }

    package var stringValue: String? {
        if case .string(let value) = self { value } else { nil }
    }

    package var boolValue: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// The number as a whole one; nil for fractions, exponents and what does not fit.
    package var integerValue: Int64? {
        if case .number(let text) = self { Int64(text) } else { nil }
    }

    package var arrayValue: [JSONValue]? {
        if case .array(let value) = self { value } else { nil }
    }

    package var objectValue: JSONObject? {
        if case .object(let value) = self { value } else { nil }
    }

    package var isNull: Bool { self == .null }

    /// The member of an object; nil for anything else.
    package subscript(name: String) -> JSONValue? { objectValue?[name] }

    /// The element of an array; nil for anything else and out of range.
    package subscript(index: Int) -> JSONValue? {
        guard let elements = arrayValue, elements.indices.contains(index) else { return nil }
        return elements[index]
    }

    /// What the value is, for messages.
    var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

// Not by `nil`: in an optional's place it would silently mean null.
extension JSONValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    package init(stringLiteral value: String) { self = .string(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(integerLiteral value: Int64) { self = .number(String(value)) }
    package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(JSONObject(elements.map { .init($0.0, $0.1) }))
    }
}
