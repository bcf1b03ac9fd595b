internal import ArgumentParser
internal import Engine

struct ImageCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "image", abstract: "The commands for images, as Docker groups them.",
        discussion: """
            The same as without "image", but that "ls" is "images", "rm" is "rmi", and "inspect" looks \
            for images only.

              vitrine image ls
              vitrine image prune --all
            """,
        subcommands: [
            BuildCommand.self, HistoryCommand.self, ImportCommand.self, ImageInspectCommand.self,
            LoadCommand.self, ImageListCommand.self, ImagePruneCommand.self,
            ImageRemoveCommand.self, SaveCommand.self, TagCommand.self,
        ])
}

struct ImageListCommand: ParsableCommand {
    static let configuration = ImagesCommand.configuration.named("ls", ["list"])
    @OptionGroup var list: ImageList

    func run() throws { try list.run() }
}

struct ImageRemoveCommand: ParsableCommand {
    static let configuration = RmiCommand.configuration.named("rm", ["remove"])
    @OptionGroup var command: RmiCommand

    func run() throws { try command.run() }
}

struct ImageInspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Print all that is known of images, as JSON.",
        discussion: """
              vitrine image inspect app
              vitrine image inspect -f '{{json .Config.Env}}' app
            """)
    @OptionGroup var inspection: InspectOptions
    @OptionGroup var platform: ImagePlatformOptions
    @Argument(help: "Images, by name or ID.") var images: [String]

    func run() throws {
        try inspection.show(images) { name, engine in
            try engine.inspect(try platform.image(name, engine))
        }
    }
}
