/// One pattern of an ignore file, or of `COPY --exclude`.
package struct IgnorePattern: Hashable, Sendable {
    /// The pattern as it was written, `!` included.
    package let original: [UInt8]

    /// Whether the pattern takes back what an earlier one left out.
    package let isException: Bool

    /// The line of the file, from 1; nil for a pattern that comes from no file.
    package let line: Int?

    /// What is compared with paths: clean, relative, without `!`.
    package let cleaned: [UInt8]

    private let glob: GlobPattern

    /// - Parameter text: the pattern; white space around it does not count.
    /// - Throws: `illegalExclusion`, `invalidPattern`; without a place.
    package init(parsing text: ArraySlice<UInt8>, line: Int? = nil) throws(DockerfileError) {
        var pattern = text.trimmingSpace()
        original = Array(pattern)
        isException = pattern.first == UInt8(ascii: "!")
        self.line = line
        if isException { pattern = pattern.dropFirst().trimmingSpace() }
        var path = pattern.isEmpty ? [] : pattern.cleanedPath()
        if path.count > 1 && path.first == UInt8(ascii: "/") { path.removeFirst() }
        guard !path.isEmpty, !(isException && path == [UInt8(ascii: "/")]) else {
            let shown = isException ? "!" : ""
            throw DockerfileError(
                .illegalExclusion, "illegal exclusion pattern: \(shown.quoted)",
                offending: original[...].decoded, expected: "!PATTERN")
        }
        cleaned = path
        // Two readings: the syntax is Go's filepath.Match's, the meaning that of ignore files.
        _ = try GlobPattern(parsing: path, dialect: .fileName)
        glob = try GlobPattern(parsing: path, dialect: .ignoreFile)
    }

    /// Whether all that stands in the root is matched, whatever it is called.
    var isEverything: Bool { ["*", "**", "**/*"].contains { cleaned.elementsEqual($0.utf8) } }

    /// Whether the pattern matches this path itself, whatever holds for its parents.
    package func matches(_ path: ArraySlice<UInt8>) -> Bool { glob.matches(path) }

    /// Whether the pattern could match something below a directory.
    package func couldMatch(below directory: ArraySlice<UInt8>) -> Bool {
        glob.couldMatch(below: directory)
    }
}
