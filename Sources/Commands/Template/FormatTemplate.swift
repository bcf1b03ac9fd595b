/// What `--format` is given: `json`, or a template.
enum FormatTemplate: Sendable {
    case json
    case template(Template)

    init(_ text: String) throws(TemplateError) {
        self = text == "json" ? .json : .template(try Template(text))
    }
}
