internal import ArgumentParser

struct SystemCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "system", abstract: "The commands for everything, as Docker groups them.",
        discussion: """
            The same as without "system".

              vitrine system df
              vitrine system prune
            """,
        subcommands: [
            DfCommand.self, EventsCommand.self, InfoCommand.self, PruneCommand.self,
        ])
}

struct BuilderCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "builder", abstract: "The commands for builds, as Docker groups them.",
        discussion: """
            "vitrine cache" has more for the build cache.

              vitrine builder build -t app .
              vitrine builder prune
            """,
        subcommands: [BuildCommand.self, BuilderPruneCommand.self])
}
