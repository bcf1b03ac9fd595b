internal import ArgumentParser
internal import ImageSpec

/// How a list is printed: as a table, as JSON, or by a template for each row.
struct OutputOptions: ParsableArguments {
    @Flag(name: .customLong("json"), help: "Print JSON.")
    var json = false

    @Option(
        name: .customLong("format"),
        help: ArgumentHelp(
            "Print each row by a template such as '{{.Repository}}:{{.Tag}}'; 'json' and "
                + "'table TEMPLATE' as Docker's.", valueName: "template"),
        transform: { try FormatTemplate($0) })
    var format: FormatTemplate?

    func validate() throws {
        if json, format != nil { throw ValidationError("--json and --format exclude each other") }
    }

    /// Prints rows of these fields.
    func print(_ rows: [Row], fields: [Field]) throws {
        Terminal.write(try text(rows, fields: fields))
    }

    /// What is printed of rows of these fields.
    func text(_ rows: [Row], fields: [Field]) throws -> String {
        if json { return Terminal.text(.array(rows.map(\.json)), indent: 2) }
        switch format {
        case nil, .plain?:
            let columns = fields.filter(\.isColumn)
            var table = Table(columns.map(\.heading))
            for row in rows { table.append(columns.map { row.text($0.name) }) }
            return table.text
        case .json?: return rows.map { Terminal.text($0.json, indent: nil) }.joined()
        case .template(let template)?: return try Self.text(rows, fields: fields, by: template)
        }
    }

    /// Rows of these fields by a template, which may be one of a table.
    /// - Throws: ``TemplateError``; for a field that is not there also where there is no row.
    static func text(
        _ rows: [Row], fields: [Field], by template: Template
    ) throws -> String {
        let headings = Row(fields.map { ($0.name, .string($0.heading)) }).json
        if template.isTable {
            var table = Table(cells(try template.heading(headings)))
            for row in rows { table.append(cells(try template.render(row.json))) }
            return table.text
        }
        if rows.isEmpty { _ = try template.heading(headings) }
        return try rows.map { try template.render($0.json) + "\n" }.joined()
    }

    /// Whether the rows alone are wanted, by a program.
    var isForPrograms: Bool {
        if json { return true }
        switch format {
        case nil, .plain?: return false
        case .json?, .template?: return true
        }
    }

    /// Whether a template asks for a field.
    func mentions(_ field: String) -> Bool {
        if case .template(let template)? = format { return template.mentions(field) }
        return false
    }

    /// Prints a document that has no table.
    func printOne(_ value: JSONValue) throws {
        switch format {
        case nil, .plain?: Terminal.write(value, indent: 2)
        case .json?: Terminal.write(value, indent: nil)
        case .template(let template)?: Terminal.write(try template.render(value) + "\n")
        }
    }

    private static func cells(_ line: String) -> [String] {
        line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
    }
}

/// A field of the rows of a list, with Docker's name and heading.
struct Field {
    var name: String
    var heading: String
    /// Whether the plain table shows it.
    var isColumn: Bool

    init(_ name: String, _ heading: String, isColumn: Bool = true) {
        self.name = name
        self.heading = heading
        self.isColumn = isColumn
    }
}

/// A row's values by their fields' names.
struct Row {
    private var fields: JSONObject

    init(_ fields: [(String, JSONValue)]) {
        self.fields = JSONObject(fields.map { JSONObject.Member($0.0, $0.1) })
    }

    var json: JSONValue { .object(fields) }

    func text(_ name: String) -> String { fields[name]?.templateText ?? "" }
}
