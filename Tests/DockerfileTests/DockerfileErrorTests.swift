import Testing

@testable import Dockerfile

@Suite("Errors")
struct DockerfileErrorTests {
    static func rendered(_ text: String) -> String? {
        let source = Array(text.utf8)
        let error = #expect(throws: DockerfileError.self) { try Dockerfile(parsing: source) }
        return error?.rendered(source: source, fileName: "Dockerfile")
    }

    @Test("an error shows the line, what is wrong in it, and what would help")
    func wholePicture() {
        #expect(
            Self.rendered("FROM alpine\nCOPY --chwon=1:1 a b\n") == """
                Dockerfile:2:6: unknown flag: --chwon
                   2 | COPY --chwon=1:1 a b
                     |      ^~~~~~~
                expected: one of --chmod, --chown, --exclude, --from, --link, --parents
                hint: did you mean --chown?
                """)
    }

    @Test("an instruction of several lines is underlined whole")
    func severalLines() {
        let source = Array("FROM a\nRUN echo one && \\\n# why\n\n\techo two\nRUN x\n".utf8)
        let range = SourceRange(
            start: SourcePosition(line: 2, column: 1), end: SourcePosition(line: 5, column: 10))
        let error = DockerfileError(.unknownInstruction, "it failed", at: range)
        #expect(
            error.rendered(source: source, fileName: "Dockerfile") == """
                Dockerfile:2:1: it failed
                   2 | RUN echo one && \\
                     | ^~~~~~~~~~~~~~~~~
                   3 | # why
                     | ^~~~~
                   4 |\u{20}
                   5 | \techo two
                     | \t^~~~~~~~
                """)
    }

    @Test("of a long instruction the beginning and the end are shown")
    func manyLines() {
        let lines = (1...20).map { "line \($0)" }
        let range = SourceRange(
            start: SourcePosition(line: 2, column: 1), end: SourcePosition(line: 19, column: 8))
        let rendered = DockerfileError(.unknownInstruction, "it failed", at: range)
            .rendered(source: Array(lines.joined(separator: "\n").utf8), fileName: "f")
        let shown = rendered.split(separator: "\n").filter { !$0.contains("~") }.dropFirst()
        #expect(
            shown.map { $0.drop { $0 == " " } } == [
                "2 | line 2", "3 | line 3", "4 | line 4", "5 | line 5", "6 | line 6", "| …",
                "15 | line 15", "16 | line 16", "17 | line 17", "18 | line 18", "19 | line 19",
            ])
    }

    @Test("the underline counts characters and keeps tabs")
    func underline() {
        #expect(
            Self.rendered("FROM alpine\n\tENV\té=1 \"ü x\"\n") == """
                Dockerfile:2:11: Syntax error - can't find = in "\\"ü x\\"". Must be of the form: name=value
                   2 | \tENV\té=1 "ü x"
                     | \t   \t    ^~~~~
                expected: name=value
                hint: put a value that holds blanks into double quotes
                """)
    }

    @Test("an error of expansion points at the word, though it knows only the instruction")
    func refinement() throws {
        let source = Array("FROM alpine\nWORKDIR \\\n  /a/${b:?no b}\n".utf8)
        let file = try Dockerfile(parsing: source)
        let error = #expect(throws: DockerfileError.self) {
            try file.stages[0].instructions[0].expanded(escape: .backslash) { _ in nil }
        }
        #expect(error?.code == .requiredVariable)
        #expect(
            error?.rendered(source: source, fileName: "x/Dockerfile") == """
                x/Dockerfile:3:3: failed to process "/a/${b:?no b}": b: no b
                   3 |   /a/${b:?no b}
                     |   ^~~~~~~~~~~~~
                hint: pass it with --build-arg b=… or give its ARG a default
                """)
    }

    @Test("an error without a place is one line")
    func noPlace() {
        #expect(
            Self.rendered("") == """
                Dockerfile: file with no instructions
                expected: a FROM instruction
                """)
    }

    @Test("an error describes itself in one line")
    func description() {
        let error = #expect(throws: DockerfileError.self) {
            try Dockerfile(parsing: Array("FROM a\nRUNN x".utf8))
        }
        #expect(error.map { "\($0)" } == "2:1: unknown instruction: RUNN (did you mean RUN?)")
    }

    @Test(
        "the nearest word is suggested, and a far one is not",
        arguments: [
            ("CPOY", "COPY"), ("RNU", "RUN"), ("CDM", "CMD"), ("FRO", "FROM"),
            ("ENTRYPIONT", "ENTRYPOINT"), ("RUNS", "RUN"),
            ("X", nil),
            ("XYZZY", nil), ("workdri", "WORKDIR"), ("", nil), ("AG", "ARG"),
        ] as [(String, String?)])
    func suggestion(word: String, expected: String?) {
        let names = InstructionKeyword.allCases.map(\.rawValue)
        #expect(Suggestion.nearest(to: word, among: names, ignoringCase: true) == expected)
    }
}
