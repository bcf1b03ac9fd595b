internal import ArgumentParser
internal import ImageSpec

/// How a list is printed: as a table, as JSON lines' array, by a Go-like template, or as IDs only.
struct OutputOptions: ParsableArguments {
    @Flag(name: .customLong("json"), help: "Print JSON.")
    var json = false

    @Option(
        name: .customLong("format"),
        help: ArgumentHelp(
            "Print each row by a template such as '{{.Repository}}:{{.Tag}}'; 'json' and "
                + "'table TEMPLATE' as Docker's.", valueName: "template"))
    var format: String?

    func validate() throws {
        if json, format != nil { throw ValidationError("--json and --format exclude each other") }
        if let format, format != "json" { _ = try RowTemplate(format) }
    }

    /// Prints rows whose fields have Docker's names.
    /// - Parameters:
    ///   - columns: the fields of the plain table and their headings.
    func print(_ rows: [Row], columns: [(field: String, heading: String)]) throws {
        if json || format == "json" {
            if format == "json" {
                for row in rows { Terminal.write(row.json, indent: nil) }
            } else {
                Terminal.write(.array(rows.map(\.json)), indent: 2)
            }
            return
        }
        guard let format else {
            var table = Table(columns.map(\.heading))
            for row in rows { table.append(columns.map { row.text($0.field) }) }
            Terminal.write(table.text)
            return
        }
        let template = try RowTemplate(format)
        if template.isTable {
            var table = Table(
                template.fields.map { field in
                    columns.first { $0.field == field }?.heading ?? field.uppercased()
                })
            for row in rows { table.append(template.fields.map { row.text($0) }) }
            Terminal.write(table.text)
        } else {
            for row in rows { Terminal.write(try template.render(row) + "\n") }
        }
    }
}

/// Fields with Docker's names.
struct Row {
    var fields: [(name: String, value: JSONValue)]

    init(_ fields: [(String, JSONValue)]) {
        self.fields = fields.map { (name: $0.0, value: $0.1) }
    }

    var json: JSONValue {
        .object(JSONObject(fields.map { JSONObject.Member($0.name, $0.value) }))
    }

    func text(_ name: String) -> String {
        guard let value = fields.first(where: { $0.name == name })?.value else { return "" }
        return value.stringValue ?? String(decoding: value.encoded, as: UTF8.self)
    }
}

/// The part of Go's templates that Docker's `--format` is used for: `{{.Field}}`, `{{json .}}`,
/// `{{json .Field}}`, `\t` and `\n`, and a leading `table`.
struct RowTemplate {
    private enum Part {
        case text(String)
        case field(String)
        case json(String?)
    }
    private var parts: [Part] = []
    let isTable: Bool

    init(_ text: String) throws {
        var rest = text.replacing("\\t", with: "\t").replacing("\\n", with: "\n")[...]
        isTable = rest.hasPrefix("table ")
        if isTable { rest = rest.dropFirst(6) }
        while let open = rest.firstRange(of: "{{") {
            parts.append(.text(String(rest[..<open.lowerBound])))
            rest = rest[open.upperBound...]
            guard let close = rest.firstRange(of: "}}") else {
                throw ValidationError("the template \"\(text)\" has a {{ without a }}")
            }
            parts.append(try Self.action(String(rest[..<close.lowerBound])))
            rest = rest[close.upperBound...]
        }
        parts.append(.text(String(rest)))
    }

    private static func action(_ text: String) throws -> Part {
        let words = text.split(separator: " ").map(String.init)
        switch words.count {
        case 1 where words[0].hasPrefix(".") && words[0].count > 1:
            return .field(String(words[0].dropFirst()))
        case 2 where words[0] == "json" && words[1] == ".": return .json(nil)
        case 2 where words[0] == "json" && words[1].hasPrefix("."):
            return .json(String(words[1].dropFirst()))
        default:
            throw ValidationError(
                "the template action {{\(text)}} is not known; use {{.Field}} or {{json .}}")
        }
    }

    var fields: [String] {
        parts.compactMap { part in
            if case .field(let name) = part { name } else { nil }
        }
    }

    func render(_ row: Row) throws -> String {
        try parts.map { part in
            switch part {
            case .text(let text): return text
            case .field(let name):
                guard row.fields.contains(where: { $0.name == name }) else {
                    throw ValidationError(
                        "there is no field .\(name); there are "
                            + row.fields.map { "." + $0.name }.joined(separator: ", "))
                }
                return row.text(name)
            case .json(let name):
                let value = name.map { name in row.fields.first { $0.name == name }?.value ?? .null
                }
                return String(decoding: (value ?? row.json).encoded, as: UTF8.self)
            }
        }.joined()
    }
}
