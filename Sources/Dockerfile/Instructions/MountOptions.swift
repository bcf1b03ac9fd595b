/// The value of `RUN --mount=…`: comma-separated options, in the order they were written.
package struct MountOptions: Hashable, Sendable {
    package struct Option: Hashable, Sendable {
        /// In lower case.
        package var key: String
        /// Nil for an option without `=`, such as `readonly`.
        package var value: String?

        package init(key: String, value: String? = nil) {
            self.key = key
            self.value = value
        }
    }

    package var options: [Option]

    package init(options: [Option]) {
        self.options = options
    }

    /// Reads the value of a `--mount` flag: one record of comma-separated values (RFC 4180).
    ///
    /// - Throws: `invalidMount`, `unexpandableReference`; without a place.
    package init(parsing text: String) throws(DockerfileError) {
        options = []
        for field in try Self.fields(of: text) {
            let equals = field.firstIndex(of: UInt8(ascii: "="))
            let key = field[..<(equals ?? field.endIndex)].decoded.asciiLowercased
            let value = equals.map { field[($0 + 1)...].decoded }
            if key == "from", let value, Self.mayHoldVariable(value) {
                throw DockerfileError(
                    .unexpandableReference,
                    "'from' doesn't support variable expansion, define alias stage instead",
                    offending: value, hint: "FROM \(value) AS NAME, then --mount=from=NAME")
            }
            options.append(Option(key: key, value: value))
        }
    }

    /// The value of the last option with one of these names.
    package subscript(keys: String...) -> String? {
        options.last { keys.contains($0.key) }?.value
    }

    /// `bind` unless the options say otherwise.
    package var type: String { self["type"]?.asciiLowercased ?? "bind" }

    /// The stage or image that the mount is taken from.
    package var from: String? {
        guard let from = self["from"], !from.isEmpty else { return nil }
        return from
    }

    /// Whether expansion leaves the values as they are, whatever the escape character.
    var isLiteral: Bool {
        let special = Set("$\\`'\"".utf8)
        return options.allSatisfy { option in
            option.value?.utf8.allSatisfy { !special.contains($0) } ?? true
        }
    }

    /// Whether `value` holds a `$` that something follows.
    static func mayHoldVariable(_ value: String) -> Bool {
        let bytes = Array(value.utf8)
        return bytes.dropLast().contains(UInt8(ascii: "$"))
    }

    private static func fields(of text: String) throws(DockerfileError) -> [ArraySlice<UInt8>] {
        let bytes = Array(text.utf8)
        let quote = UInt8(ascii: "\"")
        var fields: [ArraySlice<UInt8>] = []
        var index = 0
        repeat {
            var field: [UInt8] = []
            if index < bytes.count, bytes[index] == quote {
                index += 1
                while true {
                    guard index < bytes.count else { throw invalid("an open quote", text) }
                    if bytes[index] == quote {
                        index += 1
                        guard index < bytes.count, bytes[index] == quote else { break }
                    }
                    field.append(bytes[index])
                    index += 1
                }
                guard index == bytes.count || bytes[index] == UInt8(ascii: ",") else {
                    throw invalid("text after a quoted field", text)
                }
            } else {
                while index < bytes.count, bytes[index] != UInt8(ascii: ",") {
                    guard bytes[index] != quote else {
                        throw invalid("a quote inside a field", text)
                    }
                    field.append(bytes[index])
                    index += 1
                }
            }
            fields.append(field[...])
            index += 1
        } while index <= bytes.count
        return fields
    }

    private static func invalid(_ what: String, _ text: String) -> DockerfileError {
        DockerfileError(
            .invalidMount, "failed to parse csv mounts: \(what)", offending: text,
            expected: "key=value,key=value, quoted as a whole field: \"key=a,b\"")
    }
}
