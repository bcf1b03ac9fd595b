internal import ArgumentParser
internal import Engine
internal import ImageSpec
internal import Store

struct CreateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Make a container from an image.",
        discussion: """
            Prints its ID. A container is a writable root file system that stays until it is removed; \
            "vitrine mount" shows it. Its name, where none is given, is made up. Options stand before \
            the image; what follows it is the command.

              vitrine create --name web debian:bookworm
              vitrine create -it -v data:/var/lib/data -m 512m debian bash
              vitrine mount web /mnt
            """,
        // -h is the container's name, as in Docker.
        helpNames: .long)
    @OptionGroup var store: StoreOptions
    @Option(help: "The container's name.") var name: String?
    @Option(
        name: .shortAndLong,
        help: "For Docker's sake: \"start\" says what is attached.")
    var attach: [RunCommand.AttachedStream] = []
    @OptionGroup var options: ContainerOptions
    @OptionGroup var target: ContainerCommandLine

    func run() throws {
        let record = try options.create(
            named: name, target, with: store.engine(.existing), .own)
        Terminal.write("\(record.id)\n")
    }
}

/// The image, and the command line that a container is made for.
struct ContainerCommandLine: ParsableArguments {
    @Argument(help: "The image.") var image: String
    @Argument(
        parsing: .remaining,
        help: "The command and its arguments, instead of the image's.")
    var command: [String] = []
}

extension ContainerOptions {
    /// Makes a container as the options say.
    /// - Parameter needsCommand: one that is only to be mounted needs none.
    /// - Throws: ``OptionError``, ``EngineError``.
    func create(
        named name: String?, _ target: ContainerCommandLine, with engine: Engine,
        _ surroundings: OptionSurroundings, needsCommand: Bool = false
    ) throws -> ContainerRecord {
        // As Docker: an empty name is none.
        let name = name.flatMap { $0.isEmpty ? nil : $0 }
        if let name { try Engine.check(containerName: name) }
        let numberFile = try life.cidfile.map { ContainerIDFile(try surroundings.absolute($0)) }
        try numberFile?.check()
        let image = try engine.image(target.image)
        let config = try engine.store.config(of: image.id).config
        try check(platform: config.platform)
        let settings = try settings(
            over: config.config, arguments: target.command, surroundings: surroundings,
            engine: engine)
        guard !needsCommand || !settings.arguments.isEmpty else {
            throw OptionError(
                "COMMAND", "", "no command specified",
                hint: "the image has none: give one after its name")
        }
        let record = try engine.createContainer(
            image: image, imageName: target.image, name: name, settings: settings)
        try numberFile?.write(record.id)
        return record
    }
}
