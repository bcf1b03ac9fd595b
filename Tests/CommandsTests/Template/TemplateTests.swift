import Commands
import ImageSpec
import Testing

@Suite("Templates")
struct TemplateTests {
    static let value: JSONValue = [
        "Id": "sha256:abc", "Size": 42, "Empty": "", "Nothing": .null, "On": true,
        "RepoTags": ["app:1", "app:2"],
        "Config": [
            "Labels": ["b.c": "two", "a": "one"], "Env": ["PATH=/bin"], "Volumes": .null,
        ],
        "RootFS": ["Layers": ["sha256:1", "sha256:2"]],
    ]

    @Test(
        "gives what Go's gives",
        arguments: [
            ("plain", "plain"),
            ("{{.Id}}", "sha256:abc"),
            ("{{printf \"%s|%-5d|%05d|%x\" .Id .Size .Size .Size}}", "sha256:abc|42   |00042|2a"),
            (
                "{{printf \"%q %v %t 100%%\" .Id .Nothing .On}}",
                "\"sha256:abc\" <nil> true 100%"
            ),
            ("{{printf \"%.2f %5s|%d\" 1.0 \"x\" \"y\"}}", "1.00     x|%!d(string=y)"),
            ("{{printf \"%s\"}}{{printf \"x\" 1}}", "%!s(MISSING)x%!(EXTRA int=1)"),
            ("{{lt 1 2}} {{ge 1 2}} {{gt \"b\" \"a\"}} {{le 2 2}}", "true false true true"),
            ("{{json \"a > b & c\"}}", "\"a > b & c\""),
            ("<{{pad \"x\" 1 2}}>", "< x  >"),
            ("{{.Config.Label \"a\"}}{{.Config.Label \"none\"}}", "one"),
            ("{{ .Id }} {{.Size}}", "sha256:abc 42"),
            ("{{.ID}}", "sha256:abc"),
            ("{{.Config.Labels.none}}|{{.Config.Volumes.none}}", "<no value>|<no value>"),
            ("{{.Config.Volumes}} {{.Config.Health}} {{.Nothing}}", "map[] <nil> <no value>"),
            ("{{if .Config.Health}}{{.Config.Health.Status}}{{else}}none{{end}}", "none"),
            ("{{or .On .Config.Health.Status}} {{and .Empty .Config.Health.Status}}", "true "),
            ("{{range .RepoTags}}{{if eq . \"app:2\"}}{{break}}{{end}}{{.}}{{end}}", "app:1"),
            ("{{range .RepoTags}}{{if eq . \"app:1\"}}{{continue}}{{end}}{{.}}{{end}}", "app:2"),
            ("{{range 3}}{{.}}{{end}}{{range $i, $n := 2}}{{$i}}{{$n}}{{end}}", "0120011"),
            ("{{$x := 1}}{{range .RepoTags}}{{$x = .}}{{end}}{{$x}}", "app:2"),
            ("{{with $c := .Config}}{{$c.Env}}{{end}}", "[PATH=/bin]"),
            ("{{if $n := .Empty}}x{{else}}<{{$n}}>{{end}}", "<>"),
            ("{{slice .Id 0 6}} {{slice .RepoTags 1}}", "sha256 [app:2]"),
            ("{{1.5}} {{1e3}} {{printf \"%.1f\" 2.25}}", "1.5 1000 2.2"),
            ("{{print 1 2 \"a\" \"b\" 3}}", "1 2ab3"),
            ("{{.RootFS.Layers}}", "[sha256:1 sha256:2]"),
            ("{{json .RootFS.Layers}}", "[\"sha256:1\",\"sha256:2\"]"),
            ("{{.RootFS.Layers | json}}", "[\"sha256:1\",\"sha256:2\"]"),
            ("{{json .Config.Volumes}}", "null"),
            ("{{.Config.Labels}}", "map[a:one b.c:two]"),
            ("{{index .Config.Labels \"b.c\"}}", "two"),
            ("{{index .Config.Labels `b.c`}}", "two"),
            ("{{index .Config.Labels \"x\"}}", ""),
            ("{{index .Config.Volumes \"x\"}}", ""),
            ("{{index .RootFS.Layers 1}}", "sha256:2"),
            ("{{index .RootFS \"Layers\" 1}}", "sha256:2"),
            ("{{(index .RootFS.Layers 1)}}", "sha256:2"),
            ("{{(index . \"RootFS\").Layers}}", "[sha256:1 sha256:2]"),
            ("{{range .RepoTags}}<{{.}}>{{end}}", "<app:1><app:2>"),
            ("{{range .RepoTags}}{{println .}}{{end}}", "app:1\napp:2\n"),
            ("{{range $i, $t := .RepoTags}}{{$i}}={{$t}} {{end}}", "0=app:1 1=app:2 "),
            ("{{range $k, $v := .Config.Labels}}{{$k}}={{$v}};{{end}}", "a=one;b.c=two;"),
            ("{{range .RepoTags}}{{$.Size}} {{end}}", "42 42 "),
            ("{{range .Config.Volumes}}x{{else}}none{{end}}", "none"),
            ("{{len .RepoTags}} {{len .Id}} {{len .Nothing}}", "2 10 0"),
            ("{{join .RepoTags \", \"}}", "app:1, app:2"),
            ("{{join .RepoTags \"\\n\"}}", "app:1\napp:2"),
            ("{{join .Nothing \",\"}}", ""),
            ("{{split .Id \":\"}}", "[sha256 abc]"),
            ("{{index (split .Id \":\") 1}}", "abc"),
            ("{{upper .Id}} {{lower \"AbC\"}} {{title \"two words\"}}", "SHA256:ABC abc Two Words"),
            ("{{truncate .Id 6}}", "sha256"),
            ("{{if .Empty}}yes{{else}}no{{end}}", "no"),
            ("{{if .On}}yes{{end}}", "yes"),
            ("{{if .Empty}}1{{else if .On}}2{{else}}3{{end}}", "2"),
            ("{{if eq .Id \"sha256:abc\"}}same{{end}}", "same"),
            ("{{if and .On (not .Empty)}}both{{end}}", "both"),
            ("{{or .Empty \"else\"}}", "else"),
            ("{{with .Config}}{{.Env}}{{end}}", "[PATH=/bin]"),
            ("{{$x := .Id}}{{$x}}", "sha256:abc"),
            ("a {{- .Size -}} b", "a42b"),
            ("{{/* nothing */}}x", "x"),
            ("{{.Nothing}}", "<no value>"),
            ("{{.Id}}\\t{{.Size}}\\n", "sha256:abc\t42\n"),
            ("{{print .Size .Id}}", "42sha256:abc"),
            ("{{\"}}\"}}", "}}"),
        ])
    func result(_ text: String, _ expected: String) throws {
        #expect(try Template(text).render(Self.value) == expected)
    }

