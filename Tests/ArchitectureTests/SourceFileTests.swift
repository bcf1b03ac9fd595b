import Testing

/// The scanner that the other tests of this target see with.
@Suite struct SourceFileTests {
    @Test(
        "comments and the text of strings are no code",
        arguments: [
            ("a! // b!", "a!      "),
            ("/* x! */y", "        y"),
            (#"f("x!", y!)"#, #"f("  ", y!)"#),
            (#""\(a!) b!""#, #"" (a!)   ""#),
            (##"#"\(a!)"# + b!"##, ##"#"     "# + b!"##),
            (#""\"!" + c!"#, #""   " + c!"#),
            (#""\(f("(!)"))!" ; d!"#, #"" (f("   ")) " ; d!"#),
            ("\"\"\"\nx!\n\"\"\"\ny!", "\"\"\"\n  \n\"\"\"\ny!"),
        ])
    func blanks(_ text: String, _ code: String) {
        #expect(SourceFile(path: "x", text: text).code.joined(separator: "\n") == code)
    }

    @Test func `imports are found with their modifiers`() {
        let file = SourceFile(
            path: "x",
            text: """
                internal import CFuse
                @testable import Store
                package import struct FileTree.Tree
                import Glibc.stdio
                let important = 1  // import Nothing
                """)
        #expect(
            file.imports == [
                .init(module: "CFuse", modifiers: ["internal"], line: 1),
                .init(module: "Store", modifiers: ["@testable"], line: 2),
                .init(module: "FileTree", modifiers: ["package"], line: 3),
                .init(module: "Glibc", modifiers: [], line: 4),
            ])
    }
}
