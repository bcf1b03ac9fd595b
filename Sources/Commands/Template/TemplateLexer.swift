internal import ImageSpec

/// A word of an action.
struct TemplateToken: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        case word(String)
        /// `$` and a name, which may be empty.
        case variable(String)
        /// `.A.B`; without names a lone dot.
        case fields([String])
        case literal(JSONValue)
        case open, close, pipe, declare, assign, comma
    }
    var kind: Kind
    var column: Int
    /// Whether nothing stands between it and the token before.
    var isJoined: Bool
}

/// Cuts a template into texts and actions, and actions into tokens.
struct TemplateLexer {
    enum Piece {
        case text(String)
        case action([TemplateToken], column: Int)
    }

    private let scalars: [Unicode.Scalar]
    private var position = 0

    init(_ text: String) { scalars = Array(text.unicodeScalars) }

    static func pieces(of text: String) throws(TemplateError) -> [Piece] {
        var lexer = TemplateLexer(text)
        return try lexer.pieces()
    }

    private mutating func pieces() throws(TemplateError) -> [Piece] {
        var pieces: [Piece] = []
        var trimsNext = false
        while true {
            let start = position
            while position < scalars.count, !isNext("{{") { position += 1 }
            var text = scalars[start..<position]
            if trimsNext { text = text.drop(while: Self.isBlank) }
            guard position < scalars.count else {
                pieces.append(.text(Self.unescaped(text)))
                return pieces
            }
            let column = position + 1
            position += 2
            // `{{- ` takes the blanks before it away, ` -}}` those after it.
            if isNext("-"), let next = scalar(at: position + 1), Self.isBlank(next) {
                position += 1
                while let last = text.last, Self.isBlank(last) { text.removeLast() }
            }
            pieces.append(.text(Self.unescaped(text)))
            let tokens = try action(column)
            trimsNext = tokens.trims
            if !tokens.isComment { pieces.append(.action(tokens.tokens, column: column)) }
        }
    }

    private mutating func action(
        _ column: Int
    ) throws(TemplateError) -> (tokens: [TemplateToken], trims: Bool, isComment: Bool) {
        var tokens: [TemplateToken] = []
        var isComment = false
        while true {
            let start = position
            while let next = scalar(at: position), Self.isBlank(next) { position += 1 }
            if isNext("}}") {
                position += 2
                return (tokens, false, isComment)
            }
            if position > start, isNext("-}}") {
                position += 3
                return (tokens, true, isComment)
            }
            if tokens.isEmpty, !isComment, isNext("/*") {
                try skipComment(column)
                isComment = true
                continue
            }
            guard position < scalars.count else {
                throw TemplateError(.syntax, "unclosed action", column: column)
            }
            if isComment {
                throw TemplateError(
                    .syntax, "a comment stands alone in its {{ }}", column: position + 1)
            }
            let place = position
            let kind = try token()
            tokens.append(
                TemplateToken(
                    kind: kind, column: place + 1, isJoined: place == start && !tokens.isEmpty))
        }
    }

    private mutating func skipComment(_ column: Int) throws(TemplateError) {
        while position < scalars.count, !isNext("*/") { position += 1 }
        guard position < scalars.count else {
            throw TemplateError(.syntax, "unclosed comment", column: column)
        }
        position += 2
    }

    private mutating func token() throws(TemplateError) -> TemplateToken.Kind {
        let first = scalars[position]
        switch first {
        case "(": return take(1, .open)
        case ")": return take(1, .close)
        case "|": return take(1, .pipe)
        case ",": return take(1, .comma)
        case ":" where isNext(":="): return take(2, .declare)
        case "=": return take(1, .assign)
        case "$":
            position += 1
            return .variable(name())
        case "." where !(scalar(at: position + 1).map(Self.isDigit) ?? false):
            return .fields(fields())
        case "\"": return .literal(.string(try quoted()))
        case "`": return .literal(.string(try raw()))
        case "'": return .literal(try character())
        case ".", "-", "+", "0"..."9": return .literal(try number())
        default:
            let word = name()
            if !word.isEmpty { return .word(word) }
            throw TemplateError(
                .syntax, "unexpected \"\(String(first).visible)\" in command", column: position + 1)
        }
    }

    private mutating func take(_ count: Int, _ kind: TemplateToken.Kind) -> TemplateToken.Kind {
        position += count
        return kind
    }

    /// `.A.B`, from the dot on.
    private mutating func fields() -> [String] {
        var names: [String] = []
        while isNext("."), let next = scalar(at: position + 1), Self.isNamePart(next) {
            position += 1
            names.append(name())
        }
        if names.isEmpty { position += 1 }
        return names
    }

