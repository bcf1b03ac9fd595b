internal import ArgumentParser

extension VitrineCommand {
    /// Runs the command that the process was started with, and ends the process.
    package static func start() -> Never {
        main(GoFlags.rewritten(Array(CommandLine.arguments.dropFirst())))
        exit(withError: nil)
    }
}

/// Docker's flags are Go's: a boolean one may be given a value (`--no-cache=true`).
enum GoFlags {
    private static let boolean: Set<String> = [
        "--no-cache", "--quiet", "--force", "--no-trunc", "--digests", "--rw", "--detach",
    ]

    /// The arguments with `=true` taken away from boolean flags, and those with `=false` left out.
    static func rewritten(_ arguments: [String]) -> [String] {
        var result: [String] = []
        for (index, argument) in arguments.enumerated() {
            if argument == "--" { return result + arguments[index...] }
            guard let equals = argument.firstIndex(of: "="),
                boolean.contains(String(argument[..<equals]))
            else {
                result.append(argument)
                continue
            }
            switch argument[argument.index(after: equals)...] {
            case "true", "1", "t", "T", "TRUE", "True": result.append(String(argument[..<equals]))
            case "false", "0", "f", "F", "FALSE", "False": break
            default: result.append(argument)
            }
        }
        return result
    }
}