    @Test(
        "that cannot be read say where",
        arguments: [
            ("", .syntax), ("{{", .syntax), ("{{}}", .syntax), ("{{.Id", .syntax),
            ("{{.Id}", .syntax), ("{{end}}", .syntax), ("{{else}}", .syntax),
            ("{{if .Id}}", .syntax), ("{{if}}{{end}}", .syntax), ("{{range .Id}}", .syntax),
            ("{{if .Id}}{{else}}{{else}}{{end}}", .syntax), ("{{.Id .Size}}", .syntax),
            ("{{.Id | .Size}}", .syntax), ("{{(.Id}}", .syntax), ("{{.Id)}}", .syntax),
            ("{{\"abc}}", .syntax), ("{{`abc}}", .syntax), ("{{\"\\q\"}}", .syntax),
            ("{{12abc}}", .syntax), ("{{99999999999999999999}}", .syntax), ("{{/* }}", .syntax),
            ("{{#}}", .syntax), ("{{ | }}", .syntax), ("{{range $a, := .Id}}{{end}}", .syntax),
            ("{{Id}}", .unknownFunction), ("{{$x}}", .unknownVariable),
            ("{{range $x := .RepoTags}}{{end}}{{$x}}", .unknownVariable),
        ] as [(String, TemplateError.Code)])
    func syntax(_ text: String, _ code: TemplateError.Code) {
        #expect { _ = try Template(text) } throws: { ($0 as? TemplateError)?.code == code }
    }

