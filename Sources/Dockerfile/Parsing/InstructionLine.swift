/// A piece of a logical line.
struct Token: Hashable, Sendable {
    /// What it says: quotes and escapes may have been taken out.
    var text: String
    /// Where it stands in the logical line.
    var offsets: Range<Int>
}

/// A logical line split into its keyword, its flags, and the rest.
struct InstructionLine {
    let line: LogicalLine
    let keyword: Token
    let flags: [Token]

    /// The arguments without white space around them. Indices are offsets in `line.text`.
    let arguments: ArraySlice<UInt8>

    /// - Throws: `notUTF8`.
    init(_ line: LogicalLine) throws(DockerfileError) {
        try self.init(line, in: line.text[...])
    }

    /// Splits a part of a logical line: what follows `ONBUILD`.
    init(_ line: LogicalLine, in part: ArraySlice<UInt8>) throws(DockerfileError) {
        guard String(validating: part, as: UTF8.self) != nil else {
            throw DockerfileError(
                .notUTF8, "the instruction is not valid UTF-8", at: line.range,
                hint: "save the file as UTF-8; a heredoc may hold other bytes")
        }
        let text = part.trimmingSpace()
        let name = text.prefix { !$0.isASCIISpace }
        self.line = line
        keyword = Token(text: name.decoded, offsets: name.startIndex..<name.endIndex)
        var scanner = FlagScanner(text[name.endIndex...].drop(while: \.isASCIISpace))
        flags = scanner.scan()
        arguments = scanner.rest.trimmingSpace()
    }

    /// The instruction as one line, as `docker history` shows it.
    var original: String { line.text[...].trimmingSpace().decoded }

    func range(of token: Token) -> SourceRange { line.range(of: token.offsets) }

    /// The range of the arguments, or of the keyword when there are none.
    var argumentsRange: SourceRange {
        arguments.isEmpty
            ? range(of: keyword) : line.range(of: arguments.startIndex..<arguments.endIndex)
    }
}

/// Takes the `--name=value` words off the front of an instruction's arguments.
///
/// Quotes join words and are dropped; a backslash escapes the next character, whatever the
/// file's escape character is.
private struct FlagScanner {
    private(set) var rest: ArraySlice<UInt8>

    init(_ text: ArraySlice<UInt8>) {
        rest = text
    }

    /// Reads all flags. `--` ends them and is dropped.
    mutating func scan() -> [Token] {
        var flags: [Token] = []
        while true {
            rest = rest.drop(while: \.isASCIISpace)
            guard rest.hasPrefix([0x2D, 0x2D]) else { return flags }
            let word = scanWord()
            if word.text == "--" { return flags }
            flags.append(word)
        }
    }

    private mutating func scanWord() -> Token {
        let start = rest.startIndex
        var index = start
        var word: [UInt8] = []
        var quote: UInt8?
        while index < rest.endIndex {
            let byte = rest[index]
            if byte == EscapeCharacter.backslash.rawValue {
                index += 1
                if index < rest.endIndex { word.append(rest[index]) }
            } else if let open = quote {
                if byte == open { quote = nil } else { word.append(byte) }
            } else if byte.isASCIISpace {
                break
            } else if byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") {
                quote = byte
            } else {
                word.append(byte)
            }
            index += 1
        }
        let end = min(index, rest.endIndex)
        rest = rest[end...]
        return Token(text: word[...].decoded, offsets: start..<end)
    }
}