    private mutating func name() -> String {
        let start = position
        while let next = scalar(at: position), Self.isNamePart(next) { position += 1 }
        return Self.string(scalars[start..<position])
    }

    private mutating func number() throws(TemplateError) -> JSONValue {
        let start = position
        position += 1
        while let next = scalar(at: position), isNumberPart(next) { position += 1 }
        let text = Self.string(scalars[start..<position])
        guard let value = GoNumber.literal(text) else {
            throw TemplateError(.syntax, "bad number syntax: \"\(text)\"", column: start + 1)
        }
        return value
    }

    /// Whether a number goes on: a sign belongs to an exponent.
    private func isNumberPart(_ scalar: Unicode.Scalar) -> Bool {
        if Self.isNamePart(scalar) || scalar == "." { return true }
        guard scalar == "-" || scalar == "+", position > 0 else { return false }
        return "eEpP".unicodeScalars.contains(scalars[position - 1])
    }

    /// `'a'`: the character's number.
    private mutating func character() throws(TemplateError) -> JSONValue {
        let start = position
        let text = try quoted(until: "'")
        guard let scalar = text.unicodeScalars.first, text.unicodeScalars.count == 1 else {
            throw TemplateError(.syntax, "malformed character constant", column: start + 1)
        }
        return JSONValue(Int64(scalar.value))
    }

    private mutating func raw() throws(TemplateError) -> String {
        let start = position
        position += 1
        while let next = scalar(at: position), next != "`" { position += 1 }
        guard position < scalars.count else {
            throw TemplateError(.syntax, "unterminated raw quoted string", column: start + 1)
        }
        position += 1
        return Self.string(scalars[(start + 1)..<(position - 1)])
    }

    private static let escapes: [Unicode.Scalar: Unicode.Scalar] = [
        "n": "\n", "t": "\t", "r": "\r", "\"": "\"", "\\": "\\", "'": "'", "a": "\u{7}",
        "b": "\u{8}", "f": "\u{C}", "v": "\u{B}",
    ]

    /// `x41`, `u00e9`, `U0001F600`, `101`: what is behind a backslash.
    private mutating func numbered() -> Unicode.Scalar? {
        guard let kind = scalar(at: position) else { return nil }
        let (skipped, count, radix): (Int, Int, Int)
        switch kind {
        case "x": (skipped, count, radix) = (1, 2, 16)
        case "u": (skipped, count, radix) = (1, 4, 16)
        case "U": (skipped, count, radix) = (1, 8, 16)
        case "0"..."7": (skipped, count, radix) = (0, 3, 8)
        default: return nil
        }
        let start = position + skipped
        guard start + count <= scalars.count,
            let number = UInt32(Self.string(scalars[start..<(start + count)]), radix: radix),
            let scalar = Unicode.Scalar(number)
        else { return nil }
        position = start + count
        return scalar
    }

    private mutating func quoted(
        until quote: Unicode.Scalar = "\""
    ) throws(TemplateError) -> String {
        let start = position
        position += 1
        var text = String.UnicodeScalarView()
        while let next = scalar(at: position), next != "\n" {
            position += 1
            if next == quote { return String(text) }
            guard next == "\\" else {
                text.append(next)
                continue
            }
            if let scalar = numbered() {
                text.append(scalar)
                continue
            }
            guard let escaped = scalar(at: position).flatMap({ Self.escapes[$0] }) else {
                throw TemplateError(
                    .syntax, "invalid syntax: there are the escapes of Go", column: position)
            }
            text.append(escaped)
            position += 1
        }
        throw TemplateError(
            .syntax,
            quote == "'" ? "unterminated character constant" : "unterminated quoted string",
            column: start + 1)
    }

    // MARK: - Scalars

    private func scalar(at index: Int) -> Unicode.Scalar? {
        index < scalars.count ? scalars[index] : nil
    }

    private func isNext(_ text: String) -> Bool {
        scalars[position...].starts(with: text.unicodeScalars)
    }

    /// Shells give `\t` and `\n` as they are written; Docker takes them for a tab and a new line.
    private static func unescaped(_ text: ArraySlice<Unicode.Scalar>) -> String {
        string(text).replacing("\\t", with: "\t").replacing("\\n", with: "\n")
    }

    private static func string(_ text: ArraySlice<Unicode.Scalar>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: text)
        return String(view)
    }

    private static func isBlank(_ scalar: Unicode.Scalar) -> Bool {
        scalar == " " || scalar == "\t" || scalar == "\n" || scalar == "\r"
    }

    private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }

    private static func isNamePart(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "_" || scalar.properties.isAlphabetic || isDigit(scalar)
    }
}
