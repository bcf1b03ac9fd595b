import Testing

@testable import Dockerfile

@Suite("Word expansion")
struct WordExpanderTests {
    static let environment = [
        "v": "value", "e": "", "path": "/a/b/c.tar.gz", "sp": "one two  three", "s": "a*b?c",
        "dot": "1.2.3", "multi": "l1\nl2", "ü": "umlaut", "VAR_1": "one", "star": "xx*yy",
    ]

    static func lookup(_ name: String) -> String? { environment[name] }

    @Test(
        "a word expands to one word",
        arguments: [
            // Plain text, quotes and escapes.
            ("", ""), ("abc", "abc"), ("  a  b ", "  a  b "), ("\"\"", ""), ("''", ""),
            ("'a b'", "a b"), ("\"a b\"", "a b"), ("a\"b\"'c'd", "abcd"), ("'$v'", "$v"),
            ("\"$v\"", "value"), ("\"'$v'\"", "'value'"), ("'\"'", "\""), ("\\$v", "$v"),
            ("\\'", "'"), ("\\\"", "\""), ("\\\\", "\\"), ("a\\", "a"), ("\\a", "a"),
            ("\"\\$v\"", "$v"), ("\"\\\"\"", "\""), ("\"\\\\\"", "\\"), ("\"\\a\"", "\\a"),
            ("\"\\'\"", "\\'"), ("'a\\'", "a\\"), ("a\\ b", "a b"), ("é\\é'é'\"é\"", "éééé"),
            // Names.
            ("$v", "value"), ("${v}", "value"), ("x${v}y", "xvaluey"), ("$v.$v", "value.value"),
            ("$vx", ""), ("${vx}", ""), ("$VAR_1", "one"), ("$", "$"), ("$$", ""), ("a$", "a$"),
            ("$.", "$."), ("$ v", "$ v"), ("$1x", "x"), ("$12x", "x"), ("$@$*$#$?$-$!$0", ""),
            ("$ü", "umlaut"), ("${ü}", "umlaut"), ("$vé", ""),
            // Defaults and alternatives.
            ("${v:-d}", "value"), ("${u:-d}", "d"), ("${e:-d}", "d"), ("${v-d}", "value"),
            ("${u-d}", "d"), ("${e-d}", ""), ("${v:+a}", "a"), ("${u:+a}", ""), ("${e:+a}", ""),
            ("${v+a}", "a"), ("${u+a}", ""), ("${e+a}", "a"), ("${v:?m}", "value"),
            ("${e?m}", ""), ("${u:-$v}", "value"), ("${u:-${w:-x$v}}", "xvalue"),
            ("${u:-'a b'}", "a b"), ("${u:-\"}\"}", "}"), ("${u:-\\}}", "}"), ("${u:-}", ""),
            ("${u:-a b}", "a b"), ("${v:+${u:-${e:-deep}}}", "deep"), ("${u:-a:b-c}", "a:b-c"),
            // Prefixes and suffixes.
            ("${path#*/}", "a/b/c.tar.gz"), ("${path##*/}", "c.tar.gz"),
            ("${path%.*}", "/a/b/c.tar"), ("${path%%.*}", "/a/b/c"), ("${path#/a}", "/b/c.tar.gz"),
            ("${path#x}", "/a/b/c.tar.gz"), ("${path%gz}", "/a/b/c.tar."),
            ("${path%x}", "/a/b/c.tar.gz"),
            ("${dot#?.}", "2.3"), ("${dot%.?}", "1.2"), ("${dot##*.}", "3"), ("${dot%%.*}", "1"),
            ("${s#a\\*}", "b?c"), ("${s%\\?c}", "a*b"), ("${s#*}", "a*b?c"), ("${s##*}", ""),
            ("${s%*}", "a*b?c"), ("${s%%*}", ""), ("${u#x}", ""), ("${v#$v}", ""),
            ("${v#}", "value"), ("${v%%}", "value"), ("${multi#l*2}", "l1\nl2"),
            ("${multi##*l}", "1\nl2"), ("${ü#u}", "mlaut"),
            // Replacements.
            ("${dot/./-}", "1-2.3"), ("${dot//./-}", "1-2-3"), ("${dot/x/-}", "1.2.3"),
            ("${dot//?/x}", "xxxxx"), ("${dot/*/x}", "x"), ("${dot//*/x}", "x"),
            ("${path//\\//_}", "_a_b_c.tar.gz"), ("${v/al/}", "vue"), ("${v//[a]/x}", "value"),
            ("${v///x}", "xvxaxlxuxex"), ("${e//*/x}", "x"), ("${e///x}", "x"), ("${u/a/b}", ""),
            ("${star/\\*/$v}", "xxvalueyy"), ("${star/x*y/-}", "-"),
            ("${sp// /_}", "one_two__three"),
            ("${v/a/'$0'}", "v$0lue"),
        ])
    func word(text: String, expected: String) throws {
        let expansion = try WordExpander().expand(text, with: Self.lookup)
        #expect(expansion.text == expected)
    }

