internal import ArgumentParser
internal import Engine
internal import Glibc
internal import ImageSpec

extension VitrineCommand {
    /// Runs the command that the process was started with, and ends the process.
    package static func start() -> Never {
        StandardStream.surviveClosedPipes()
        OpenFileLimit.raise()
        FileSizeLimit.raise()
        var code: Int32 = 0
        do {
            var command = try parseAsRoot(
                GoFlags.rewritten(Array(CommandLine.arguments.dropFirst())))
            try command.run()
        } catch {
            code = exitCode(for: error).rawValue
            let message = fullMessage(for: error)
            if !message.isEmpty {
                // What was asked for, such as help, is a result.
                let stream = code == 0 ? StandardStream.output : StandardStream.error
                stream.write(message.visibleLines + "\n")
            }
        }
        // A result that did not arrive is a failure; a reader who had enough need not hear of it.
        switch StandardStream.output.state {
        case .complete: break
        case .closed: code = code == 0 ? 1 : code
        case .failed(let message):
            code = code == 0 ? 1 : code
            Terminal.note(message)
        }
        Glibc.exit(code)
    }
}

/// Docker's flags are Go's: a boolean one may be given a value (`--no-cache=true`).
enum GoFlags {
    private static let boolean: Set<String> = [
        "--all", "--allow-other", "--compress", "--debug", "--debug-on-failure", "--detach",
        "--digests", "--dry-run", "--force", "--force-rm", "--foreground", "--human", "--json",
        "--layers", "--lazy", "--load", "--no-cache", "--no-human", "--no-trunc", "--push",
        "--quick", "--quiet", "--rm", "--rw", "--show-context", "--squash", "--squash-all",
        "--verbose",
    ]

    /// Those that may stand alone and may be given a value, and what they mean alone.
    private static let switches = ["--pull", "--provenance", "--sbom"]

    private static let values: Set<String> = [
        "always", "false", "missing", "never", "newer", "true",
    ]

    private static let opposites = ["--human": "--no-human", "--no-human": "--human"]

    /// The arguments with `=true` taken away from boolean flags, and those with `=false` left out.
    static func rewritten(_ arguments: [String]) -> [String] {
        var result: [String] = []
        for (index, argument) in arguments.enumerated() {
            if argument == "--" { return result + arguments[index...] }
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
            switch argument[argument.index(after: equals)...] {
            case "true", "1", "t", "T", "TRUE", "True": result.append(String(argument[..<equals]))
            case "false", "0", "f", "F", "FALSE", "False":
                // What is on by itself is turned off.
                if let opposite = opposites[String(argument[..<equals])] { result.append(opposite) }
            default: result.append(argument)
            }
        }
        return result
    }
}
