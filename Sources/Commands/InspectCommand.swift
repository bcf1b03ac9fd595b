internal import ArgumentParser
internal import Engine
internal import ImageSpec
internal import Store

struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Print all that is known of containers, images and volumes, as JSON.",
        discussion: """
            A name is looked for among containers first, then images, then volumes.

              vitrine inspect app
              vitrine inspect -f '{{.State.Status}} {{json .NetworkSettings.Ports}}' web
              vitrine inspect -f '{{range .RootFS.Layers}}{{println .}}{{end}}' app
            """)
    @OptionGroup var inspection: InspectOptions
    @Flag(name: .shortAndLong, help: "Also the sizes of containers.") var size = false
    @Option(help: ArgumentHelp("What it is.", valueName: "container|image|volume"))
    var type: Kind?
    @Argument(help: "Containers, images and volumes, by name or ID.") var names: [String]

    enum Kind: String, ExpressibleByArgument { case container, image, volume }

    func run() throws { try inspection.show(names, value) }

    private func value(_ name: String, _ engine: Engine) throws -> JSONValue {
        switch type {
        case .container:
            return try engine.inspect(try engine.container(name), withSizes: size)
        case .image: return try engine.inspect(try engine.image(name))
        case .volume: return engine.inspect(try engine.volume(name))
        case nil: break
        }
        if let container = try engine.findContainer(name) {
            return try engine.inspect(container, withSizes: size)
        }
        do {
            return try engine.inspect(try engine.image(name))
        } catch let error as EngineError where error.code != .ambiguous {
            // What is no image's name may be a volume's.
            if let volume = try? engine.volume(name) { return engine.inspect(volume) }
            guard error.code == .notFound else { throw error }
            throw EngineError(
                .notFound, "there is no container, image or volume \"\(name)\"",
                hint:
                    "\"vitrine ps -a\", \"vitrine images\" and \"vitrine volume ls\" list what is there"
            )
        }
    }
}
