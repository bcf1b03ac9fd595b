extension WordLexer {
    /// Reads `$name` or `${…}` and returns what it stands for. A `$` that begins neither is
    /// itself.
    mutating func lexDollar(_ value: (String) -> String?) throws(DockerfileError) -> [UInt8] {
        index += 1
        guard peek == UInt8(ascii: "{") else {
            let name = takeName()
            if name.isEmpty { return [UInt8(ascii: "$")] }
            return read(name, value, orElse: "$\(name)")
        }
        index += 1
        switch peek {
        case nil: throw Self.missingBrace
        case UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: ":"):
            throw DockerfileError(.badSubstitution, "syntax error: bad substitution")
        default: break
        }
        let name = takeName()
        guard !isAtEnd else { throw Self.missingBrace }
        let modifier = takeCharacter()
        switch modifier.first {
        case UInt8(ascii: "}"):
            return read(name, value, orElse: "${\(name)}")
        case UInt8(ascii: "/"):
            return try lexReplacement(of: name, value)
        case UInt8(ascii: ":"):
            guard !isAtEnd else { throw Self.missingBrace }
            return try lexModifier(":" + takeCharacter().decoded, of: name, value)
        case UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "?"), UInt8(ascii: "#"),
            UInt8(ascii: "%"):
            return try lexModifier(modifier.decoded, of: name, value)
        default:
            throw Self.unsupported(modifier.decoded)
        }
    }

    /// Reads what follows the modifier up to `}` and applies it.
    private mutating func lexModifier(
        _ modifier: String, of name: String, _ value: (String) -> String?
    ) throws(DockerfileError) -> [UInt8] {
        let kind = modifier.last
        let isPattern = kind == "#" || kind == "%"
        let word = try lexPart(until: UInt8(ascii: "}"), isPattern: isPattern, value) {
            Self.missingBrace
        }
        let current = look(up: name, value, hasAlternative: !isPattern)
        if current == nil && options.contains(.keepUnset) {
            return Array("${\(name)\(modifier)\(word[...].decoded)}".utf8)
        }
        let isMissing = current == nil || (modifier.hasPrefix(":") && current == "")
        switch kind {
        case "-": return isMissing ? word : Array((current ?? "").utf8)
        case "+": return isMissing ? [] : word
        case "?":
            guard isMissing else { return Array((current ?? "").utf8) }
            throw Self.required(name, isUnset: current == nil, message: word[...].decoded)
        case "#", "%":
            return try strip(word, from: current ?? "", atEnd: kind == "%")
        default: throw Self.unsupported(modifier)
        }
    }

    /// `${name#pattern}` and its kin: the pattern begins with the sign once more when the longest
    /// match is wanted.
    private func strip(
        _ word: [UInt8], from current: String, atEnd: Bool
    ) throws(DockerfileError) -> [UInt8] {
        let isLongest = word.first == (atEnd ? UInt8(ascii: "%") : UInt8(ascii: "#"))
        let pattern = try ShellPattern(parsing: isLongest ? word[1...] : word[...])
        let result =
            atEnd
            ? pattern.removingSuffix(from: current, longest: isLongest)
            : pattern.removingPrefix(from: current, longest: isLongest)
        return Array(result.utf8)
    }

    /// `${name/pattern/replacement}` and, with `//`, every match.
    private mutating func lexReplacement(
        of name: String, _ value: (String) -> String?
    ) throws(DockerfileError) -> [UInt8] {
        let replacesAll = peek == UInt8(ascii: "/")
        if replacesAll { index += 1 }
        let pattern = try lexPart(until: UInt8(ascii: "/"), isPattern: true, value) {
            DockerfileError(.badSubstitution, "syntax error: missing '/' in ${}")
        }
        let replacement = try lexPart(until: UInt8(ascii: "}"), isPattern: true, value) {
            Self.missingBrace
        }
        guard let current = look(up: name, value) else {
            if options.contains(.keepUnset) {
                return Array("${\(name)/\(pattern[...].decoded)/\(replacement[...].decoded)}".utf8)
            }
            return try ShellPattern(parsing: pattern[...])
                .replacing(in: "", with: replacement[...].decoded, all: replacesAll)
        }
        return try ShellPattern(parsing: pattern[...])
            .replacing(in: current, with: replacement[...].decoded, all: replacesAll)
    }

    /// Reads up to `stop`; at the end of the text throws what `missing` says instead.
    private mutating func lexPart(
        until stop: UInt8, isPattern: Bool, _ value: (String) -> String?,
        missing: () -> DockerfileError
    ) throws(DockerfileError) -> [UInt8] {
        do {
            return try lex(until: stop, keepingEscapes: isPattern, value).bytes
        } catch {
            throw isAtEnd && error.code == .unterminatedWord ? missing() : error
        }
    }

    private mutating func read(
        _ name: String, _ value: (String) -> String?, orElse reference: String
    ) -> [UInt8] {
        let current = look(up: name, value)
        if current == nil && options.contains(.keepUnset) { return Array(reference.utf8) }
        return Array((current ?? "").utf8)
    }

    private mutating func look(
        up name: String, _ value: (String) -> String?, hasAlternative: Bool = false
    ) -> String? {
        let current = value(name)
        variables.record(name, isSet: current != nil, hasAlternative: hasAlternative)
        return current
    }

    /// Takes a name: letters, digits and `_`; or digits alone; or one special parameter.
    private mutating func takeName() -> String {
        let start = index
        while !isAtEnd {
            let decoded = text.decodedScalar(at: index)
            if index == start {
                if decoded.scalar.isGoDigit { return takeDigits() }
                if "@*#?-$!".utf8.contains(text[index]) { return takeCharacter().decoded }
            }
            guard decoded.scalar.isGoLetter || decoded.scalar.isGoDigit || decoded.scalar == "_"
            else { break }
            index += decoded.width
        }
        return text[start..<index].decoded
    }

    private mutating func takeDigits() -> String {
        let start = index
        while !isAtEnd {
            let decoded = text.decodedScalar(at: index)
            guard decoded.scalar.isGoDigit else { break }
            index += decoded.width
        }
        return text[start..<index].decoded
    }

    private static var missingBrace: DockerfileError {
        DockerfileError(.badSubstitution, "syntax error: missing '}'")
    }

    private static func unsupported(_ modifier: String) -> DockerfileError {
        DockerfileError(
            .unsupportedModifier, "unsupported modifier (\(modifier)) in substitution",
            expected: "one of :- - :+ + :? ? # ## % %% / //")
    }

    private static func required(
        _ name: String, isUnset: Bool, message: String
    ) -> DockerfileError {
        let reason = isUnset ? "is not allowed to be unset" : "is not allowed to be empty"
        return DockerfileError(
            .requiredVariable, "\(name): \(message.isEmpty ? reason : message)",
            hint: "pass it with --build-arg \(name)=… or give its ARG a default")
    }
}
