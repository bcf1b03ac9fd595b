import ImageSpec
import Testing

@Suite("Visible text")
struct VisibleTextTests {
    @Test(arguments: [
        ("plain \u{E9}\u{1F600}", "plain \u{E9}\u{1F600}", "plain \u{E9}\u{1F600}"),
        ("a\tb", "a\tb", "a\tb"), ("a\nb\r", #"a\nb\r"#, "a\nb\\r"),
        ("\u{1B}[2J\u{07}", #"\x1b[2J\x07"#, #"\x1b[2J\x07"#),
        ("\u{7F}\u{9B}1m\0", #"\x7f\x9b1m\x00"#, #"\x7f\x9b1m\x00"#),
    ])
    func `control characters become escapes`(_ text: String, _ line: String, _ lines: String) {
        #expect(text.visible == line)
        #expect(text.visibleLines == lines)
    }
}
