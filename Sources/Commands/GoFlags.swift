internal import ArgumentParser

/// Command lines, read as Docker's are: their flags are Go's.
enum GoFlags {
    /// Options that may stand before the command's name, with a value.
    private static let rootOptions: Set<String> = ["--root"]

    /// The command that arguments name.
    private struct Command {
        /// Below a group its name is the last.
        var names: [String] = []
        /// The same, each as the command has it, and not an alias; up to the first that is no command.
        var knownNames: [String] = []
        /// Where what is behind its name begins.
        var end = 0
    }

    private static func command(_ arguments: [String]) -> Command {
        var result = Command()
        var known = VitrineCommand.configuration.subcommands
        var index = 0
        while index < arguments.count, !known.isEmpty {
            let argument = arguments[index]
            index += 1
            if argument.hasPrefix("-") {
                if !result.names.isEmpty { break }
                if rootOptions.contains(argument) { index += 1 }
                continue
            }
            result.names.append(argument)
            result.end = index
            guard let next = known.first(where: { CommandNames.of($0).contains(argument) }) else {
                break
            }
            result.knownNames += CommandNames.of(next).prefix(1)
            known = next.configuration.subcommands
        }
        return result
    }

    /// The name of the command, if there is one; of one below a group without the group's.
    static func name(in arguments: [String]) -> String? { command(arguments).names.last }

    /// The names of the command and, of one below a group, the groups' before it.
    static func names(in arguments: [String]) -> [String] { command(arguments).names }

    /// Commands of ours that Docker has not, or not in this form: their code for wrong usage is 64.
    private static let ownCommands: Set<String> = [
        "build", "cache", "df", "fsck", "gc", "mount", "prune", "serve", "umount",
    ]

    /// Whether the process was started for a command of Docker's, whose code for wrong usage is 125.
    /// For `run` and `exec` any other may be that of the command they run.
    static func isDockersCommand(
        _ arguments: [String] = Array(CommandLine.arguments.dropFirst())
    ) -> Bool {
        let names = command(arguments).names
        guard let first = names.first else { return true }
        return !ownCommands.contains(first) && names.dropFirst() != ["build"]
    }

    /// The arguments, written so that the parser takes them for what they mean in Docker.
    static func rewritten(_ arguments: [String]) -> [String] {
        if arguments == ["-v"] { return ["--version"] }
        // A shell asks for completions: its words are not to be changed.
        if arguments.first?.hasPrefix("---") == true { return arguments }
        let command = command(arguments)
        guard let options = CommandOptions.of(command.knownNames) else { return arguments }
        return arguments[..<command.end]
            + CommandFlags(options).rewritten(arguments[command.end...])
    }
}
