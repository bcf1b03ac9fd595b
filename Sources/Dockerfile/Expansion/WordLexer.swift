/// One pass of a `WordExpander` over one word.
struct WordLexer {
    /// How deep `${a:-${b:-…}}` may nest. Each level costs call stack, and no one writes ten.
    static let maximumDepth = 64

    let text: [UInt8]
    let escape: UInt8
    let options: WordExpander.Options
    var index = 0
    var variables = VariableUse()
    private var depth = 0

    /// Whether escape characters stay in the result; it is set inside patterns.
    private var keepsEscapes = false

    init(_ text: [UInt8], escape: EscapeCharacter, options: WordExpander.Options) {
        self.text = text
        self.escape = escape.rawValue
        self.options = options
    }

    struct Result {
        var bytes: [UInt8] = []
        var words: [[UInt8]] = []
    }

    var isAtEnd: Bool { index >= text.count }

    var peek: UInt8? { index < text.count ? text[index] : nil }

    /// Reads up to `stop`, which is taken and left out, or to the end.
    mutating func lex(
        until stop: UInt8?, keepingEscapes: Bool, _ value: (String) -> String?
    ) throws(DockerfileError) -> Result {
        guard depth < Self.maximumDepth else {
            throw DockerfileError(
                .nestingTooDeep, "substitutions nest more than \(Self.maximumDepth) deep")
        }
        depth += 1
        let outerKeepsEscapes = keepsEscapes
        keepsEscapes = keepingEscapes
        defer {
            depth -= 1
            keepsEscapes = outerKeepsEscapes
        }
        var result: [UInt8] = []
        var words = WordCollector()
        while let byte = peek {
            if byte == stop {
                index += 1
                return Result(bytes: result, words: words.finish())
            }
            if let piece = try lexSpecial(byte, value) {
                result.append(contentsOf: piece)
                if byte == UInt8(ascii: "$") {
                    words.split(piece)
                } else {
                    words.append(piece[...])
                }
            } else if byte == escape {
                index += 1
                var piece = keepsEscapes ? [byte] : []
                if !isAtEnd { piece.append(contentsOf: takeCharacter()) }
                result.append(contentsOf: piece)
                if !piece.isEmpty { words.append(piece[...]) }
            } else {
                let character = takeCharacter()
                result.append(contentsOf: character)
                words.split(Array(character))
            }
        }
        if let stop {
            let character = String(Character(Unicode.Scalar(stop)))
            throw DockerfileError(
                .unterminatedWord,
                "unexpected end of statement while looking for matching \(character)")
        }
        return Result(bytes: result, words: words.finish())
    }

    /// Reads a substitution or a quoted part; nil when `byte` begins neither.
    private mutating func lexSpecial(
        _ byte: UInt8, _ value: (String) -> String?
    ) throws(DockerfileError) -> [UInt8]? {
        switch byte {
        case UInt8(ascii: "$"): return try lexDollar(value)
        case UInt8(ascii: "'") where !options.contains(.literalQuotes):
            return try lexSingleQuotes()
        case UInt8(ascii: "\"") where !options.contains(.literalQuotes):
            return try lexDoubleQuotes(value)
        default: return nil
        }
    }

    /// Everything up to the next `'` as it is; nothing escapes it.
    private mutating func lexSingleQuotes() throws(DockerfileError) -> [UInt8] {
        let start = index
        guard let end = text[(index + 1)...].firstIndex(of: UInt8(ascii: "'")) else {
            index = text.count
            throw DockerfileError(
                .unterminatedWord,
                "unexpected end of statement while looking for matching single-quote")
        }
        index = end + 1
        return Array(options.contains(.rawQuotes) ? text[start...end] : text[(start + 1)..<end])
    }

    /// Everything up to the next `"`, with substitutions. The escape character escapes `"`, `$`
    /// and itself; before anything else it is an ordinary character.
    private mutating func lexDoubleQuotes(
        _ value: (String) -> String?
    ) throws(DockerfileError) -> [UInt8] {
        let quote = UInt8(ascii: "\"")
        let marks = options.contains(.rawQuotes) ? [quote] : []
        var result = marks
        index += 1
        while let byte = peek {
            switch byte {
            case quote:
                index += 1
                return result + marks
            case UInt8(ascii: "$"):
                result.append(contentsOf: try lexDollar(value))
            case escape:
                index += 1
                if keepsEscapes { result.append(byte) }
                guard let next = peek else { continue }
                if next == quote || next == UInt8(ascii: "$") || next == escape {
                    index += 1
                    result.append(next)
                } else {
                    result.append(byte)
                }
            default:
                result.append(contentsOf: takeCharacter())
            }
        }
        throw DockerfileError(
            .unterminatedWord,
            "unexpected end of statement while looking for matching double-quote")
    }

    /// Takes the next character, which may be several bytes.
    mutating func takeCharacter() -> ArraySlice<UInt8> {
        let start = index
        index += text.decodedScalar(at: index).width
        return text[start..<index]
    }
}

/// Collects words while text arrives piece by piece.
private struct WordCollector {
    private var words: [[UInt8]] = []
    private var word: [UInt8] = []

    /// Adds text that was quoted or escaped: white space in it does not split.
    mutating func append(_ piece: ArraySlice<UInt8>) {
        word.append(contentsOf: piece)
    }

    /// Adds text that splits at white space.
    mutating func split(_ piece: [UInt8]) {
        var index = 0
        while index < piece.count {
            let decoded = piece.decodedScalar(at: index)
            if decoded.scalar.isGoSpace {
                close()
            } else {
                word.append(contentsOf: piece[index..<(index + decoded.width)])
            }
            index += decoded.width
        }
    }

    mutating func finish() -> [[UInt8]] {
        close()
        return words
    }

    private mutating func close() {
        if !word.isEmpty { words.append(word) }
        word = []
    }
}
