import ImageSpec
import Testing

@testable import Commands

/// What Docker's client 28.2 gave for the same templates (`docker version --format`).
@Suite("Templates as Go's")
struct GoTemplateTests {
    private static let value: JSONValue = ["Id": "sha256:abc"]

    @Test(
        "texts, numbers, escapes and templates of one's own",
        arguments: [
            ("{{printf \"%T %T %T %T %T\" 1 \"a\" true 1.5 nil}}", "int string bool float64 <nil>"),
            (
                "{{printf \"%e|%E|%g|%G|%f\" 1.5 1.5 1.5 1e30 1.5}}",
                "1.500000e+00|1.500000E+00|1.5|1E+30|1.500000"
            ),
            (
                "{{printf \"%e|%E|%g|%G|%f\" 1 1 1 1 1}}",
                "%!e(int=1)|%!E(int=1)|%!g(int=1)|%!G(int=1)|%!f(int=1)"
            ),
            (
                "{{printf \"%g|%g|%g|%g|%.3g|%.10g\" 100000.0 1e21 1e-5 0.0001 1234.5678 1.5}}",
                "100000|1e+21|1e-05|0.0001|1.23e+03|1.5"
            ),
            (
                "{{printf \"%8.2e|%-12.3f|%+.1f|%012.2f\" 12345.678 1.5 1.5 -1.5}}",
                "1.23e+04|1.500       |+1.5|-00000001.50"
            ),
            (
                "{{printf \"%b|%o|%O|%#o|%#x|%#X|%U|%#U|%c|%q\" 5 8 8 8 255 255 9731 9731 65 65}}",
                "101|10|0o10|010|0xff|0XFF|U+2603|U+2603 '☃'|A|'A'"
            ),
            (
                "{{printf \"%+d|%-10s|%10s|%*d|%-*d|% d|%x|%X\" 5 \"a\" \"b\" 5 42 5 42 7 \"hi\" \"hi\"}}",
                "+5|a         |         b|   42|42   | 7|6869|6869"
            ),
            ("{{printf \"%*d\" \"x\" 42}}", "%!(BADWIDTH)42"),
            ("{{printf \"%[2]d %[1]d\" 1 2}}", "2 1"),
            ("{{printf \"%[3]d\" 1 2}}", "%!d(BADINDEX)"),
            ("{{printf \"%[x]d\" 1}}", "%!d(BADINDEX)"),
            ("{{printf \"%.*f|%6.*f\" 2 3.14159 1 2.55}}", "3.14|   2.5"),
            (
                "{{printf \"%t|%v|%s|%d\" true false true false}}",
                "true|false|%!s(bool=true)|%!d(bool=false)"
            ),
            (
                "{{printf \"%q|%q|%#q|%+q|% x|%#x|%# x\" \"a\\\"b\" \"é\" \"abc\" \"é\" \"abc\" \"abc\" \"abc\"}}",
                "\"a\\\"b\"|\"é\"|`abc`|\"\\u00e9\"|61 62 63|0x616263|0x61 0x62 0x63"
            ),
            (
                "{{printf \"%s|%d|%v|%q\" 5 \"a\" nil nil}}",
                "%!s(int=5)|%!d(string=a)|<nil>|%!q(<nil>)"
            ),
            ("{{printf \"%!|%z|%-|%\" 1 2}}", "%!!(int=1)|%!z(int=2)|%!|(MISSING)%!(NOVERB)"),
            (
                "{{printf \"%5t|%-7t|%05s|%.2s|%5.1s|\" true false \"ab\" \"abcd\" \"xyz\"}}",
                " true|false  |000ab|ab|    x|"
            ),
            (
                "{{printf \"%x|%X|%b|%o\" 1.5 1.5 1.5 \"a\"}}",
                "0x1.8p+00|0X1.8P+00|6755399441055744p-52|%!o(string=a)"
            ),
            ("{{printf \"%5v|%-5v|%05d|%+05d|%x\" 1 2 3 4 -255}}", "    1|2    |00003|+0004|-ff"),
            ("{{printf \"%s\" 1 2}}", "%!s(int=1)%!(EXTRA int=2)"),
            (
                "{{printf \"x\" 1 \"a\" nil true 1.5}}",
                "x%!(EXTRA int=1, string=a, <nil>, bool=true, float64=1.5)"
            ),
            (
                "{{html \"<a href=\\\"x\\\">&'</a>\"}}|{{js \"it's <b> \\\"q\\\" =\\n\\\\ é\"}}|{{urlquery \"a b&c=d/é?\"}}",
                "&lt;a href=&#34;x&#34;&gt;&amp;&#39;&lt;/a&gt;|it\\'s \\u003Cb\\u003E \\\"q\\\" \\u003D\\u000A\\\\ é|a+b%26c%3Dd%2F%C3%A9%3F"
            ),
            ("{{html 1 \"a\" true}}|{{js 1 2}}|{{urlquery 1 \"x y\"}}", "1atrue|1 2|1x+y"),
            ("{{block \"b\" \"v\"}}<{{.}}>{{end}}{{template \"b\" 2}}", "<v><2>"),
            ("{{print 1.0 2.50 1e6 1e21 100000000.0}}", "1 2.5 1e+06 1e+21 1e+08"),
            (
                "{{title \"two words\"}}|{{lower \"ABC\"}}|{{split \"a,b\" \",\"}}|{{json \"<\"}}",
                "Two Words|abc|[a b]|\"<\""
            ),
            (
                "{{title \"/a1 b-c x_y 1z é.ü ß a’b «c\"}}",
                "/A1 B-C X_y 1z É.Ü ß A’b «c"
            ),
            ("{{with 0}}a{{else with 1}}b{{.}}{{end}}", "b1"),
            ("{{range $i := 3}}{{$i}}{{else}}{{end}}", "012"),
            ("{{\"a\" | printf \"%s-%s\" \"b\"}}", "b-a"),
            ("{{$x := 1}}{{$x := 2}}{{$x}}", "2"),
            ("{{- \"a\" -}} b {{- /* c */ -}} c", "abc"),
            ("{{print (print \"a\") (1)}}", "a1"),
            (
                "{{printf \"%6.2f%%\" 12.345}}|{{printf \"%3c|%-3c|\" 65 66}}|{{printf \"%08b\" 5}}|{{printf \"%+q\" \"☺\"}}|{{printf \"%x\" \"☺\"}}|{{printf \"%-08d|\" 5}}",
                " 12.35%|  A|B  ||00000101|\"\\u263a\"|e298ba|5       |"
            ),
            (
                "{{print 1234567.0}} {{print 123456.0}} {{1e20}} {{1234567.5}}",
                "1.234567e+06 123456 1e+20 1.2345675e+06"
            ),
            (
                "{{printf \"%d %s\" (split \"a,b\" \",\") (split \"a,b\" \",\")}}",
                "[%!d(string=a) %!d(string=b)] [a b]"
            ),
            (
                "{{printf \"%5s|%q|%T\" (split \"a,b\" \",\") (split \"a,b\" \",\") (split \"a\" \",\")}}",
                "[    a     b]|[\"a\" \"b\"]|[]string"
            ),
            ("{{js \"a\\u2028b/&\"}}", "a\\u2028b/\\u0026"),
            ("{{html}}|{{js}}|{{urlquery}}|{{print}}", "|||"),
            (
                "{{printf \"%08s|%-08s|%+s|%v\" \"ab\" \"ab\" \"x\" true}}",
                "000000ab|ab      |x|true"
            ),
            (
                "{{0x10}} {{0b11}} {{0o17}} {{017}} {{1_000}} {{'a'}} {{'\\n'}} {{0x1p4}} {{+5}} {{-5}} {{.5}}",
                "16 3 15 15 1000 97 10 16 5 -5 0.5"
            ),
            ("{{html nil}}", "&lt;no value&gt;"),
            ("{{printf \"%#v|%#q\" \"a\" \"b`c\"}}", "\"a\"|\"b`c\""),
        ])
    func result(_ text: String, _ expected: String) throws {
        #expect(try Template(text).render(Self.value) == expected)
    }

