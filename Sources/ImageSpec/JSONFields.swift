/// Reads the members of an object by name and type, and keeps those that nobody asked for.
///
/// A member that is null counts as absent, as in Go's decoder.
package struct JSONFields {
    private let object: JSONObject
    private let index: [String: Int]
    private var taken: Set<String> = []
    private let path: String

    /// The fields of `value`, which stands at `path` of its document ("" is the document itself).
    /// - Throws: `wrongType` when it is no object.
    package init(_ value: JSONValue, at path: String = "") throws(ImageSpecError) {
        guard case .object(let object) = value else {
            throw Self.mismatch(value, "an object", path)
        }
        self.object = object
        self.path = path
        var index: [String: Int] = [:]
        index.reserveCapacity(object.members.count)
        for (position, member) in object.members.enumerated() { index[member.name] = position }
        self.index = index
    }

    /// The members that were not read, in the document's order.
    package var rest: JSONObject {
        JSONObject(object.members.filter { !taken.contains($0.name) })
    }

    /// Where the member stands in the document.
    package func place(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

    /// The member of that name; nil when it is absent or null.
    package mutating func value(_ name: String) -> JSONValue? {
        taken.insert(name)
        guard let position = index[name] else { return nil }
        let value = object.members[position].value
        return value.isNull ? nil : value
    }

    package mutating func string(_ name: String) throws(ImageSpecError) -> String? {
        guard let value = value(name) else { return nil }
        guard case .string(let text) = value else {
            throw Self.mismatch(value, "a string", place(name))
        }
        return text
    }

    package mutating func bool(_ name: String) throws(ImageSpecError) -> Bool? {
        guard let value = value(name) else { return nil }
        guard case .bool(let flag) = value else {
            throw Self.mismatch(value, "true or false", place(name))
        }
        return flag
    }

    package mutating func integer(_ name: String) throws(ImageSpecError) -> Int64? {
        guard let value = value(name) else { return nil }
        guard let number = value.integerValue else {
            throw Self.mismatch(value, "a whole number", place(name))
        }
        return number
    }

    /// The elements with the place of each; nil when the member is absent.
    package mutating func array(
        _ name: String
    ) throws(ImageSpecError) -> [(value: JSONValue, path: String)]? {
        guard let value = value(name) else { return nil }
        guard case .array(let elements) = value else {
            throw Self.mismatch(value, "an array", place(name))
        }
        let place = place(name)
        return elements.enumerated().map { ($1, "\(place)[\($0)]") }
    }

    package mutating func strings(_ name: String) throws(ImageSpecError) -> [String]? {
        guard let value = value(name) else { return nil }
        guard case .array(let elements) = value else {
            throw Self.mismatch(value, "an array of strings", place(name))
        }
        var strings: [String] = []
        strings.reserveCapacity(elements.count)
        for (index, element) in elements.enumerated() {
            guard case .string(let text) = element else {
                throw Self.mismatch(element, "a string", "\(place(name))[\(index)]")
            }
            strings.append(text)
        }
        return strings
    }

    /// An object whose values are strings.
    package mutating func stringMap(
        _ name: String
    ) throws(ImageSpecError) -> [String: String]? {
        guard let value = value(name) else { return nil }
        guard case .object(let object) = value else {
            throw Self.mismatch(value, "an object of strings", place(name))
        }
        var map: [String: String] = [:]
        map.reserveCapacity(object.members.count)
        for member in object.members {
            guard case .string(let text) = member.value else {
                throw Self.mismatch(member.value, "a string", "\(place(name)).\(member.name)")
            }
            map[member.name] = text
        }
        return map
    }

    /// The names of an object whose values are empty objects (Go's `map[string]struct{}`).
    package mutating func nameSet(_ name: String) throws(ImageSpecError) -> Set<String>? {
        guard let value = value(name) else { return nil }
        guard case .object(let object) = value else {
            throw Self.mismatch(value, "an object", place(name))
        }
        return Set(object.members.map(\.name))
    }

    package mutating func digest(_ name: String) throws(ImageSpecError) -> Digest? {
        guard let text = try string(name) else { return nil }
        return try Digest.parse(text, at: place(name))
    }

    package mutating func timestamp(_ name: String) throws(ImageSpecError) -> Timestamp? {
        guard let text = try string(name) else { return nil }
        return try Timestamp(parsing: text, at: place(name))
    }

    /// The value of a member that must be there.
    package func require<T>(_ value: T?, _ name: String) throws(ImageSpecError) -> T {
        guard let value else {
            throw ImageSpecError(
                .missingField, "the document has no \"\(place(name))\"", subject: place(name))
        }
        return value
    }

    static func mismatch(
        _ value: JSONValue, _ expected: String, _ path: String
    ) -> ImageSpecError {
        let place = path.isEmpty ? "the document" : "\"\(path)\""
        return ImageSpecError(
            .wrongType, "\(place) is \(value.kind), not \(expected)", subject: path)
    }
}

extension Digest {
    /// The digest written at `place` of a document.
    static func parse(_ text: String, at place: String) throws(ImageSpecError) -> Digest {
        if let digest = Digest(text) { return digest }
        if let colon = text.firstIndex(of: ":"), text[..<colon] != "sha256",
            text[..<colon].utf8.allSatisfy({ $0 < 0x80 && $0 > 0x20 }), !text[..<colon].isEmpty
        {
            throw ImageSpecError(
                .unsupportedDigest, "\"\(place)\" uses the digest algorithm \(text[..<colon])",
                hint: "only sha256 is supported", subject: text)
        }
        throw ImageSpecError(
            .invalidDigest, "\"\(place)\" is \"\(text.prefix(100))\", which is no digest",
            hint: "a digest is sha256: and 64 lowercase hexadecimal digits", subject: text)
    }
}
