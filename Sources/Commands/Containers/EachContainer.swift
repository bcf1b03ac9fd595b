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

    /// As ``perform(_:on:_:)``, for all at once.
    static func performAtOnce(
        _ names: [String], on engine: Engine,
        _ body: @escaping @Sendable (ContainerRecord) throws -> Void
    ) throws {
        let failures = engine.atOnce(names, body)
        for (name, failure) in zip(names, failures) {
            if let failure { Terminal.failure(failure) } else { Terminal.write("\(name)\n") }
        }
        if failures.contains(where: { $0 != nil }) { throw ExitCode(1) }
    }

    /// The containers that were named, or all that a condition holds for.
    static func names(
        _ given: [String], all: Bool, on engine: Engine, _ isMeant: (ContainerState) -> Bool
    ) throws -> [String] {
        guard all else { return given }
        return try engine.containers().filter { isMeant($0.state) }.map(\.record.name)
    }
}

/// The containers that a command is told to do something to.
struct NamedContainers: ParsableArguments {
    @OptionGroup var store: StoreOptions
    @Argument(help: "Containers, by name or ID.") var containers: [String]

    func perform(_ body: (Engine, ContainerRecord) throws -> Void) throws {
        let engine = try store.engine(.existing)
        try EachContainer.perform(containers, on: engine) { try body(engine, $0) }
    }
}

/// The containers that are named, or all that run.
struct RunningContainers: ParsableArguments {
    @OptionGroup var store: StoreOptions
    @Flag(name: .shortAndLong, help: "All that run.") var all = false
    @Argument(help: "Containers, by name or ID.") var containers: [String] = []

    func validate() throws {
        if containers.isEmpty && !all { throw ValidationError("name a container, or say --all") }
    }

    func perform(_ body: (Engine, ContainerRecord) throws -> Void) throws {
        let engine = try store.engine(.existing)
        let names = try EachContainer.names(containers, all: all, on: engine) { $0.isRunning }
        try EachContainer.perform(names, on: engine) { try body(engine, $0) }
    }
}

extension RunningContainers {
    func performAtOnce(
        _ body: @escaping @Sendable (Engine, ContainerRecord) throws -> Void
    ) throws {
        let engine = try store.engine(.existing)
        let names = try EachContainer.names(containers, all: all, on: engine) { $0.isRunning }
        try EachContainer.performAtOnce(names, on: engine) { try body(engine, $0) }
    }
}

/// How containers are ended.
struct StopOptions: ParsableArguments {
    @Option(
        name: [.customShort("t"), .customLong("time"), .customLong("timeout")],
        help: "Seconds until it is killed (10); -1 waits for ever.")
    var time: Int?
    @Option(name: .shortAndLong, help: "The signal (the image's, or SIGTERM).")
    var signal: SignalArgument?

    func stop(_ record: ContainerRecord, on engine: Engine) throws {
        try engine.stop(record, signal: signal?.number, timeoutSeconds: time)
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