    @Test(
        "that cannot be read say so in Go's words",
        arguments: [
            (
                "{{define \"x\"}}a{{end}}{{define \"x\"}}b{{end}}{{template \"x\"}}",
                "multiple definition of template \"x\""
            ),
            ("{{define x}}{{end}}", "in define clause"),
            ("{{define \"x\" 1}}{{end}}", "in define clause"),
            ("{{if true}}{{define \"x\"}}{{end}}{{end}}", "unexpected <define> in command"),
            ("{{define \"x\"}}abc", "unexpected EOF"),
            ("{{template}}", "in template clause"),
            ("{{block \"b\"}}{{end}}", "missing value for block clause"),
            ("{{nope}}", "function \"nope\" not defined"),
            ("{{$x}}", "undefined variable \"$x\""),
            ("{{if}}{{end}}", "missing value"),
            ("{{end}}", "unexpected {{end}}"),
            ("{{else}}", "unexpected {{else}}"),
            ("{{1 | 2}}", "non executable command in pipeline"),
            ("{{\"a}}", "unterminated quoted string"),
            ("{{`a}}", "unterminated raw quoted string"),
            ("{{/* x }}", "unclosed comment"),
            ("{{#}}", "unexpected \"#\" in command"),
            ("{{|}}", "unexpected in command"),
            ("{{\"\\q\"}}", "invalid syntax"),
            ("{{12abc}}", "bad number syntax"),
            ("{{break}}", "{{break}} outside {{range}}"),
            ("{{if true}}{{else}}{{else}}{{end}}", "expected end; found {{else}}"),
            ("{{$x, $y := 1}}", "too many declarations in command"),
            ("{{\"a\"}}{{- }}", "missing value for command"),
        ])
    func syntax(_ text: String, _ reason: String) {
        #expect { _ = try Template(text) } throws: {
            ($0 as? TemplateError)?.message.contains(reason) ?? false
        }
    }

    @Test(
        "that do not fit say so in Go's words",
        arguments: [
            ("{{template \"nope\"}}", "template \"nope\" not defined"),
            (
                "{{define \"x\"}}{{template \"x\"}}{{end}}{{template \"x\"}}",
                "exceeded maximum template depth"
            ),
            ("{{call 1}}", "error calling call: non-function 1 of type int"),
            ("{{len 5}}", "error calling len: len of type int"),
            ("{{index 1 2}}", "error calling index: can't index item of type int"),
            ("{{eq 1 \"a\"}}", "error calling eq: incompatible types for comparison"),
            ("{{eq 1 1.0}}", "error calling eq: incompatible types for comparison"),
            ("{{lt 1 \"a\"}}", "error calling lt: incompatible types for comparison"),
            ("{{lt true false}}", "error calling lt: invalid type for comparison"),
            ("{{.Id.Nope}}", "can't evaluate field Nope in type string"),
            ("{{range .Id}}x{{end}}", "range can't iterate over"),
            ("{{upper 5}}", "expected string; found 5"),
            ("{{not}}", "wrong number of args for not: want 1 got 0"),
            ("{{not 1 2}}", "wrong number of args for not: want 1 got 2"),
            ("{{and}}", "wrong number of args for and: want at least 1 got 0"),
            ("{{eq 1}}", "error calling eq: missing argument for comparison"),
            ("{{eq}}", "wrong number of args for eq: want at least 1 got 0"),
            ("{{index}}", "wrong number of args for index: want at least 1 got 0"),
            ("{{json}}", "wrong number of args for json: want 1 got 0"),
            ("{{pad \"x\" 1}}", "wrong number of args for pad: want 3 got 2"),
            ("{{printf}}", "wrong number of args for printf: want at least 1 got 0"),
            ("{{index (split \"a,b\" \",\") 7}}", "error calling index: index out of range: 7"),
            ("{{template \"x\" 1 | print}}", "template \"x\" not defined"),
        ])
    func misfit(_ text: String, _ reason: String) throws {
        let template = try Template(text)
        #expect { _ = try template.render(Self.value) } throws: {
            ($0 as? TemplateError)?.message.contains(reason) ?? false
        }
    }

    @Test func `one's own sees its value and nothing else, and stands anywhere at the top`() throws
    {
        let text =
            #"{{template "row" .}}{{$x := 1}}{{define "row"}}<{{.Id}}|{{$.Id}}>{{end}}{{$x}}"#
        #expect(try Template(text).render(Self.value) == "<sha256:abc|sha256:abc>1")
        #expect { _ = try Template(#"{{$x := 1}}{{define "a"}}{{$x}}{{end}}"#) } throws: {
            ($0 as? TemplateError)?.code == .unknownVariable
        }
        let again = #"{{define "a"}} {{end}}{{define "a"}}b{{end}}{{template "a"}}"#
        #expect(try Template(again).render(Self.value) == "b")
    }
}
