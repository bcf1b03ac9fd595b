internal import ArgumentParser
internal import Engine
internal import ImageSpec
internal import Store

struct StartCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start", abstract: "Start containers that do not run.",
        discussion: """
            With --attach, prints what the container prints, passes signals on, and ends with its exit \
            code.

              vitrine start web db
              vitrine start -ai work
              vitrine start --all --filter restart-policy=always      what a boot has to start
            """)
    @OptionGroup var store: StoreOptions
    @Flag(help: "All that do not run.") var all = false
    @Option(
        name: .shortAndLong,
        help: "Of all, those that a condition of \"ps\" holds for; KEY=VALUE.",
        transform: { try FilterText($0) })
    var filter: [FilterText] = []
    @Flag(name: .shortAndLong, help: "Stay attached to what it prints.") var attach = false
    @Flag(name: .shortAndLong, help: "Pass on what is typed.") var interactive = false
    @Option(name: .customLong("detach-keys"), help: "Keys that leave it (ctrl-p,ctrl-q).")
    var detachKeys: DetachKeysArgument?
    @Option(name: .customLong("sig-proxy"), help: "Pass signals on (true).")
    var passesSignals = true
    @Option(help: .hidden) var checkpoint: String?
    @Option(name: .customLong("checkpoint-dir"), help: .hidden) var checkpointDirectory: String?
    @Argument(help: "Containers, by name or ID.") var containers: [String] = []

    func validate() throws {
        if containers.isEmpty, !all { throw ValidationError("start needs a container, or --all") }
        if all, !containers.isEmpty {
            throw ValidationError("--all and names of containers exclude each other")
        }
        if checkpoint != nil || checkpointDirectory != nil {
            throw ValidationError(
                "there are no checkpoints of containers: \"commit\" keeps files, not processes")
        }
        if !filter.isEmpty, !all { throw ValidationError("--filter chooses among --all") }
        if attach || interactive, containers.count != 1 {
            throw ValidationError("only one container at a time can be attached to")
        }
    }

    func run() throws {
        // A host without a store has nothing to start, at its boot.
        if all { return try startAll() }
        let engine = try store.engine(.existing)
        guard attach || interactive, let name = containers.first else {
            return try EachContainer.perform(containers, on: engine) { try engine.start($0) }
        }
        let record = try engine.container(name)
        var options = AttachOptions()
        options.hasInput = interactive && record.settings.keepsInputOpen
        options.hasTerminal = record.settings.hasTerminal
        // As Docker: "run" alone passes them on to one with a terminal.
        options.passesSignals = passesSignals && !options.hasTerminal
        if let detachKeys { options.detachKeys = detachKeys.keys }
        try ContainerExit.end(with: try engine.startAttached(record, options))
    }

    private func startAll() throws {
        guard let engine = try store.existingEngine() else { return }
        let found = try ContainerFilter(filter).select(from: engine.containers(), on: engine)
        // The oldest first: others may join their networks.
        let names = found.filter { !$0.state.isRunning }.reversed().map(\.record.name)
        try EachContainer.perform(names, on: engine) { try engine.start($0) }
    }
}

struct StopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop", abstract: "End containers: by their signal, then killed.",
        discussion: """
              vitrine stop web
              vitrine stop -t 30 db      thirty seconds to end by itself
              vitrine stop --all
            """)
    @OptionGroup var stopping: StopOptions
    @OptionGroup var running: RunningContainers

    func run() throws {
        let (number, time) = (stopping.signal?.number, stopping.time)
        try running.performAtOnce { engine, record in
            try engine.stop(record, signal: number, timeoutSeconds: time)
        }
    }
}

struct RestartCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restart", abstract: "End containers and start them again.",
        discussion: """
              vitrine restart web
            """)
    @OptionGroup var stopping: StopOptions
    @OptionGroup var named: NamedContainers

    func run() throws {
        let interruption = Interruption()
        // One that was stopped is started again all the same.
        let listener = SignalListener { interruption.receive($0) }
        let result = Result {
            try named.perform { engine, record in
                guard interruption.exitCode == nil else {
                    throw EngineError(
                        .cancelled, "container \"\(record.name)\" is as it was: a signal came")
                }
                try engine.restart(
                    record, signal: stopping.signal?.number, timeoutSeconds: stopping.time)
            }
        }
        withExtendedLifetime(listener) {}
        if let code = interruption.exitCode { throw ExitCode(code) }
        try result.get()
    }
}

