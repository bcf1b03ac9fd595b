/// A flag that an instruction takes.
struct FlagDefinition: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        case bool
        case string
        /// A string that may be given several times.
        case strings
    }

    var name: String
    var kind: Kind

    static func bool(_ name: String) -> Self { Self(name: name, kind: .bool) }
    static func string(_ name: String) -> Self { Self(name: name, kind: .string) }
    static func strings(_ name: String) -> Self { Self(name: name, kind: .strings) }
}

/// The flags of one instruction, checked against what it takes.
struct InstructionFlags {
    /// A flag's value and where the flag stands.
    struct Value {
        var text: String
        var token: Token
    }

    private var values: [String: [Value]] = [:]

    /// - Throws: `unknownFlag`, `duplicateFlag`, `missingFlagValue`, `invalidFlagValue`.
    init(
        parsing line: InstructionLine, allowing definitions: [FlagDefinition]
    ) throws(DockerfileError) {
        for token in line.flags {
            let equals = token.text.utf8.firstIndex(of: UInt8(ascii: "="))
            let flag = String(token.text[..<(equals ?? token.text.endIndex)])
            let name = String(flag.dropFirst(2))
            guard let definition = definitions.first(where: { $0.name == name }) else {
                throw Self.unknown(flag, token, of: line, definitions)
            }
            if values[name] != nil && definition.kind != .strings {
                throw DockerfileError(
                    .duplicateFlag, "duplicate flag specified: \(flag)", at: line.range(of: token),
                    offending: token.text)
            }
            let text = equals.map { String(token.text[token.text.utf8.index(after: $0)...]) }
            let value = try Self.check(text, of: definition, flag, at: line.range(of: token))
            values[name, default: []].append(Value(text: value, token: token))
        }
    }

    func string(_ name: String) -> String? { values[name]?.last?.text }

    func strings(_ name: String) -> [String] { values[name, default: []].map(\.text) }

    func all(_ name: String) -> [Value] { values[name, default: []] }

    func bool(_ name: String) -> Bool? { string(name).map { $0 == "true" } }

    private static func check(
        _ text: String?, of definition: FlagDefinition, _ flag: String, at range: SourceRange
    ) throws(DockerfileError) -> String {
        let missing = DockerfileError(
            .missingFlagValue, "missing a value on flag: \(flag)", at: range, offending: flag,
            expected: definition.kind == .bool ? "\(flag)=true or \(flag)=false" : "\(flag)=VALUE")
        guard definition.kind == .bool else {
            guard let text else { throw missing }
            return text
        }
        guard let text else { return "true" }
        switch text.asciiLowercased {
        case "": throw missing
        case "true": return "true"
        case "false": return "false"
        default:
            throw DockerfileError(
                .invalidFlagValue, "expecting boolean value for flag \(flag), not: \(text)",
                at: range, offending: text, expected: "true or false")
        }
    }

    private static func unknown(
        _ flag: String, _ token: Token, of line: InstructionLine, _ definitions: [FlagDefinition]
    ) -> DockerfileError {
        let names = definitions.map(\.name)
        let keyword = InstructionKeyword(line.keyword.text)?.rawValue ?? line.keyword.text
        return DockerfileError(
            .unknownFlag, "unknown flag: \(flag)", at: line.range(of: token), offending: flag,
            expected: names.isEmpty
                ? "\(keyword) takes no flags"
                : "one of " + names.sorted().map { "--\($0)" }.joined(separator: ", "),
            hint: Suggestion.hint(for: String(flag.dropFirst(2)), among: names, prefix: "--"))
    }
}
