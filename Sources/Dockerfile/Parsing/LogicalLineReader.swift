/// Turns a Dockerfile's bytes into logical lines: drops comments and blank lines, joins
/// continuations, reads parser directives and the bodies of heredocs.
struct LogicalLineReader {
    /// How long a line may be, without its end. BuildKit's limit (Go's `bufio.Scanner`): a file
    /// that one tool takes, the other takes too.
    static let maximumLineBytes = 65_535

    static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    /// A line of the source. `content` has no line end; `bytes` has it.
    private struct PhysicalLine {
        var number: Int
        var bytes: ArraySlice<UInt8>
        var content: ArraySlice<UInt8>

        var start: SourcePosition { SourcePosition(line: number, column: 1) }

        /// The place of a byte of `content` or one past it.
        func position(of index: Int) -> SourcePosition {
            SourcePosition(line: number, column: index - bytes.startIndex + 1)
        }

        func range(of slice: ArraySlice<UInt8>) -> SourceRange {
            SourceRange(start: position(of: slice.startIndex), end: position(of: slice.endIndex))
        }
    }

    /// What `next()` returns.
    struct Element {
        var line: LogicalLine
        /// The comment lines since the last instruction, without their `#`.
        var comments: [String]
    }

    private let source: [UInt8]
    private var offset: Int
    private var lineNumber = 0
    private var directiveReader = DirectiveReader()
    private var comments: [String] = []
    /// Of the lines from where it was first needed.
    private var lineIndex: LineIndex?
    private(set) var warnings: [DockerfileWarning] = []

    init(source: [UInt8]) {
        self.source = source
        self.offset = source.hasPrefix(Self.byteOrderMark) ? 3 : 0
    }

    var directives: ParserDirectives { directiveReader.directives }

    /// The number of the last line that was read; 0 before the first.
    var lastLineNumber: Int { lineNumber }

    /// The next logical line that is not blank, or nil at the end.
    ///
    /// - Throws: `lineTooLong`, `duplicateDirective`, `invalidEscape`.
    mutating func next() throws(DockerfileError) -> Element? {
        while let physical = try readLine() {
            let text = physical.content.droppingLeadingSpace()
            let isDirective = try directiveReader.read(text, at: physical.range(of: text))
            if text.first == UInt8(ascii: "#") {
                if !isDirective { note(comment: text) }
                continue
            }
            let (start, continues) = withoutContinuation(text)
            if start.isEmpty && !continues { continue }
            var line = LogicalLine(text: start, start: physical.position(of: start.startIndex))
            if continues { try appendContinuations(to: &line) }
            defer { comments = [] }
            return Element(line: line, comments: comments)
        }
        return nil
    }

    /// Whether a line with this content is still to come. Reads nothing.
    mutating func hasLine(_ content: [UInt8], droppingTabs: Bool) -> Bool {
        let lines = lineIndex ?? LineIndex(source, from: offset)
        lineIndex = lines
        return lines.has(content[...], from: offset, droppingTabs: droppingTabs)
    }

    /// Reads the body of a heredoc up to and with the line that ends it.
    ///
    /// - Returns: the body as it stands in the file, or nil when the file ends first.
    mutating func readHeredoc(
        until terminator: [UInt8], droppingTabs: Bool
    ) throws(DockerfileError) -> [UInt8]? {
        var body: [UInt8] = []
        while let physical = try readLine() {
            var candidate = physical.content
            if droppingTabs { candidate = candidate.drop { $0 == 0x09 } }
            if candidate.elementsEqual(terminator) { return body }
            body.append(contentsOf: physical.bytes)
        }
        return nil
    }

    /// The position after the last line that was read.
    var lastPosition: SourcePosition {
        let end = source[..<offset].last == 0x0A ? offset - 1 : offset
        let start = source[..<end].lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        return SourcePosition(line: max(1, lineNumber), column: end - start + 1)
    }

    private mutating func appendContinuations(to line: inout LogicalLine) throws(DockerfileError) {
        var emptyLine: SourceRange?
        while let physical = try readLine() {
            let text = physical.content.droppingLeadingSpace()
            if text.first == UInt8(ascii: "#") { continue }
            if text.isEmpty {
                emptyLine = emptyLine ?? SourceRange(start: physical.start, end: physical.start)
                continue
            }
            // Unlike the first line, a continuation keeps its leading white space.
            let (content, continues) = withoutContinuation(physical.content)
            line.append(content, start: physical.position(of: content.startIndex))
            if !continues { break }
        }
        if let emptyLine {
            warnings.append(
                DockerfileWarning(
                    .noEmptyContinuation,
                    "Empty continuation line", at: emptyLine))
        }
    }

    /// Drops an escape character at the end of a line, with the blanks after it. One that is
    /// itself escaped does not count, unless it stands alone.
    private func withoutContinuation(
        _ text: ArraySlice<UInt8>
    ) -> (text: ArraySlice<UInt8>, continues: Bool) {
        let escape = directives.escape.rawValue
        var trimmed = text
        while let last = trimmed.last, last == 0x20 || last == 0x09 { trimmed = trimmed.dropLast() }
        guard trimmed.last == escape else { return (text, false) }
        trimmed = trimmed.dropLast()
        return trimmed.last == escape ? (text, false) : (trimmed, true)
    }

    private mutating func note(comment: ArraySlice<UInt8>) {
        let text = comment.dropFirst().trimmingSpace()
        if text.isEmpty { comments = [] } else { comments.append(text.decoded) }
    }

    private mutating func readLine() throws(DockerfileError) -> PhysicalLine? {
        guard offset < source.count else { return nil }
        let newline = source[offset...].firstIndex(of: 0x0A)
        let bytes = source[offset..<(newline.map { $0 + 1 } ?? source.count)]
        offset = bytes.endIndex
        lineNumber += 1
        guard bytes.count - (newline == nil ? 0 : 1) <= Self.maximumLineBytes else {
            let start = SourcePosition(line: lineNumber, column: 1)
            throw DockerfileError(
                .lineTooLong,
                "dockerfile line greater than max allowed size of \(Self.maximumLineBytes)",
                at: SourceRange(start: start, end: start),
                hint: "break the line, or keep the text in a file and COPY it")
        }
        return PhysicalLine(number: lineNumber, bytes: bytes, content: bytes.droppingLineEnd())
    }
}