struct KillCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kill", abstract: "Send a signal to containers (SIGKILL).",
        discussion: """
              vitrine kill web
              vitrine kill -s HUP web
            """)
    @Option(name: .shortAndLong, help: "The signal, by name or number (KILL).")
    var signal: SignalArgument?
    @OptionGroup var running: RunningContainers

    func run() throws {
        let number = signal?.number ?? SignalName.kill
        try running.perform { engine, record in
            try engine.signal(record, number)
            // "rm" right after it should find it ended, as Docker's does.
            if number == SignalName.kill { _ = try engine.awaitEnd(of: record) }
        }
    }
}

struct PauseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Stop all processes of containers where they are.",
        discussion: """
              vitrine pause web
              vitrine unpause web
            """)
    @OptionGroup var named: NamedContainers

    func run() throws { try named.perform { engine, record in try engine.pause(record) } }
}

struct UnpauseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unpause", abstract: "Let paused containers go on.",
        discussion: """
              vitrine unpause web
            """)
    @OptionGroup var named: NamedContainers

    func run() throws { try named.perform { engine, record in try engine.unpause(record) } }
}

struct WaitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait", abstract: "Wait until containers have ended; print their exit codes.",
        discussion: """
              vitrine wait job
            """)
    @OptionGroup var store: StoreOptions
    @Argument(help: "Containers, by name or ID.") var containers: [String]

    func run() throws {
        let engine = try store.engine(.existing)
        var failed = false
        for name in containers {
            do {
                Terminal.write("\(try engine.awaitEnd(of: try engine.container(name)))\n")
            } catch {
                Terminal.failure(error)
                failed = true
            }
        }
        if failed { throw ExitCode(1) }
    }
}

struct RenameCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rename", abstract: "Give a container another name.",
        discussion: """
              vitrine rename brave_hopper web
            """)
    @OptionGroup var store: StoreOptions
    @Argument(help: "The container, by name or ID.") var container: String
    @Argument(help: "Its new name.") var name: String

    func run() throws {
        let engine = try store.engine(.existing)
        try engine.rename(try engine.container(container), to: name)
    }
}

struct AttachCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attach", abstract: "Connect this terminal with a container that runs.",
        discussion: """
            The keys ctrl-p ctrl-q leave a container that has a terminal. Ends with its exit code.

              vitrine attach work
              vitrine attach --no-stdin web
            """)
    @OptionGroup var store: StoreOptions
    @Flag(name: .customLong("no-stdin"), help: "Do not pass on what is typed.") var noInput = false
    @Option(name: .customLong("detach-keys"), help: "Keys that leave it (ctrl-p,ctrl-q).")
    var detachKeys: DetachKeysArgument?
    @Option(name: .customLong("sig-proxy"), help: "Pass signals on (true).")
    var passesSignals = true
    @Argument(help: "The container, by name or ID.") var container: String

    func run() throws {
        let engine = try store.engine(.existing)
        let record = try engine.container(container)
        if !noInput, record.settings.hasTerminal, record.state.isRunning,
            !Terminal.inputIsTerminal
        {
            throw EngineError(
                .invalid, "the input device is not a TTY", hint: "add --no-stdin")
        }
        var options = AttachOptions()
        options.hasInput = !noInput && record.settings.keepsInputOpen
        options.hasTerminal = record.settings.hasTerminal
        options.passesSignals = passesSignals && !options.hasTerminal
        if let detachKeys { options.detachKeys = detachKeys.keys }
        try ContainerExit.end(with: try engine.attach(record, options))
    }
}

/// How a command that was attached to a container ends.
enum ContainerExit {
    /// Docker's code for what the tool itself could not do.
    static let failure = ExitCode(125)

    static func end(with outcome: AttachOutcome?) throws {
        switch outcome {
        case nil: return
        case .exited(0): return
        case .exited(let code): throw ExitCode(code)
        case .unheard: throw ExitCode(1)
        case .detached: Terminal.writeError("\r\n")
        case .ended(let number): throw ExitCode(128 + number)
        }
    }

    /// Says why a container did not come to run, and ends with Docker's code for that.
    static func reporting(_ body: () throws -> Void) throws {
        do {
            try body()
        } catch let error as ContainerStartError {
            Terminal.failure(error)
            throw ExitCode(error.exitCode)
        } catch let error as ExitCode {
            throw error
        } catch {
            Terminal.failure(error)
            throw failure
        }
    }
}
