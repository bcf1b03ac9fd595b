internal import ArgumentParser
internal import Engine
internal import ImageSpec

/// What the `inspect` commands have in common.
struct InspectOptions: ParsableArguments {
    @OptionGroup var store: StoreOptions
    @Flag(name: .customLong("json"), help: "Print JSON, as without it.") var json = false
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "Print each by a template such as '{{.Id}} {{json .Config.Env}}', or as 'json'.",
            valueName: "template"),
        transform: { try FormatTemplate($0) })
    var format: FormatTemplate?

    func validate() throws {
        if json, format != nil { throw ValidationError("--json and --format exclude each other") }
    }

    /// Writes the values of all that are there, then tells what is not.
    /// - Throws: `ExitCode` 1 if anything could not be inspected.
    func show(_ names: [String], _ value: (String, Engine) throws -> JSONValue) throws {
        let engine = try store.engine(.existing)
        var values: [JSONValue] = []
        var failures: [any Error] = []
        for name in names {
            do {
                values.append(try value(name, engine))
            } catch {
                failures.append(error)
            }
        }
        switch format {
        case nil, .plain?: Terminal.write(.array(values), indent: 4)
        case .json?: Terminal.write(.array(values), indent: nil)
        case .template(let template)?:
            for value in values { Terminal.write(try template.render(value) + "\n") }
        }
        for failure in failures { Terminal.failure(failure) }
        if !failures.isEmpty { throw ExitCode(1) }
    }
}
