internal import ArgumentParser
internal import ImageSpec

/// Variables of a process.
struct VariableOptions: ParsableArguments {
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "Set a variable; a name alone takes the caller's.", valueName: "name=value"))
    var env: [String] = []
    @Option(
        help: ArgumentHelp("Set the variables of a file's lines.", valueName: "file"),
        completion: .file())
    var envFile: [String] = []

    /// These variables, and after them, as Docker has them, those of `base` that they leave.
    /// - Throws: ``OptionError``.
    func set(in base: [String], _ surroundings: OptionSurroundings) throws -> [String] {
        var own: [String] = []
        var rest = base
        for change in try changes(surroundings) {
            let name = change.prefix { $0 != "=" }
            rest.removeAll { $0.hasPrefix("\(name)=") }
            if name.count < change.count {
                own = ContainerConfig.merging(own, with: [change])
            } else {
                own.removeAll { $0.hasPrefix("\(name)=") }
            }
        }
        return own + rest
    }

    /// Each of these variables, in their order: `NAME=value`, or, as Docker, `NAME` of one that is taken
    /// away since the caller has it not.
    /// - Throws: ``OptionError``.
    func changes(_ surroundings: OptionSurroundings) throws -> [String] {
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
        return changes.map { change in
            if change.contains("=") { return change }
            return surroundings.environment[change].map { "\(change)=\($0)" } ?? change
        }
    }
}
