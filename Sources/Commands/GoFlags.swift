/// Docker's flags are Go's: a boolean one may be given a value (`--no-cache=true`).
enum GoFlags {
    private static let boolean: Set<String> = [
        "--all", "--allow-other", "--archive", "--compress", "--debug", "--debug-on-failure",
        "--detach",
        "--digests", "--dry-run", "--follow-link", "--force", "--force-rm", "--foreground",
        "--human", "--json",
        "--latest", "--layers", "--lazy", "--load", "--name-status", "--no-cache", "--no-human",
        "--no-pause", "--no-stdin", "--no-trunc", "--pause", "--push", "--quick", "--quiet", "--rm",
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

    /// What Go's flags take for true and false; nil for anything else.
    static func boolean(_ text: String) -> Bool? {
        switch text {
        case "true", "1", "t", "T", "TRUE", "True": true
        case "false", "0", "f", "F", "FALSE", "False": false
        default: nil
        }
    }

    /// Options that may stand before the command's name, with a value.
    private static let rootOptions: Set<String> = ["--root"]

    /// Where the name of the command stands.
    private static func commandIndex(_ arguments: [String]) -> Int? {
        var index = 0
        while index < arguments.count {
            if rootOptions.contains(arguments[index]) {
                index += 2
            } else if arguments[index].hasPrefix("-") {
                index += 1
            } else {
                return index
            }
        }
        return nil
    }

    /// Whether the process was started to run a command of somebody else's: then 64 may be that one's
    /// code, and Docker's for wrong usage is 125.
    static func runsCommand(_ arguments: [String] = Array(CommandLine.arguments.dropFirst()))
        -> Bool
    {
        commandIndex(arguments).map { ["run", "exec"].contains(arguments[$0]) } ?? false
    }

    /// The arguments with `=true` taken away from boolean flags, and those with `=false` left out.
    static func rewritten(_ arguments: [String]) -> [String] {
        if let index = commandIndex(arguments),
            let flags = PassthroughFlags.of(arguments[index])
        {
            return arguments[...index] + flags.rewritten(arguments[(index + 1)...])
        }
        var result: [String] = []
        for (index, given) in arguments.enumerated() {
            var argument = given
            if argument == "--" { return result + arguments[index...] }
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
            switch boolean(String(argument[argument.index(after: equals)...])) {
            case true?: result.append(name)
            // What is on by itself is turned off.
            case false?: if let opposite = opposites[name] { result.append(opposite) }
            case nil: result.append(argument)
            }
        }
        return result
    }
}
