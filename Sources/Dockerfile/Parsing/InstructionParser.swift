/// Turns one split line into an instruction.
struct InstructionParser {
    let line: InstructionLine
    let escape: EscapeCharacter
    /// The heredocs that the line opened, with their bodies.
    let heredocs: [Heredoc]

    /// - Throws: every code under "An instruction's form", and `invalidStageName`.
    func parse() throws(DockerfileError) -> Instruction {
        guard let keyword = InstructionKeyword(line.keyword.text) else { throw unknownInstruction }
        let flags = try InstructionFlags(parsing: line, allowing: keyword.flags)
        do {
            switch keyword {
            case .add: return .add(try parseAdd(flags))
            case .arg: return .arg(try parseArg())
            case .cmd: return .cmd(CmdInstruction(command: try commandForm()))
            case .copy: return .copy(try parseCopy(flags))
            case .entrypoint:
                return .entrypoint(EntrypointInstruction(command: try commandForm()))
            case .env: return .env(EnvInstruction(pairs: try namedValues(keyword)))
            case .expose: return .expose(try parseExpose())
            case .from: return .from(try parseFrom(flags))
            case .healthcheck: return .healthcheck(try parseHealthcheck(flags))
            case .label: return .label(LabelInstruction(pairs: try namedValues(keyword)))
            case .maintainer:
                return .maintainer(MaintainerInstruction(name: try wholeArgument(keyword)))
            case .onbuild: return .onbuild(try parseOnbuild())
            case .run: return .run(try parseRun(flags))
            case .shell: return .shell(try parseShell())
            case .stopsignal:
                return .stopsignal(StopsignalInstruction(signal: try wholeArgument(keyword)))
            case .user: return .user(UserInstruction(user: try wholeArgument(keyword)))
            case .volume: return .volume(try parseVolume())
            case .workdir: return .workdir(WorkdirInstruction(path: try wholeArgument(keyword)))
            }
        } catch {
            throw error.located(at: line.argumentsRange)
        }
    }

    private var unknownInstruction: DockerfileError {
        let name = line.keyword.text
        let names = InstructionKeyword.allCases.map(\.rawValue)
        return DockerfileError(
            .unknownInstruction, "unknown instruction: \(name)", at: line.range(of: line.keyword),
            offending: name, expected: "one of \(names.joined(separator: ", "))",
            hint: Suggestion.hint(for: name, among: names, ignoringCase: true))
    }
}

// What several instructions have in common.
extension InstructionParser {
    /// The arguments as they stand.
    var argumentText: String { line.arguments.decoded }

    func needsOne(_ keyword: InstructionKeyword) -> DockerfileError {
        DockerfileError(
            .missingArgument, "\(keyword.rawValue) requires at least one argument",
            offending: line.keyword.text)
    }

    /// The whole rest of the line as one argument.
    func wholeArgument(_ keyword: InstructionKeyword) throws(DockerfileError) -> String {
        guard !line.arguments.isEmpty else {
            throw DockerfileError(
                .missingArgument, "\(keyword.rawValue) requires exactly one argument",
                offending: line.keyword.text)
        }
        return argumentText
    }

    /// The strings of the JSON form of the arguments, or nil for the shell form.
    func jsonStrings() throws(DockerfileError) -> [String]? { try jsonStrings(line.arguments) }

    /// The strings of the JSON form of a part of the line, or nil for the shell form.
    func jsonStrings(_ text: ArraySlice<UInt8>) throws(DockerfileError) -> [String]? {
        switch JSONArray(parsing: text) {
        case .strings(let strings): return strings
        case .notJSON: return nil
        case .otherValues:
            throw DockerfileError(
                .notStringArray,
                "when using JSON array syntax, arrays must be comprised of strings only",
                at: line.line.range(of: text.startIndex..<text.endIndex), offending: text.decoded,
                expected: "[\"one\", \"two\"]",
                hint: "put numbers and words into double quotes")
        }
    }

    func commandForm() throws(DockerfileError) -> CommandForm {
        if let strings = try jsonStrings() { return .exec(strings) }
        return .shell(argumentText)
    }

    /// The strings of the JSON form, or the words of the other.
    func list() throws(DockerfileError) -> [String] {
        if let strings = try jsonStrings() { return strings }
        return WordSplitter.blankSeparated(line.arguments).map(\.text)
    }

    /// `NAME=VALUE …`, or `NAME VALUE` when the first word has no `=`.
    func namedValues(_ keyword: InstructionKeyword) throws(DockerfileError) -> [NamedValue] {
        let words = WordSplitter.quoted(line.arguments, escape: escape)
        guard let first = words.first else { throw needsOne(keyword) }
        if !first.text.utf8.contains(UInt8(ascii: "=")) { return [try legacyPair(keyword)] }
        var pairs: [NamedValue] = []
        for word in words {
            guard let equals = word.text.utf8.firstIndex(of: UInt8(ascii: "=")) else {
                throw DockerfileError(
                    .malformedPair,
                    "Syntax error - can't find = in \(word.text.quoted). "
                        + "Must be of the form: name=value",
                    at: line.range(of: word), offending: word.text, expected: "name=value",
                    hint: "put a value that holds blanks into double quotes")
            }
            let name = String(word.text[..<equals])
            guard !name.isEmpty else { throw blankName(keyword, word) }
            let value = String(word.text[word.text.utf8.index(after: equals)...])
            pairs.append(NamedValue(name: name, value: value))
        }
        return pairs
    }

    func blankName(_ keyword: InstructionKeyword, _ word: Token) -> DockerfileError {
        DockerfileError(
            .blankName, "\(keyword.rawValue) names can not be blank", at: line.range(of: word),
            offending: word.text, expected: "name=value")
    }

    /// `NAME VALUE`: the value is the rest of the line.
    private func legacyPair(_ keyword: InstructionKeyword) throws(DockerfileError) -> NamedValue {
        let name = line.arguments.prefix { !$0.isASCIISpace }
        let rest = line.arguments[name.endIndex...]
        guard !rest.isEmpty else {
            throw DockerfileError(
                .missingArgument, "\(keyword.rawValue) must have two arguments",
                offending: argumentText, expected: "name=value",
                hint: "\(keyword.rawValue) \(name.decoded)= sets an empty value")
        }
        return NamedValue(name: name.decoded, value: rest.drop(while: \.isASCIISpace).decoded)
    }
}
