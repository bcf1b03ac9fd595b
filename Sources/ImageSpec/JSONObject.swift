/// The members of a JSON object in the order of the document.
///
/// A name that occurs twice keeps both members, and the last one counts, as in Go's decoder.
package struct JSONObject: Hashable, Sendable {
    package struct Member: Hashable, Sendable {
        package var name: String
        package var value: JSONValue

        package init(_ name: String, _ value: JSONValue) {
            self.name = name
            self.value = value
        }
    }

    package var members: [Member]

    package init(_ members: [Member] = []) { self.members = members }

    package var isEmpty: Bool { members.isEmpty }

    /// The last member of that name. Setting nil removes every member of that name; setting a
    /// value replaces in place or appends.
    package subscript(name: String) -> JSONValue? {
        get { members.last { $0.name == name }?.value }
        set {
            guard let newValue else {
                members.removeAll { $0.name == name }
                return
            }
            if let index = members.lastIndex(where: { $0.name == name }) {
                members[index].value = newValue
            } else {
                members.append(Member(name, newValue))
            }
        }
    }

    /// Appends a member unless the value is nil. The caller knows that the name is new.
    package mutating func append(_ name: String, _ value: JSONValue?) {
        if let value { members.append(Member(name, value)) }
    }

    /// Appends a string member unless it is nil or empty (Go's `omitempty`).
    package mutating func append(_ name: String, _ value: String?) {
        if let value, !value.isEmpty { members.append(Member(name, .string(value))) }
    }

    /// Appends an array of strings unless it is empty (Go's `omitempty`).
    package mutating func append(_ name: String, _ value: [String]) {
        if !value.isEmpty { members.append(Member(name, JSONValue(value))) }
    }

    /// Appends an object of strings, sorted by name as Go sorts maps, unless it is empty.
    package mutating func append(_ name: String, _ value: [String: String]) {
        guard !value.isEmpty else { return }
        var object = JSONObject(value.map { Member($0.key, .string($0.value)) })
        object.sort()
        members.append(Member(name, .object(object)))
    }

    /// Appends a set as an object of empty objects, sorted by name, unless it is empty.
    package mutating func append(_ name: String, _ value: Set<String>) {
        guard !value.isEmpty else { return }
        var object = JSONObject(value.map { Member($0, .object(JSONObject())) })
        object.sort()
        members.append(Member(name, .object(object)))
    }

    package mutating func append(_ object: JSONObject) { members += object.members }

    /// Orders the members by the bytes of their names, as Go orders the keys of a map; members of
    /// one name keep their order.
    package mutating func sort() {
        members = members.enumerated().sorted { a, b in
            if a.element.name.utf8.elementsEqual(b.element.name.utf8) { return a.offset < b.offset }
            return a.element.name.utf8.lexicographicallyPrecedes(b.element.name.utf8)
        }.map(\.element)
    }
}
