extension InstructionParser {
    func parseFrom(_ flags: InstructionFlags) throws(DockerfileError) -> FromInstruction {
        let words = WordSplitter.blankSeparated(line.arguments)
        guard words.count == 1 || (words.count == 3 && words[1].text.asciiLowercased == "as")
        else {
            throw DockerfileError(
                words.isEmpty ? .missingArgument : .tooManyArguments,
                "FROM requires either one or three arguments",
                offending: words.isEmpty ? line.keyword.text : argumentText,
                expected: "FROM [--platform=PLATFORM] IMAGE [AS NAME]")
        }
        var name: String?
        if words.count == 3 { name = try stageName(words[2]) }
        return FromInstruction(
            base: words[0].text, name: name, platform: flags.string("platform").nonEmpty)
    }

    private func stageName(_ word: Token) throws(DockerfileError) -> String {
        let name = word.text.lowercased()
        let isValid =
            name.utf8.first.map { (0x61...0x7A).contains($0) } ?? false
            && name.utf8.allSatisfy {
                $0.isASCIILetter || $0.isASCIIDigit || "-_.".utf8.contains($0)
            }
        guard isValid else {
            throw DockerfileError(
                .invalidStageName,
                "invalid name for build stage: \(word.text.quoted), "
                    + "name can't start with a number or contain symbols",
                at: line.range(of: word), offending: word.text,
                expected: "a letter, then letters, digits, '-', '_' or '.'")
        }
        return name
    }

    func parseArg() throws(DockerfileError) -> ArgInstruction {
        let words = WordSplitter.quoted(line.arguments, escape: escape)
        guard !words.isEmpty else { throw needsOne(.arg) }
        var arguments: [ArgInstruction.Argument] = []
        for word in words {
            guard let equals = word.text.utf8.firstIndex(of: UInt8(ascii: "=")) else {
                arguments.append(ArgInstruction.Argument(name: word.text))
                continue
            }
            let name = String(word.text[..<equals])
            guard !name.isEmpty else { throw blankName(.arg, word) }
            let value = String(word.text[word.text.utf8.index(after: equals)...])
            arguments.append(ArgInstruction.Argument(name: name, defaultValue: value))
        }
        return ArgInstruction(arguments: arguments)
    }

    func parseOnbuild() throws(DockerfileError) -> OnbuildInstruction {
        guard !line.arguments.isEmpty else { throw needsOne(.onbuild) }
        let trigger = try InstructionLine(line.line, in: line.arguments)
        switch InstructionKeyword(trigger.keyword.text) {
        case .onbuild:
            throw DockerfileError(
                .forbiddenTrigger, "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed",
                at: line.range(of: trigger.keyword), offending: trigger.keyword.text)
        case .from, .maintainer:
            let name = trigger.keyword.text.uppercased()
            throw DockerfileError(
                .forbiddenTrigger, "\(name) isn't allowed as an ONBUILD trigger",
                at: line.range(of: trigger.keyword), offending: trigger.keyword.text)
        default: break
        }
        // A trigger that could never run is better refused now than in someone else's build.
        _ = try InstructionParser(line: trigger, escape: escape, heredocs: heredocs).parse()
        var text = line.arguments.decoded
        for heredoc in heredocs {
            text += "\n" + heredoc.content[...].decoded + heredoc.name
        }
        return OnbuildInstruction(trigger: text)
    }
}

extension String? {
    /// The string, or nil when it is empty: a flag given as `--flag=` is a flag not given.
    var nonEmpty: String? { self?.isEmpty == true ? nil : self }
}
