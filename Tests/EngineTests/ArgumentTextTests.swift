import Testing

@testable import Engine

@Suite struct ArgumentTextTests {
    @Test(
        arguments: [
            ([], ""), (Array("web:/etc/ä.txt".utf8), "web:/etc/ä.txt"),
            ([0x61, 0xFF, 0x62], "a\u{10FFFF}b"), ([0xC3, 0xA4, 0xC3], "ä\u{10FFC3}"),
            ([0xE2, 0x82, 0x2F], "\u{10FFE2}\u{10FF82}/"), ([0xC0, 0xAF], "\u{10FFC0}\u{10FFAF}"),
            // What stands for a byte does not stand for itself.
            (Array("\u{10FFFF}".utf8), "\u{10FFF4}\u{10FF8F}\u{10FFBF}\u{10FFBF}"),
            (Array("\u{10FF7F}".utf8), "\u{10FF7F}"),
        ] as [([UInt8], String)])
    func `each argument has one text, and the text its bytes`(_ bytes: [UInt8], _ text: String) {
        #expect(ArgumentText.text(bytes).unicodeScalars.elementsEqual(text.unicodeScalars))
        #expect(ArgumentText.bytes(text) == bytes)
        #expect(ArgumentText.isRaw(text) == (String(validating: bytes, as: UTF8.self) != text))
    }

    @Test func `any bytes come back, and messages show them`() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            let bytes = (0..<Int.random(in: 0...12, using: &random)).map { _ in
                [0x2F, 0x3A, 0xF4, 0x8F, 0xBF, 0xC3, UInt8.random(in: 1...255, using: &random)]
                    .randomElement(using: &random) ?? 1
            }
            #expect(ArgumentText.bytes(ArgumentText.text(bytes)) == bytes, "\(bytes)")
        }
        #expect(ArgumentText.shown(ArgumentText.text([0x61, 0xFF, 0x0A])) == "a\\xFF\n")
    }
}
