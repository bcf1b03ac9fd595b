/// A choice one of whose cases carries a text, written down as `{"own":{}}` or `{"container":{"_0":"ID"}}`.
///
/// The compiler's own coding writes the same, by a type of keys for each case: to set these types up takes
/// a tenth of the time of a short command.
protocol CodedChoice: Codable, Hashable {
    /// The cases without a text, by name.
    static var plain: [String: Self] { get }
    /// The other one.
    static var textual: (name: String, make: (String) -> Self) { get }
    /// What a case carries.
    var text: String? { get }
}

extension CodedChoice {
    /// As the compiler names a case's only value.
    private static var textKey: String { "_0" }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let members = try container.decode([String: [String: String]].self)
        if members.count == 1, let (name, values) = members.first {
            if let choice = Self.plain[name] {
                self = choice
                return
            }
            if name == Self.textual.name, let text = values[Self.textKey] {
                self = Self.textual.make(text)
                return
            }
        }
        throw DecodingError.dataCorruptedError(
            in: container, debugDescription: "\(members) is no choice of \(Self.self)")
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if let text {
            try container.encode([Self.textual.name: [Self.textKey: text]])
        } else if let name = Self.plain.first(where: { $0.value == self })?.key {
            try container.encode([name: [String: String]()])
        } else {
            throw EncodingError.invalidValue(
                self, .init(codingPath: encoder.codingPath, debugDescription: "it has no name"))
        }
    }
}