    @Test(
        "that do not fit the value say so",
        arguments: [
            ("{{.NoSuch}}", .unknownField), ("{{json .NoSuch}}", .unknownField),
            ("{{.Config.NoSuch}}", .unknownField), ("{{json .RootFS.Layer}}", .unknownField),
            ("{{.Id.X}}", .unknownField), ("{{.Nothing.X}}", .unknownField),
            ("{{index .RepoTags 7}}", .wrongArgument), ("{{index .RepoTags -1}}", .wrongArgument),
            ("{{index .RepoTags \"a\"}}", .wrongArgument), ("{{len .Size}}", .wrongArgument),
            ("{{join .Id \",\"}}", .wrongArgument), ("{{join .RepoTags}}", .wrongArgument),
            ("{{upper .Size}}", .wrongArgument), ("{{range .Id}}{{end}}", .wrongArgument),
            ("{{json}}", .wrongArgument), ("{{truncate .Id -1}}", .wrongArgument),
            ("{{eq .Id}}", .wrongArgument), ("{{and}}", .wrongArgument),
        ] as [(String, TemplateError.Code)])
    func misfit(_ text: String, _ code: TemplateError.Code) throws {
        let template = try Template(text)
        #expect { _ = try template.render(Self.value) } throws: {
            ($0 as? TemplateError)?.code == code
        }
    }

    @Test func `deep and long-winded ones end with an error`() throws {
        let deep = String(repeating: "(", count: 100_000)
        #expect { _ = try Template("{{\(deep)}}") } throws: {
            ($0 as? TemplateError)?.code == .tooLarge
        }
        let blocks = String(repeating: "{{if .Id}}", count: 100_000)
        #expect { _ = try Template(blocks) } throws: {
            ($0 as? TemplateError)?.code == .tooLarge
        }
        let loops = 40
        let nested =
            String(repeating: "{{range $.RepoTags}}", count: loops)
            + String(repeating: "{{end}}", count: loops)
        #expect { _ = try Template(nested).render(Self.value) } throws: {
            ($0 as? TemplateError)?.code == .tooLarge
        }
    }

    @Test func `what doubles itself ends with an error`() throws {
        let doubling = String(repeating: "{{$x := print $x $x}}", count: 64)
        #expect {
            _ = try Template("{{$x := .Id}}\(doubling){{$x}}").render(Self.value)
        } throws: {
            ($0 as? TemplateError)?.code == .tooLarge
        }
    }

    @Test func `any words in any order give a text or an error`() {
        let words = [
            "{{", "}}", "{{- ", " -}}", ".", ".Id", ".Config", ".RepoTags", "$", "$x", ":=", "|",
            "(", ")", ",", "if", "else", "end", "range", "with", "index", "json", "join", "split",
            "len", "println", "\"a\"", "`b`", "\"", "0", "-1", "7", " ", "nil", "true", "/*", "*/",
            "\\t", "é", "\u{1B}", "\n",
        ]
        var generator = Sequence64(state: 7)
        var rendered = 0
        for _ in 0..<20_000 {
            let count = Int.random(in: 1...12, using: &generator)
            var text = (0..<count).compactMap { _ in words.randomElement(using: &generator) }
                .joined(separator: Bool.random(using: &generator) ? " " : "")
            if Bool.random(using: &generator) { text = "{{\(text)}}" }
            if (try? Template(text).render(Self.value)) != nil { rendered += 1 }
        }
        #expect(rendered > 100)
    }

    /// The same numbers each time (Knuth's MMIX).
    private struct Sequence64: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ state >> 33
        }
    }

    @Test func `a table's headings pass functions by`() throws {
        let template = try Template("table {{.ID}}\\t{{upper .Name}}\\t{{json .Size}}")
        #expect(template.isTable)
        #expect(
            try template.heading(["ID": "IMAGE ID", "Name": "NAME", "Size": "SIZE"])
                == "IMAGE ID\tNAME\tSIZE")
    }
}
