internal import Dockerfile

/// Docker's flags are Go's: a boolean one may be given a value (`--no-cache=true`).
enum GoFlags {
    private static let boolean: Set<String> = [
        "--all", "--allow-other", "--archive", "--compress", "--debug", "--debug-on-failure",
        "--detach", "--details",
        "--digests", "--dry-run", "--follow-link", "--force", "--force-rm", "--foreground",
        "--human", "--json",
        "--latest", "--layers", "--lazy", "--load", "--name-status", "--no-cache", "--no-human",
        "--no-pause", "--no-prune", "--no-stdin", "--no-trunc", "--pause", "--push", "--quick",
        "--quiet", "--rm",
        "--rw", "--show-context", "--size", "--squash", "--squash-all", "--stat", "--timestamps",
        "--verbose", "--volumes",
    ]

    /// Those that may stand alone and may be given a value, and what they mean alone.
    private static let switches = ["--pull", "--provenance", "--sbom"]

    private static let values: Set<String> = [
        "always", "false", "missing", "never", "newer", "true",
    ]

    private static let opposites = [
        "--human": "--no-human", "--no-human": "--human", "--pause": "--no-pause",
        "--no-pause": "--pause",
    ]

    /// Options whose number may be below zero, with their long names.
    private static let numbered = [
        "--tail": "--tail", "-t": "--time", "--time": "--time",
        "--timeout": "--timeout", "--last": "--last", "--pids-limit": "--pids-limit",
        "--since": "--since", "--until": "--until",
        "--memory-swap": "--memory-swap", "--cpu-quota": "--cpu-quota",
        "--cpu-rt-runtime": "--cpu-rt-runtime", "--cpu-period": "--cpu-period",
    ]

    private static func longNumbered(_ option: String, in arguments: [String]) -> String? {
        guard option == "-n" else { return numbered[option] }
        return name(in: arguments) == "logs" ? "--tail" : "--last"
    }

    /// Whether it is a time to come, such as `-1h30m`, and not a row of short options.
    private static func isTime(_ argument: String, of option: String?) -> Bool {
        guard option == "--since" || option == "--until" else { return false }
        return argument.dropFirst().first.map { $0.isNumber || $0 == "." } ?? false
    }

    /// Options that may stand before the command's name, with a value.
    private static let rootOptions: Set<String> = ["--root"]

    /// Commands that have commands below them.
    private static let groups: Set<String> = [
        "builder", "cache", "container", "image", "system", "volume",
    ]

    /// The command that arguments name.
    private struct Command {
        /// Below a group its name is the second.
        var names: [String]
        /// Where what is behind its name begins.
        var end: Int
    }

    private static func command(_ arguments: [String]) -> Command? {
        var index = 0
        while index < arguments.count {
            let argument = arguments[index]
            if rootOptions.contains(argument) {
                index += 2
            } else if argument.hasPrefix("-") {
                index += 1
            } else if groups.contains(argument), index + 1 < arguments.count,
                !arguments[index + 1].hasPrefix("-")
            {
                return Command(names: [argument, arguments[index + 1]], end: index + 2)
            } else {
                return Command(names: [argument], end: index + 1)
            }
        }
        return nil
    }

    /// The name of the command, if there is one; of one below a group without the group's.
    static func name(in arguments: [String]) -> String? { command(arguments)?.names.last }

    /// The names of the command and, of one below a group, the group's before it.
    static func names(in arguments: [String]) -> [String] { command(arguments)?.names ?? [] }

    /// Commands of ours that Docker has not, or not in this form: their code for wrong usage is 64.
    private static let ownCommands: Set<String> = [
        "build", "cache", "df", "fsck", "gc", "mount", "prune", "serve", "umount",
    ]

    /// Whether the process was started for a command of Docker's, whose code for wrong usage is 125.
    /// For `run` and `exec` any other may be that of the command they run.
    static func isDockersCommand(
        _ arguments: [String] = Array(CommandLine.arguments.dropFirst())
    ) -> Bool {
        guard let names = command(arguments)?.names else { return true }
        return !ownCommands.contains(names[0]) && names.dropFirst() != ["build"]
    }

    /// The arguments with `=true` taken away from boolean flags, and those with `=false` left out.
    static func rewritten(_ arguments: [String]) -> [String] {
        if arguments == ["-v"] { return ["--version"] }
        if let command = command(arguments), let flags = PassthroughFlags.of(command.names) {
            return arguments[..<command.end] + flags.rewritten(arguments[command.end...])
        }
        var result: [String] = []
        for (index, given) in arguments.enumerated() {
            var argument = given
            if argument == "--" { return result + arguments[index...] }
            // Go's take a number below zero as a value; it would be an option here.
            if argument.hasPrefix("-"), Int(argument) != nil || isTime(argument, of: result.last),
                let option = result.last.flatMap({ longNumbered($0, in: arguments) })
            {
                result[result.count - 1] = "\(option)=\(argument)"
                continue
            }
            // Elsewhere it is a port.
            if argument.hasPrefix("-p="), result.contains("commit") {
                argument = "--pause=" + argument.dropFirst(3)
            }
            if switches.contains(argument), result.contains("build") {
                let next = arguments.dropFirst(index + 1).first
                // "--pull always" is Podman's too; a context of that name is written "./always".
                let isValue = next.map { values.contains($0.lowercased()) } ?? false
                result.append(isValue ? argument : "\(argument)=true")
                continue
            }
            guard let equals = argument.firstIndex(of: "="),
                boolean.contains(String(argument[..<equals]))
            else {
                result.append(argument)
                continue
            }
            let name = String(argument[..<equals])
            switch GoBoolean.parse(String(argument[argument.index(after: equals)...])) {
            case true?: result.append(name)
            // What is on by itself is turned off.
            case false?: if let opposite = opposites[name] { result.append(opposite) }
            case nil: result.append(argument)
            }
        }
        return result
    }
}