    @Test(
        "a word splits at white space that was not quoted",
        arguments: [
            ("", []), ("  ", []), ("a b", ["a", "b"]), (" a\t b ", ["a", "b"]),
            ("'a b' c", ["a b", "c"]), ("a\\ b c", ["a b", "c"]), ("$sp", ["one", "two", "three"]),
            ("\"$sp\"", ["one two  three"]), ("x$sp'y z'", ["xone", "two", "threey z"]),
            ("''", []), ("a '' b", ["a", "b"]), ("$u", []), ("${u:-a b}", ["a", "b"]),
            ("${u:-'a b'}", ["a", "b"]), ("a\u{A0}b\u{2003}c", ["a", "b", "c"]),
            ("$e$v $e", ["value"]),
        ] as [(String, [String])])
    func words(text: String, expected: [String]) throws {
        let expansion = try WordExpander().expand(text, with: Self.lookup)
        #expect(expansion.words.map { String(decoding: $0, as: UTF8.self) } == expected)
    }

    @Test(
        "a word that makes no sense is refused",
        arguments: [
            ("${", .badSubstitution, "syntax error: missing '}'"),
            ("${}", .badSubstitution, "syntax error: bad substitution"),
            ("${{v}", .badSubstitution, "syntax error: bad substitution"),
            ("${:v}", .badSubstitution, "syntax error: bad substitution"),
            ("${v", .badSubstitution, "syntax error: missing '}'"),
            ("${v:", .badSubstitution, "syntax error: missing '}'"),
            ("${v:-", .badSubstitution, "syntax error: missing '}'"),
            ("${v:-a", .badSubstitution, "syntax error: missing '}'"),
            ("${v/a", .badSubstitution, "syntax error: missing '/' in ${}"),
            ("${v/a/b", .badSubstitution, "syntax error: missing '}'"),
            ("${v!x}", .unsupportedModifier, "unsupported modifier (!) in substitution"),
            ("${v:x}", .unsupportedModifier, "unsupported modifier (:x) in substitution"),
            ("${v^}", .unsupportedModifier, "unsupported modifier (^) in substitution"),
            ("${.}", .unsupportedModifier, "unsupported modifier (.) in substitution"),
            (
                "'a", .unterminatedWord,
                "unexpected end of statement while looking for matching single-quote"
            ),
            (
                "\"a", .unterminatedWord,
                "unexpected end of statement while looking for matching double-quote"
            ),
            ("${u:?}", .requiredVariable, "u: is not allowed to be unset"),
            ("${u?}", .requiredVariable, "u: is not allowed to be unset"),
            ("${e:?}", .requiredVariable, "e: is not allowed to be empty"),
            ("${e:?$v it}", .requiredVariable, "e: value it"),
            (
                "${v#\\a}", .invalidPattern,
                "invalid pattern (\\a) in substitution: invalid escape '\\a'"
            ),
        ] as [(String, DockerfileError.Code, String)])
    func refusal(text: String, code: DockerfileError.Code, message: String) {
        let error = #expect(throws: DockerfileError.self) {
            try WordExpander().expand(text, with: Self.lookup)
        }
        #expect(error?.code == code)
        #expect(error?.message == "failed to process \(text.quoted): \(message)")
    }

    @Test("with a backtick as escape, a backslash is an ordinary character")
    func backtick() throws {
        let expander = WordExpander(escape: .backtick)
        #expect(try expander.expand("C:\\x`$v\\`\"", with: Self.lookup).text == "C:\\x$v\\\"")
        #expect(try expander.expand("\"`$v \\$v\"", with: Self.lookup).text == "$v \\value")
        #expect(try expander.expand("${path#`*}", with: Self.lookup).text == "/a/b/c.tar.gz")
    }

    @Test("the variables that were read are named")
    func variables() throws {
        let use = try WordExpander().expand("$v${u:-$w}'$q'${e:+$x}", with: Self.lookup).variables
        #expect(use.matched == ["v", "e"])
        #expect(use.unmatched == ["u", "w", "x"])
    }

    @Test("bytes that are not UTF-8 pass through")
    func foreignBytes() throws {
        let bytes: [UInt8] = [0xFF, 0x24, 0x76, 0xC3, 0x20, 0x80]
        let expansion = try WordExpander().expand(bytes, with: Self.lookup)
        #expect(expansion.bytes == [0xFF] + Array("value".utf8) + [0xC3, 0x20, 0x80])
    }

    @Test("a heredoc's body keeps its quotes")
    func literalQuotes() throws {
        let expander = WordExpander(options: .literalQuotes)
        #expect(
            try expander.expand("it's \"$v\" \\$v", with: Self.lookup).text == "it's \"value\" $v")
    }

    @Test("references that are not set can stay")
    func keepUnset() throws {
        let expander = WordExpander(options: .keepUnset)
        let text = "$u ${u} ${u:-d} ${u#p} ${u/a/b} $v"
        #expect(
            try expander.expand(text, with: Self.lookup).text == text.replacing("$v", with: "value")
        )
    }

    @Test("substitutions nest only so deep")
    func nesting() {
        let text =
            String(repeating: "${u:-", count: 10_000) + "x" + String(repeating: "}", count: 10_000)
        let error = #expect(throws: DockerfileError.self) {
            try WordExpander().expand(text, with: Self.lookup)
        }
        #expect(error?.code == .nestingTooDeep)
    }
}
