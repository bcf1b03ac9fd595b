internal import ArgumentParser
internal import ImageSpec

/// What the `inspect` commands do with what is named.
enum Inspection {
    /// Writes the values of all that are there, then tells what is not.
    /// - Throws: `ExitCode` 1 if anything could not be inspected.
    static func show(
        _ names: [String], _ format: FormatTemplate?, _ value: (String) throws -> JSONValue
    ) throws {
        var values: [JSONValue] = []
        var failures: [any Error] = []
        for name in names {
            do {
                values.append(try value(name))
            } catch {
                failures.append(error)
            }
        }
        switch format {
        case nil: Terminal.write(.array(values), indent: 4)
        case .json?: for value in values { Terminal.write(value, indent: nil) }
        case .template(let template)?:
            for value in values { Terminal.write(try template.render(value) + "\n") }
        }
        for failure in failures { Terminal.failure(failure) }
        if !failures.isEmpty { throw ExitCode(1) }
    }
}
