internal import ArgumentParser
internal import Engine
internal import Store

/// What is done to several containers: each is named when it is done, and one that fails does not
/// keep the others from it.
enum EachContainer {
    /// - Throws: ``ExitCode`` 1 if one failed.
    static func perform(
        _ names: [String], on engine: Engine, _ body: (ContainerRecord) throws -> Void
    ) throws {
        var failed = false
        for name in names {
            do {
                try body(try engine.container(name))
                Terminal.write("\(name)\n")
            } catch {
                Terminal.failure(error)
                failed = true
            }
        }
        if failed { throw ExitCode(1) }
    }

    /// The containers that were named, or all that a condition holds for.
    static func names(
        _ given: [String], all: Bool, on engine: Engine, _ isMeant: (ContainerState) -> Bool
    ) throws -> [String] {
        guard all else { return given }
        return try engine.containers().filter { isMeant($0.state) }.map(\.record.name)
    }
}

/// A signal by its name or number.
struct SignalArgument: ExpressibleByArgument {
    let number: Int32

    init?(argument: String) {
        guard let number = SignalName.number(argument) else { return nil }
        self.number = number
    }
}

/// The keys that leave a container to itself.
struct DetachKeysArgument: ExpressibleByArgument {
    let keys: [UInt8]

    init?(argument: String) {
        guard let keys = DetachKeys.parse(argument) else { return nil }
        self.keys = keys
    }
}
