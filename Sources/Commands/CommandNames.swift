internal import ArgumentParser
internal import Dockerfile
internal import Engine

/// Checks the names of commands before their arguments are looked at: a command that is not there has
/// no options and operands that could be wrong.
enum CommandNames {
    /// - Throws: ``UnknownCommand``.
    static func check(_ arguments: [String]) throws {
        // The parser's own, for shells and manuals.
        let isInternal = arguments.contains {
            $0.hasPrefix("--generate-completion-script") || $0.hasPrefix("---")
                || $0.hasPrefix("--experimental-")
        }
        if isInternal { return }
        let names = GoFlags.names(in: arguments)
        guard names.first == help else { return try walk(names) }
        let topic = arguments.drop { $0 != help }.dropFirst().prefix { !$0.hasPrefix("-") }
        try walk(Array(topic))
    }

    private static let help = "help"

    private static func walk(_ names: [String]) throws {
        var command: any ParsableCommand.Type = VitrineCommand.self
        var group: String?
        for name in names {
            let known = command.configuration.subcommands
            // What follows are operands, which may be anything.
            if known.isEmpty || command.configuration.defaultSubcommand != nil { return }
            if group != nil, name == help { return }
            guard let next = known.first(where: { of($0).contains(name) }) else {
                let shown = known.filter { $0.configuration.shouldDisplay }
                throw UnknownCommand(
                    name: name, group: group, known: shown.flatMap { of($0) })
            }
            command = next
            group = group.map { "\($0) \(name)" } ?? name
        }
    }

    /// Its own name first, then its aliases.
    static func of(_ command: any ParsableCommand.Type) -> [String] {
        (command.configuration.commandName.map { [$0] } ?? []) + command.configuration.aliases
    }
}

/// A name that no command has.
struct UnknownCommand: Error, CustomStringConvertible {
    var name: String
    var group: String?
    var known: [String]

    /// It may be anything.
    private static let shownLength = 100

    var description: String {
        let start = group.map { "\($0) " } ?? ""
        let shown = ArgumentText.shown(String(name.prefix(Self.shownLength)))
        let hint =
            Suggestion.hint(for: name, among: known)
            ?? "\"vitrine \(start)--help\" lists the commands"
        return "\"\(start)\(shown)\" is not a command\n\(hint)"
    }
}
