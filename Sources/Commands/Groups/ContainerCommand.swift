internal import ArgumentParser
internal import Engine

struct ContainerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "container", abstract: "The commands for containers, as Docker groups them.",
        discussion: """
            The same as without "container", but that "ls" is "ps", and "inspect" looks for containers only.

              vitrine container ls -a
              vitrine container prune
            """,
        subcommands: [
            AttachCommand.self, CommitCommand.self, CpCommand.self, CreateCommand.self,
            DiffCommand.self, ExecCommand.self, ExportCommand.self,
            ContainerInspectCommand.self, KillCommand.self, LogsCommand.self,
            ContainerListCommand.self, PauseCommand.self, PortCommand.self,
            ContainerPruneCommand.self, RenameCommand.self, RestartCommand.self,
            ContainerRemoveCommand.self, RunCommand.self, StartCommand.self, StatsCommand.self,
            StopCommand.self, TopCommand.self, UnpauseCommand.self, UpdateCommand.self,
            WaitCommand.self,
        ])
}

extension CommandConfiguration {
    /// The same command under another name.
    func named(_ name: String, _ aliases: [String] = []) -> CommandConfiguration {
        var configuration = self
        configuration.commandName = name
        configuration.aliases = aliases
        return configuration
    }
}

struct ContainerListCommand: ParsableCommand {
    static let configuration = PsCommand.configuration.named("ls", ["list", "ps"])
    @OptionGroup var list: ContainerList

    func run() throws { try list.run() }
}

struct ContainerRemoveCommand: ParsableCommand {
    static let configuration = RmCommand.configuration.named("rm", ["remove"])
    @OptionGroup var command: RmCommand

    func run() throws { try command.run() }
}

struct ContainerInspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Print all that is known of containers, as JSON.",
        discussion: """
              vitrine container inspect web
              vitrine container inspect -f '{{.State.Status}}' web
            """)
    @OptionGroup var inspection: InspectOptions
    @Flag(name: .shortAndLong, help: "Also their sizes.") var size = false
    @Argument(help: "Containers, by name or ID.") var containers: [String]

    func run() throws {
        try inspection.show(containers) { name, engine in
            try engine.inspect(try engine.container(name), withSizes: size)
        }
    }
}
