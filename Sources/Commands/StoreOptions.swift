internal import ArgumentParser
internal import Engine
internal import Foundation

/// Where the store is; every command that needs one takes these.
struct StoreOptions: ParsableArguments {
    @Option(
        name: .customLong("root"),
        help: ArgumentHelp(
            "The store's directory (VITRINE_ROOT; /var/lib/vitrine for root).",
            valueName: "directory"), completion: .directory)
    var root: String?

    func validate() throws {
        if root == "" { throw ValidationError("--root needs a directory") }
    }

    func path() throws -> String {
        StoreLocation.resolved(
            try root.map { try StoreLocation.absolute($0) }
                ?? StoreLocation.root(environment: ProcessInfo.processInfo.environment))
    }

    /// - Parameter presence: whether a store is made where there is none.
    func engine(_ presence: Engine.Presence = .made) throws -> Engine {
        try Engine(root: try path(), presence)
    }

    /// The store that is there, or nil.
    func existingEngine() throws -> Engine? {
        try Engine.isStore(try path()) ? try engine(.existing) : nil
    }
}
