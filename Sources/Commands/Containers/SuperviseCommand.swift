internal import ArgumentParser
internal import Engine

/// The process that runs one container; `start` and `run` leave it behind.
struct SuperviseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "supervise", abstract: "Run a container in this process.", shouldDisplay: false
    )
    @OptionGroup var store: StoreOptions
    @Argument(help: "The container's ID.") var container: String

    func run() throws {
        let engine = try store.engine(.existing)
        try Background.reporting(true, try store.path()) { ready in
            try engine.supervise(container, ready: ready)
        }
    }
}
