internal import ArgumentParser
internal import Engine
internal import Foundation

/// Where the store is; every command that needs one takes these.
struct StoreOptions: ParsableArguments {
    @Option(
        name: .customLong("root"),
        help: ArgumentHelp(
            "The store's directory (VITRINE_ROOT; /var/lib/vitrine for root).",
            valueName: "directory"))
    var root: String?

    var path: String {
        root.map(StoreLocation.absolute)
            ?? StoreLocation.root(environment: ProcessInfo.processInfo.environment)
    }

    func engine() throws -> Engine { try Engine(root: path) }
}
