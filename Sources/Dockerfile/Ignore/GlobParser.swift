/// Reads a glob pattern.
struct GlobParser {
    private let pattern: [UInt8]
    private let dialect: GlobPattern.Dialect
    private var index = 0
    private var elements: [GlobPattern.Element] = []
    /// Whether anything but literals was read after a leading `**`.
    private var hasWildcardAfterLead = false

    init(_ pattern: [UInt8], dialect: GlobPattern.Dialect) {
        self.pattern = pattern
        self.dialect = dialect
    }

    /// - Throws: `invalidPattern`.
    mutating func parse() throws(DockerfileError) -> [GlobPattern.Element] {
        while index < pattern.count {
            switch pattern[index] {
            case UInt8(ascii: "*"): parseStars()
            case UInt8(ascii: "?"):
                index += 1
                append(wildcard: .anyCharacter)
            case UInt8(ascii: "["):
                index += 1
                append(wildcard: .oneOf(try parseRanges()))
            case UInt8(ascii: "\\"):
                index += 1
                guard index < pattern.count else { throw invalid("it ends with a backslash") }
                hasWildcardAfterLead = true
                elements.append(.literal(takeCharacter()))
            case UInt8(ascii: "]"):
                hasWildcardAfterLead = true
                elements.append(.literal(takeCharacter()))
            default: elements.append(.literal(takeCharacter()))
            }
        }
        return normalised()
    }

    /// A leading `**` with a name right after it, and no other wildcard, matches every path that
    /// ends so: `**foo` is "ends with foo", while `**foo*` begins at a name. So it is in Docker.
    private func normalised() -> [GlobPattern.Element] {
        guard dialect == .ignoreFile, !hasWildcardAfterLead, elements.first == .directories,
            pattern.count > 2, pattern[2] != UInt8(ascii: "/")
        else { return elements }
        return [.everything] + elements.dropFirst(2)
    }

    private mutating func append(wildcard: GlobPattern.Element) {
        hasWildcardAfterLead = true
        elements.append(wildcard)
    }

    private mutating func parseStars() {
        let start = index
        index += 1
        guard dialect == .ignoreFile, index < pattern.count, pattern[index] == UInt8(ascii: "*")
        else {
            // Two stars in a row say no more than one.
            if elements.last != .anyRun { append(wildcard: .anyRun) }
            return
        }
        index += 1
        if index < pattern.count, pattern[index] == UInt8(ascii: "/") { index += 1 }
        if start > 0 { hasWildcardAfterLead = true }
        if index == pattern.count {
            elements.append(.everything)
        } else {
            elements.append(.directories)
            elements.append(.insideDirectories)
        }
    }

    /// Reads a bracket expression after its `[`.
    private mutating func parseRanges() throws(DockerfileError) -> GlobPattern.CharacterRanges {
        var ranges: [ClosedRange<UInt32>] = []
        var isNegated = false
        if index < pattern.count, pattern[index] == UInt8(ascii: "^") {
            isNegated = true
            index += 1
        }
        while true {
            guard index < pattern.count else { throw invalid("a '[' is not closed") }
            if pattern[index] == UInt8(ascii: "]") && !ranges.isEmpty {
                index += 1
                return GlobPattern.CharacterRanges(ranges: ranges, isNegated: isNegated)
            }
            let low = try parseRangeBound()
            var high = low
            if pattern[index] == UInt8(ascii: "-") {
                index += 1
                high = try parseRangeBound()
            }
            // A range from high to low holds nothing.
            ranges.append(low <= high ? low...high : UInt32.max...UInt32.max)
        }
    }

    /// Reads one character of a bracket expression. More of the pattern follows it.
    private mutating func parseRangeBound() throws(DockerfileError) -> UInt32 {
        guard index < pattern.count else { throw invalid("a '[' is not closed") }
        switch pattern[index] {
        case UInt8(ascii: "-"), UInt8(ascii: "]"):
            throw invalid("a '[' has no character where one belongs")
        case UInt8(ascii: "\\"):
            index += 1
            guard index < pattern.count else { throw invalid("it ends with a backslash") }
        default: break
        }
        let character = takeCharacter()
        guard character < GlobPattern.invalidByteBase else { throw invalid("it is not UTF-8") }
        guard index < pattern.count else { throw invalid("a '[' is not closed") }
        return character
    }

    private mutating func takeCharacter() -> UInt32 {
        let (character, width) = pattern.globCharacter(at: index)
        index += width
        return character
    }

    private func invalid(_ reason: String) -> DockerfileError {
        let text = pattern[...].decoded
        return DockerfileError(
            .invalidPattern, "syntax error in pattern \(text.quoted): \(reason)", offending: text,
            hint: "a backslash makes the next character ordinary")
    }
}
