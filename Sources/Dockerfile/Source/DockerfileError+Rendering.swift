extension DockerfileError {
    /// The error as a terminal shows it: place and message, the source line with the offending
    /// text underlined, what was expected, and a hint.
    ///
    ///     Dockerfile:3:6: unknown flag: --chwon
    ///        3 | COPY --chwon=1:1 a b
    ///          |      ^~~~~~~
    ///     expected: --checksum, --chmod or --chown
    ///     hint: did you mean --chown?
    ///
    /// Of an instruction of several lines each is shown; of a long one, such as a heredoc, those in the
    /// middle are left out.
    /// - Parameters:
    ///   - source: the bytes that were parsed.
    ///   - fileName: how the reader knows the file.
    package func rendered(source: [UInt8], fileName: String) -> String {
        guard let range = refinedRange(in: source) else {
            return ["\(fileName): \(message)", details].filter { !$0.isEmpty }
                .joined(separator: "\n")
        }
        var lines = ["\(fileName):\(range.start.line):\(range.start.column): \(message)"]
        lines += Self.excerpt(range, of: source)
        if !details.isEmpty { lines.append(details) }
        return lines.joined(separator: "\n")
    }

    /// So many lines of a range are shown at its beginning, and as many at its end.
    private static let shownLines = 5

    /// The range's lines, each with its underline.
    private static func excerpt(_ range: SourceRange, of source: [UInt8]) -> [String] {
        let last = max(range.start.line, range.end.line)
        let width = max(4, String(last).utf8.count)
        let margin = String(repeating: " ", count: width)
        var lines: [String] = []
        for number in range.start.line...last {
            let isLeftOut =
                number - range.start.line >= shownLines && last - number >= shownLines
            if isLeftOut {
                if number - range.start.line == shownLines { lines.append("\(margin) | …") }
                continue
            }
            guard let line = line(number, of: source) else { break }
            let padding = String(repeating: " ", count: width - String(number).utf8.count)
            let marks = underline(range, in: line, number)
            lines.append("\(padding)\(number) | \(line.decoded)")
            if !marks.isEmpty { lines.append("\(margin) | \(marks)") }
        }
        return lines
    }

    /// The lines after the source.
    private var details: String {
        var lines: [String] = []
        if let expected { lines.append("expected: \(expected)") }
        if let hint { lines.append("hint: \(hint)") }
        return lines.joined(separator: "\n")
    }

    /// The place of the offending text when it can be found inside the known range, which for
    /// an error of expansion is the whole instruction.
    private func refinedRange(in source: [UInt8]) -> SourceRange? {
        guard let range, let offendingText, !offendingText.isEmpty else { return range }
        let needle = Array(offendingText.utf8)
        for number in range.start.line...max(range.start.line, range.end.line) {
            guard let line = Self.line(number, of: source) else { break }
            let from = number == range.start.line ? range.start.column - 1 : 0
            guard line.count >= from + needle.count else { continue }
            let last = line.endIndex - needle.count
            for index in (line.startIndex + from)...last where line[index...].hasPrefix(needle) {
                let column = index - line.startIndex + 1
                return SourceRange(
                    start: SourcePosition(line: number, column: column),
                    end: SourcePosition(line: number, column: column + needle.count))
            }
        }
        return range
    }

    /// The bytes of a line, without its line end and a byte order mark.
    private static func line(_ number: Int, of source: [UInt8]) -> ArraySlice<UInt8>? {
        var start = source.startIndex
        for _ in 1..<max(1, number) {
            guard let newline = source[start...].firstIndex(of: 0x0A) else { return nil }
            start = newline + 1
        }
        var line = source[start...].prefix { $0 != 0x0A }
        if number == 1, line.hasPrefix(LogicalLineReader.byteOrderMark) { line = line.dropFirst(3) }
        while line.last == 0x0D { line = line.dropLast() }
        return line
    }

    /// Spaces up to the range and a mark under each of its characters on the line. Tabs stay tabs, so
    /// that the marks stand where the text does. Empty for a further line that has nothing.
    private static func underline(
        _ range: SourceRange, in line: ArraySlice<UInt8>, _ number: Int
    ) -> String {
        let isFirst = number == range.start.line
        let blanks = line.prefix { $0 == 0x20 || $0 == 0x09 }.count
        let column = isFirst ? max(0, range.start.column - 1) : blanks
        let start = min(line.startIndex + column, line.endIndex)
        let last =
            number == range.end.line
            ? min(line.startIndex + max(0, range.end.column - 1), line.endIndex) : line.endIndex
        let end = max(start, last)
        if !isFirst, start == end { return "" }
        let lead = line[..<start].decoded.unicodeScalars.map { $0 == "\t" ? "\t" : " " }
        let width = line[start..<end].decoded.unicodeScalars.count
        return lead.joined() + "^" + String(repeating: "~", count: max(0, width - 1))
    }
}
