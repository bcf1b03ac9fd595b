package import ImageSpec

/// What `--format` is given: the part of Go's text/template that Docker's users need.
///
///     {{.ID}}: {{json .Config.Env}}        a value, its fields, and functions
///     {{range .RootFS.Layers}}{{println .}}{{end}}
///     {{if .Config.Labels}}…{{else}}…{{end}}
///     {{define "row"}}…{{end}}{{template "row" .}}
///     table {{.ID}}\t{{.Size}}             a table with headings
///
/// Fields are members of JSON objects with Docker's names; one that is not there is an error.
package struct Template: Sendable {
    private let nodes: [TemplateNode]
    private let definitions: [String: [TemplateNode]]
    private let text: String
    /// Whether rows are to stand below headings, their columns apart at tabs.
    package let isTable: Bool

    /// - Throws: ``TemplateError`` `syntax`, `unknownFunction`, `unknownVariable`, `tooLarge`.
    package init(_ text: String) throws(TemplateError) {
        self.text = text
        guard !text.isEmpty else { throw TemplateError(.syntax, "it is empty") }
        let prefix = "table "
        isTable = text.hasPrefix(prefix)
        let body = isTable ? String(text.dropFirst(prefix.count)) : text
        var parser = TemplateParser(try TemplateLexer.pieces(of: body))
        nodes = try parser.parse()
        definitions = parser.definitions
    }

    /// Whether a field may be asked for: what is costly is not made for nothing.
    func mentions(_ field: String) -> Bool { text.contains(".\(field)") }

    /// - Throws: ``TemplateError`` `unknownField`, `wrongArgument`, `tooLarge`.
    package func render(_ value: JSONValue) throws(TemplateError) -> String {
        try TemplateRenderer.render(nodes, definitions, value, skipsFunctions: false)
    }

    /// The headings' line of a table.
    /// - Parameter headings: the heading of each field.
    package func heading(_ headings: JSONValue) throws(TemplateError) -> String {
        try TemplateRenderer.render(nodes, definitions, headings, skipsFunctions: true)
    }
}
