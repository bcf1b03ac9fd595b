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

    @Test(
        arguments: [
            ([0x64, 0xFF, 0x69], #"d\xffi"#), ([0xC3, 0xA9, 0xC3], "\u{E9}\\xc3"),
            ([0xE2, 0x82, 0x0A, 0x1B], #"\xe2\x82\n\x1b"#), ([], ""),
            ([0xED, 0xA0, 0x80, 0x5C, 0x78], #"\xed\xa0\x80\x"#),
        ] as [([UInt8], String)])
    func `bytes that are not UTF-8 become escapes`(_ bytes: [UInt8], _ text: String) {
        #expect(String(visible: bytes) == text)
    }
}
