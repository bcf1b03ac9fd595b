/// The character that continues a line and escapes the next character.
package enum EscapeCharacter: UInt8, Hashable, Sendable {
    case backslash = 0x5C
    case backtick = 0x60
}

/// What `# key=value` lines at the very top of a Dockerfile say.
package struct ParserDirectives: Hashable, Sendable {
    /// `# syntax=`: the frontend image the author asks for, with its arguments.
    package var syntax: String?

    /// `# escape=`; a backslash unless the file says otherwise.
    package var escape: EscapeCharacter = .backslash

    /// `# check=`: options of the build checks.
    package var check: String?

    package init() {}
}

/// Recognises parser directives. They stand before everything else: the first line that is none,
/// a blank line and an ordinary comment included, ends them.
///
/// As in BuildKit a `#!` line may come before them. After it `escape` says nothing.
struct DirectiveReader {
    private(set) var directives = ParserDirectives()
    private var seen: Set<String> = []
    private var isDone = false
    private var isAfterShebang = false

    /// Reads one line without its end and without leading white space.
    ///
    /// - Returns: whether the line is a directive.
    /// - Throws: `duplicateDirective`, `invalidEscape`.
    mutating func read(
        _ line: ArraySlice<UInt8>, at range: SourceRange
    ) throws(DockerfileError) -> Bool {
        if range.start == SourcePosition(line: 1, column: 1), line.hasPrefix("#!".utf8) {
            isAfterShebang = true
            return false
        }
        guard !isDone, let (key, value) = Self.split(line) else {
            isDone = true
            return false
        }
        if isAfterShebang, key == "escape" { return false }
        if isAfterShebang, seen.contains(key) {
            // BuildKit reads these leniently: with two of a kind none counts.
            directives = ParserDirectives()
            isDone = true
            return false
        }
        guard seen.insert(key).inserted else {
            throw DockerfileError(
                .duplicateDirective, "only one \(key) parser directive can be used", at: range,
                offending: line.decoded, hint: "remove all but one of the \(key) lines")
        }
        switch key {
        case "syntax": directives.syntax = value
        case "check": directives.check = value
        default:
            switch value {
            case "\\": directives.escape = .backslash
            case "`": directives.escape = .backtick
            default:
                throw DockerfileError(
                    .invalidEscape, "invalid escape token '\(value)' does not match ` or \\",
                    at: range, offending: value, expected: "# escape=` or # escape=\\")
            }
        }
        return true
    }

    /// Splits `# key = value` for the keys that are directives.
    private static func split(_ line: ArraySlice<UInt8>) -> (key: String, value: String)? {
        guard line.first == UInt8(ascii: "#") else { return nil }
        let body = line.dropFirst().droppingLeadingSpace()
        let name = body.prefix { $0.isASCIILetter || $0.isASCIIDigit }
        guard let first = name.first, first.isASCIILetter else { return nil }
        let key = name.decoded.asciiLowercased
        guard ["syntax", "escape", "check"].contains(key) else { return nil }
        let afterName = body[name.endIndex...].drop(while: \.isASCIISpace)
        guard afterName.first == UInt8(ascii: "=") else { return nil }
        let rest = afterName.dropFirst()
        guard !rest.isEmpty else { return nil }
        var value = rest.drop(while: \.isASCIISpace)
        // A value of nothing but white space is its last character.
        if value.isEmpty { value = rest.suffix(1) }
        while value.count > 1, let last = value.last, last.isASCIISpace { value = value.dropLast() }
        return (key, value.decoded)
    }
}
