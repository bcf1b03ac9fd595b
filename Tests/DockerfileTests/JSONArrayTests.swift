import Testing

@testable import Dockerfile

@Suite("The JSON form")
struct JSONArrayTests {
    @Test(
        "an array of strings",
        arguments: [
            ("[]", []), ("[ ]", []), ("[\"\"]", [""]), ("[\"a\"]", ["a"]),
            (" \t[\"a\",\"b\"] ", ["a", "b"]),
            ("[\"a\\\"b\\\\c\\/d\\b\\f\\n\\r\\t\"]", ["a\"b\\c/d\u{8}\u{C}\n\r\t"]),
            ("[\"\\u0041\\u00e9\\u20AC\"]", ["Aé€"]), ("[\"\\ud83d\\ude00\"]", ["😀"]),
            ("[\"\\ud83dx\"]", ["\u{FFFD}x"]), ("[\"\\ude00\"]", ["\u{FFFD}"]),
            ("[\"\\ud83d\\u0041\"]", ["\u{FFFD}A"]), ("[\"é€😀\"]", ["é€😀"]),
            ("\u{A0}[\"a\"]", ["a"]),
        ] as [(String, [String])])
    func strings(text: String, expected: [String]) {
        #expect(JSONArray(parsing: Array(text.utf8)[...]) == .strings(expected))
    }

    @Test(
        "an array of something else",
        arguments: [
            "[1]", "[null]", "[true, false]", "[[]]", "[{}]", "[\"a\", -0.5e+10]", "[[\"a\"]]",
            "[{\"a\": [1, {\"b\": null}], \"c\": \"d\"}]", "[0]", "[1E5]",
        ])
    func otherValues(text: String) {
        #expect(JSONArray(parsing: Array(text.utf8)[...]) == .otherValues)
    }

    @Test(
        "what is no JSON array",
        arguments: [
            "", "a", "{}", "\"a\"", "[", "]", "[\"a\"", "[\"a\",]", "[,\"a\"]", "[\"a\" \"b\"]",
            "[a]",
            "['a']", "[\"a\"] b", "[\"a\"]]", "[\"a\\x\"]", "[\"a\\u12\"]", "[\"a\\u+123\"]",
            "[\"a\\u12g4\"]", "[\"a\tb\"]", "[\"a", "[\"a\\", "[01]", "[1.]", "[.5]", "[+1]", "[-]",
            "[1e]", "[nul]", "[{\"a\"}]", "[{\"a\":}]", "[{a:1}]", "[{\"a\":1,}]", "[}", "[{]}",
            "[1 2]",
            "[\"\\u\"]", "[\"\\", "[\u{A0}\"a\"]",
        ])
    func notJSON(text: String) {
        #expect(JSONArray(parsing: Array(text.utf8)[...]) == .notJSON)
    }

    @Test("deep nesting is read without a deep stack")
    func depth() {
        func nested(_ depth: Int) -> [UInt8] {
            Array(repeating: UInt8(ascii: "["), count: depth)
                + Array(repeating: UInt8(ascii: "]"), count: depth)
        }
        #expect(JSONArray(parsing: nested(10_000)[...]) == .otherValues)
        #expect(JSONArray(parsing: nested(10_001)[...]) == .notJSON)
    }
}
