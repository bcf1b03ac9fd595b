package import ArgumentParser
internal import Engine

/// The `vitrine` command.
package struct VitrineCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "vitrine",
        abstract: "A glass case for container images.",
        discussion: """
            Looks into images as plain directories, builds them from Dockerfiles, and compares them \
            with ls, diff and du. The vocabulary is Docker's.

              vitrine load < debian.tar            bring an image in
              vitrine mount debian:bookworm /mnt   look at it
              vitrine build -t app .               build on it
              vitrine serve --detach               show everything as directories

            Exit codes: 0 done, 1 failed, 125 wrong usage (64 for commands that Docker has not, and \
            for build), 128 and the signal's number when \
            interrupted (130 by Ctrl-C).
            """,
        version: Engine.version,
        groupedSubcommands: [
            CommandGroup(
                name: "Looking",
                subcommands: [
                    MountCommand.self, UmountCommand.self, ServeCommand.self, DiffCommand.self,
                ]),
            CommandGroup(
                name: "Images",
                subcommands: [
                    ImagesCommand.self, HistoryCommand.self, InspectCommand.self, TagCommand.self,
                    RmiCommand.self, LoadCommand.self, SaveCommand.self, ImportCommand.self,
                ]),
            CommandGroup(
                name: "Containers",
                subcommands: [
                    RunCommand.self, CreateCommand.self, StartCommand.self, ExecCommand.self,
                    AttachCommand.self, LogsCommand.self, PsCommand.self, StopCommand.self,
                    KillCommand.self, RestartCommand.self, PauseCommand.self,
                    UnpauseCommand.self, WaitCommand.self, RenameCommand.self, UpdateCommand.self,
                    CpCommand.self,
                    CommitCommand.self, ExportCommand.self, RmCommand.self, EventsCommand.self,
                    PortCommand.self, TopCommand.self, StatsCommand.self,
                    VolumeCommand.self, SuperviseCommand.self,
                ]),
            CommandGroup(name: "Building", subcommands: [BuildCommand.self, CacheCommand.self]),
            CommandGroup(
                name: "The store",
                subcommands: [
                    DfCommand.self, PruneCommand.self, GcCommand.self, FsckCommand.self,
                    InfoCommand.self, VersionCommand.self,
                ]),
            CommandGroup(
                name: "Docker's groups",
                subcommands: [
                    ContainerCommand.self, ImageCommand.self, SystemCommand.self,
                    BuilderCommand.self,
                ]),
        ])

    /// Options before the subcommand hold for it, as Docker's and Podman's do.
    @OptionGroup var store: StoreOptions

    package init() {}
}
