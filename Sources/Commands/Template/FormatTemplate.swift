/// What `--format` is given: `json`, a template, or nothing else than is done without it.
enum FormatTemplate: Sendable {
    /// As Docker: an empty one, and a table without columns.
    case plain
    case json
    case template(Template)

    init(_ text: String) throws(TemplateError) {
        switch text {
        case "", "table": self = .plain
        case "json": self = .json
        default: self = .template(try Template(text))
        }
    }
}
