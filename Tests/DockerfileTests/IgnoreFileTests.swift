import Dockerfile
import Testing

@Suite("Ignore files")
struct IgnoreFileTests {
    static func file(_ text: String) throws -> IgnoreFile {
        try IgnoreFile(parsing: Array(text.utf8))
    }

    @Test("lines are trimmed, cleaned, and know where they stand")
    func lines() throws {
        let file = try Self.file(
            "\u{FEFF}test1\n/test2\n/a/file/here\n\n  lastfile  \n# a comment\n #not one\n"
                + "! /inverted/abs/path \n!\t ./x//y/ \r\n/\n//z\n../up\n!!twice\n# end")
        let shown = file.patterns.map { pattern in
            "\(pattern.line ?? 0) \(pattern.isException ? "!" : "")"
                + String(decoding: pattern.cleaned, as: UTF8.self)
        }
        #expect(
            shown == [
                "1 test1", "2 test2", "3 a/file/here", "5 lastfile", "7 #not one",
                "8 !inverted/abs/path", "9 !x/y", "10 /", "11 z", "12 ../up", "13 !!twice",
            ])
        #expect(file.patterns[5].original == Array("! /inverted/abs/path".utf8))
    }

    @Test(
        "a line that means nothing is refused with its place",
        arguments: [
            ("a\n!\n", .illegalExclusion, 2, "illegal exclusion pattern: \"!\""),
            ("! ", .illegalExclusion, 1, "illegal exclusion pattern: \"!\""),
            ("a\nb\n !/", .illegalExclusion, 3, "illegal exclusion pattern: \"!\""),
            ("a[", .invalidPattern, 1, "syntax error in pattern \"a[\": a '[' is not closed"),
            (
                "x\n!b\\", .invalidPattern, 2,
                "syntax error in pattern \"b\\\\\": it ends with a backslash"
            ),
        ] as [(String, DockerfileError.Code, Int, String)])
    func refusal(text: String, code: DockerfileError.Code, line: Int, message: String) {
        let error = #expect(throws: DockerfileError.self) { try Self.file(text) }
        #expect(error?.code == code)
        #expect(error?.range?.start.line == line)
        #expect(error?.message == message)
    }

    @Test("an error shows the line of the ignore file")
    func rendering() {
        let source = Array("node_modules\n  !x[a\n".utf8)
        let error = #expect(throws: DockerfileError.self) { try IgnoreFile(parsing: source) }
        #expect(
            error?.rendered(source: source, fileName: ".dockerignore") == """
                .dockerignore:2:4: syntax error in pattern "x[a": a '[' is not closed
                   2 |   !x[a
                     |    ^~~
                hint: a backslash makes the next character ordinary
                """)
    }

    @Test("an empty file ignores nothing")
    func empty() throws {
        let matcher = PatternMatcher(try Self.file("\n# only\n\n"))
        #expect(!matcher.match(Array("a/b".utf8)).isIgnored)
        #expect(matcher.match(Array("a".utf8)).decidingPattern == nil)
    }
}
