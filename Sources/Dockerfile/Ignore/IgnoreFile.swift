/// A `.dockerignore` file: patterns of what the build context leaves out, in order.
package struct IgnoreFile: Hashable, Sendable {
    package var patterns: [IgnorePattern]

    /// Parses an ignore file: `#` in the first column begins a comment, blanks around a pattern
    /// are dropped, paths are cleaned and made relative, `!` makes an exception.
    ///
    /// - Throws: `illegalExclusion` for a lone `!`, `invalidPattern`; with the line's range.
    package init(parsing source: [UInt8]) throws(DockerfileError) {
        patterns = []
        let start = source.hasPrefix(LogicalLineReader.byteOrderMark) ? 3 : 0
        let lines = source[start...].split(separator: 0x0A, omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() where line.first != UInt8(ascii: "#") {
            let text = line.trimmingSpace()
            guard !text.isEmpty else { continue }
            let column = text.startIndex - line.startIndex + 1
            let range = SourceRange(
                start: SourcePosition(line: index + 1, column: column),
                end: SourcePosition(line: index + 1, column: column + text.count))
            do throws(DockerfileError) {
                patterns.append(try IgnorePattern(parsing: text, line: index + 1))
            } catch {
                throw error.located(at: range)
            }
        }
    }
}
