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
                throw TemplateError(.syntax, "this {{ has no }}", column: column)
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
            throw TemplateError(.syntax, "this comment has no */", column: column)
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
        case "-", "+", "0"..."9": return .literal(try number())
        default:
            let word = name()
            if !word.isEmpty { return .word(word) }
            throw TemplateError(
                .syntax, "\"\(String(first).visible)\" has no meaning here", column: position + 1)
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
        while let next = scalar(at: position), Self.isNamePart(next) || next == "." {
            position += 1
        }
        let text = Self.string(scalars[start..<position])
        if let value = Int64(text) { return JSONValue(value) }
        // A whole number that does not fit is none.
        guard let value = Double(text), value.isFinite, text.contains(where: { !$0.isNumber })
        else {
            throw TemplateError(.syntax, "\"\(text)\" is no number", column: start + 1)
        }
        return Int64(exactly: value).map { JSONValue($0) } ?? .number("\(value)")
    }

    private mutating func raw() throws(TemplateError) -> String {
        let start = position
        position += 1
        while let next = scalar(at: position), next != "`" { position += 1 }
        guard position < scalars.count else {
            throw TemplateError(.syntax, "this text has no end", column: start + 1)
        }
        position += 1
        return Self.string(scalars[(start + 1)..<(position - 1)])
    }

    private static let escapes: [Unicode.Scalar: Unicode.Scalar] = [
        "n": "\n", "t": "\t", "r": "\r", "\"": "\"", "\\": "\\", "'": "'",
    ]

    private mutating func quoted() throws(TemplateError) -> String {
        let start = position
        position += 1
        var text = String.UnicodeScalarView()
        while let next = scalar(at: position), next != "\n" {
            position += 1
            if next == "\"" { return String(text) }
            guard next == "\\" else {
                text.append(next)
                continue
            }
            guard let escaped = scalar(at: position).flatMap({ Self.escapes[$0] }) else {
                throw TemplateError(
                    .syntax, "there are the escapes \\n, \\t, \\r, \\\" and \\\\", column: position)
            }
            text.append(escaped)
            position += 1
        }
        throw TemplateError(.syntax, "this text has no closing quote", column: start + 1)
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
