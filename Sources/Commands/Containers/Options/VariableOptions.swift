internal import ArgumentParser
internal import ImageSpec

/// Variables of a process.
struct VariableOptions: ParsableArguments {
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "Set a variable; a name alone takes the caller's.", valueName: "name=value"))
    var env: [String] = []
    @Option(help: ArgumentHelp("Set the variables of a file's lines.", valueName: "file"))
    var envFile: [String] = []

    /// The variables with these set in their places or appended.
    /// - Throws: ``OptionError``.
    func set(in base: [String], _ surroundings: OptionSurroundings) throws -> [String] {
        var environment = base
        var changes: [String] = []
        for file in envFile {
            changes += try EnvironmentFile(
                parsing: try surroundings.content(of: file, for: "--env-file"),
                option: "--env-file", name: file
            ).variables
        }
        for variable in env {
            guard let first = variable.first, first != "=", !variable.utf8.contains(0) else {
                throw OptionError(
                    "--env", variable, "invalid environment variable: \(variable)",
                    hint: "write NAME=value, or NAME alone")
            }
            changes.append(variable)
        }
        for change in changes {
            if change.contains("=") {
                environment = ContainerConfig.merging(
                    environment, with: [change])
            } else if let value = surroundings.environment[change] {
                environment = ContainerConfig.merging(
                    environment, with: ["\(change)=\(value)"])
            } else {
                // As Docker: what the caller has not is taken away.
                environment.removeAll { $0.hasPrefix("\(change)=") }
            }
        }
        return environment
    }
}
