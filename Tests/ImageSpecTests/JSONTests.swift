import Testing

@testable import ImageSpec

private func parse(_ text: String) throws(ImageSpecError) -> JSONValue {
    try JSONParser.parse(Array(text.utf8))
}

@Suite struct JSONTests {
    @Test(arguments: [
        #"null"#, #"true"#, #"[]"#, #"{}"#, #"[1,-0,2.50,1e+9,12345678901234567890]"#,
        #"{"z":1,"a":{"b":[false,null]},"z":2}"#, #""a/b""#, #""\"\\\n\r\t\b\f\u0001\u003c\u0026""#,
        #""é😀""#, #""\u2028""#,
    ])
    func `what Go writes is written back byte for byte`(_ text: String) throws {
        #expect(String(decoding: try parse(text).encoded, as: UTF8.self) == text)
    }

    @Test(arguments: [
        (#" { "a" : [ 1 , 2 ] } "#, #"{"a":[1,2]}"#), (#""\u00e9\ud83d\ude00\/""#, #""é😀/""#),
        (#""\ud800x""#, "\"\u{FFFD}x\""), (#""\ud800\u0041""#, "\"\u{FFFD}A\""),
        (#""\udc00""#, "\"\u{FFFD}\""),
    ])
    func `other spellings are written as Go does it`(_ text: String, _ expected: String) throws {
        #expect(String(decoding: try parse(text).encoded, as: UTF8.self) == expected)
    }

    @Test func `bytes that are not UTF-8 are replaced`() throws {
        #expect(try JSONParser.parse([0x22, 0x61, 0xFF, 0x22]) == .string("a\u{FFFD}"))
    }

    @Test(arguments: [
        ("", 0), ("{", 1), ("[1", 2), ("[1,]", 3), (#"{"a"}"#, 4), (#"{"a":}"#, 5), (#"{a:1}"#, 1),
        ("01", 2), ("-", 1), ("1.", 2), ("1e", 2), ("tru", 0), ("nul", 0), ("1 2", 2),
        (#""abc"#, 4),
        (#""\x""#, 2), (#""\u12g4""#, 5), ("\"\n\"", 1), ("+1", 0), (".5", 0), ("[}", 1),
        ("\u{FEFF}{}", 0),
    ])
    func `malformed text is refused at its place`(_ text: String, _ offset: Int) throws {
        let error = try #require(throws: ImageSpecError.self) { try parse(text) }
        #expect(error.code == .invalidJSON)
        #expect(error.offset == offset)
    }

    @Test func `nesting has a limit`() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        let text = nested(JSONParser.maximumDepth)
        #expect(String(decoding: try parse(text).encoded, as: UTF8.self) == text)
        let error = try #require(throws: ImageSpecError.self) {
            try parse(nested(JSONParser.maximumDepth + 1))
        }
        #expect(error.code == .tooDeep)
        #expect(throws: ImageSpecError.self) {
            try parse(String(repeating: "{\"a\":[", count: 300_000))
        }
    }

    @Test func `size has a limit`() throws {
        let bytes = [UInt8](repeating: 0x20, count: ImageDocumentLimit.maximumBytes + 1)
        let error = try #require(throws: ImageSpecError.self) { try JSONParser.parse(bytes) }
        #expect(error.code == .tooLarge)
    }

    @Test func `indentation is Go's`() throws {
        let value = try parse(#"{"a":[1,{}],"b":{"c":[]}}"#)
        let expected = """
            {
                "a": [
                    1,
                    {}
                ],
                "b": {
                    "c": []
                }
            }
            """
        #expect(String(decoding: value.encoded(indent: 4), as: UTF8.self) == expected)
    }

    @Test func `a member is found, replaced and removed by name`() throws {
        var object = try #require(try parse(#"{"a":1,"b":2,"a":3}"#).objectValue)
        #expect(object["a"] == 3)
        object["b"] = "x"
        object["c"] = true
        #expect(JSONValue.object(object).encoded == Array(#"{"a":1,"b":"x","a":3,"c":true}"#.utf8))
        object["a"] = nil
        #expect(JSONValue.object(object).encoded == Array(#"{"b":"x","c":true}"#.utf8))
    }
}
