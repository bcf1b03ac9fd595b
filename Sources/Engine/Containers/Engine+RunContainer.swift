internal import Glibc
internal import LinuxIO
package import Store

/// Starting, attaching, executing, ending: what goes through the process that runs a container.
extension Engine {
    // MARK: - Starting

    /// Starts a container that does not run; nothing happens to one that does.
    package func start(_ record: ContainerRecord) throws {
        guard let client = try launch(record) else { return }
        _ = try client.ask(.start(nil))
    }

    /// Starts a container and stays attached to it until it has ended, or the caller leaves.
    package func startAttached(
        _ record: ContainerRecord, _ options: AttachOptions, began: () -> Void = {}
    ) throws -> AttachOutcome {
        guard let client = try launch(record) else { return try attach(record, options) }
        return try AttachedSession(client, options).run(.start(options.request), began: began)
    }

    /// - Returns: nil if it runs already, or another command was just starting it.
    private func launch(_ record: ContainerRecord) throws -> ContainerClient? {
        let deadline = ContinuousClock.now + Self.startPatience
        while true {
            let now = store.currentState(of: try container(record.id.text))
            if now.isRunning, store.holder(of: record.id) != nil {
                guard now.status != .paused else {
                    throw EngineError(
                        .failed, "cannot start a paused container, try unpause instead",
                        hint: "\"vitrine unpause \(record.name)\" lets it go on")
                }
                return nil
            }
            do {
                try BackgroundMount.start(
                    arguments: ["supervise", "--root", root, record.id.text],
                    environment: ChildProcess.ownEnvironment)
            } catch let error as EngineError where error.code == .inUse {
                if runsByAnother(record) { return nil }
                // Who had it lets go of it: another command's run has ended, or its commit.
                guard ContinuousClock.now < deadline, !isMountedByUser(record) else { throw error }
                usleep(10_000)
                continue
            }
            guard let client = try ContainerClient(store.layout.container(record.id)) else {
                throw ContainerClient.lost
            }
            return client
        }
    }

    /// How long is tried to start a container that others have.
    private static let startPatience = Duration.seconds(10)

    private func isMountedByUser(_ record: ContainerRecord) -> Bool {
        guard let holder = store.holder(of: record.id) else { return false }
        return holder.mountPoint != nil && !runsContainer(holder)
    }

    /// How often is looked for the process that another command starts it by: for ten seconds.
    private static let startChecks = 500

    /// Whether another command is starting it, and it came to run, however long that takes.
    private func runsByAnother(_ record: ContainerRecord) -> Bool {
        var checks = 0
        while checks < Self.startChecks {
            // A mount of the user's is no start.
            guard let holder = store.holder(of: record.id),
                holder.mountPoint?.hasPrefix(store.layout.work + "/") ?? true
            else { return false }
            // What the record says was so before.
            if let now = try? store.container(record.id), now.state.isRunning { return true }
            if !HostDirectory.exists(store.layout.container(record.id).control) { checks += 1 }
            usleep(20_000)
        }
        return false
    }

    // MARK: - A container that runs

    private func client(of record: ContainerRecord) throws -> ContainerClient {
        guard let client = try ContainerClient(store.layout.container(record.id)) else {
            throw EngineError(notRunning: record.name)
        }
        return client
    }

    package func attach(
        _ record: ContainerRecord, _ options: AttachOptions
    ) throws -> AttachOutcome {
        try AttachedSession(client(of: record), options).run(.attach(options.request))
    }

    /// Sends a signal to its first process.
    package func signal(_ record: ContainerRecord, _ number: Int32) throws {
        _ = try client(of: record).ask(.signal(number))
    }

    package func pause(_ record: ContainerRecord) throws {
        _ = try client(of: record).ask(.pause)
    }

    package func unpause(_ record: ContainerRecord) throws {
        _ = try client(of: record).ask(.resume)
    }

    /// Changes a container's limits, at once if it runs, and its restart policy. What cannot be done
    /// to the container that runs is not written down either.
    package func update(
        _ record: ContainerRecord, limits: ContainerSettings.Limits,
        restartPolicy: ContainerSettings.RestartPolicy?
    ) throws {
        func set(
            _ limits: ContainerSettings.Limits, _ policy: ContainerSettings.RestartPolicy?
        ) throws {
            try store.updateSettings(of: record.id) { settings in
                settings.limits = limits
                if let policy { settings.restartPolicy = policy }
            }
        }
        if let conflict = limits.conflict(over: record.settings.limits) {
            throw EngineError(
                .invalid, "cannot update container \"\(record.name)\": \(conflict)",
                hint: conflict.hasPrefix("Memory")
                    ? "add --memory-swap"
                    : "--cpus is a quota and a period in one: keep to the one it was made with")
        }
        try set(record.settings.limits.changed(by: limits), restartPolicy)
        guard !limits.isEmpty,
            let client = try ContainerClient(store.layout.container(record.id))
        else { return }
        do {
            _ = try client.ask(.update)
        } catch {
            // Between two runs, or when it has just ended: the next run has them.
            if (error as? ContainerStartError)?.isNotRunning == true { return }
            guard try isRunning(record) else { return }
            try set(record.settings.limits, record.settings.restartPolicy)
            throw error
        }
    }

    /// Ends it if it runs: by a signal, or killed when the time is over; nil is the container's own.
    package func stop(
        _ record: ContainerRecord, signal: Int32? = nil, timeoutSeconds: Int? = nil
    ) throws {
        try stop(record, signal: signal, timeoutSeconds: timeoutSeconds, for: .end)
    }

    func stop(
        _ record: ContainerRecord, signal: Int32?, timeoutSeconds: Int? = nil,
        for purpose: StopPurpose
    ) throws {
        // One that is being started has a socket already; one that is just ending has none any more.
        let holder = store.holder(of: record.id)
        let client = try ContainerClient(store.layout.container(record.id))
        guard client != nil || store.currentState(of: record).isRunning else { return }
        do {
            _ = try client?.ask(
                .stop(signal: signal, timeoutSeconds: timeoutSeconds, purpose))
        } catch {
            // It ended by itself at the same moment, or did not come to run.
            if try isRunning(record) { throw error }
        }
        // Somebody else may have started it again at once.
        guard !awaitRelease(of: record, by: holder), try isRunning(record) else { return }
        throw EngineError(
            .failed, "container \"\(record.name)\" did not stop: its process does not answer",
            hint: "\"vitrine ps -a\" tells how the container is")
    }

    /// Whether it runs by now.
    private func isRunning(_ record: ContainerRecord) throws -> Bool {
        guard let now = try store.container(record.id) else { return false }  // it was removed
        return store.currentState(of: now).isRunning
    }

    /// Waits until it has ended.
    /// - Returns: its exit code.
    package func awaitEnd(of record: ContainerRecord) throws -> Int32 {
        let state = store.currentState(of: record)
        guard state.isRunning else { return state.exitCode }
        if let client = try ContainerClient(store.layout.container(record.id)),
            case .ended(let code)? = try? client.ask(.wait)
        {
            return code
        }
        // It is just ending, or its process was killed.
        _ = awaitRelease(of: record, by: store.holder(of: record.id))
        return ((try store.container(record.id)).map { store.currentState(of: $0) } ?? state)
            .exitCode
    }

    /// The process that ran it says that it has ended a moment before it is gone itself.
    /// - Returns: whether it is gone.
    private func awaitRelease(of record: ContainerRecord, by holder: ContainerHolder?) -> Bool {
        for _ in 0..<10_000 {
            guard let now = store.holder(of: record.id), now.process == holder?.process else {
                return true
            }
            usleep(1000)
        }
        return false
    }

    // MARK: - Other processes in it

    /// A command for `exec`.
    package struct Execution: Sendable {
        package var arguments: [String]
        package var environment: [String] = []
        package var workingDirectory: String?
        package var user: String?
        package var hasTerminal = false
        package var isPrivileged = false

        package init(_ arguments: [String]) { self.arguments = arguments }
    }

    /// Starts a command in a container that runs.
    /// - Parameter options: nil leaves it alone.
    /// - Returns: nil if it was left alone.
    package func execute(
        _ execution: Execution, in record: ContainerRecord, _ options: AttachOptions?
    ) throws -> AttachOutcome? {
        let request = ControlRequest.execute(
            ControlExecution(
                arguments: execution.arguments, environment: execution.environment,
                workingDirectory: execution.workingDirectory, user: execution.user,
                hasTerminal: execution.hasTerminal, isPrivileged: execution.isPrivileged,
                attachment: options?.request))
        let client = try client(of: record)
        guard let options else {
            _ = try client.ask(request)
            return nil
        }
        return try AttachedSession(client, options).run(request)
    }

    /// The names of the commands that run in a container beside its first process; none if the
    /// process that runs it does not say so in time.
    func executions(in record: ContainerRecord) -> [String] {
        // One that has ended since has none. One that is stopped, or hangs, keeps nobody waiting.
        guard let client = try? client(of: record),
            (try? client.connection.setPatience(Self.executionsPatience)) != nil,
            case .executions(let names)? = try? client.ask(.executions)
        else { return [] }
        return names
    }

    /// It is answered from memory; a busy host may take a while to let that process run.
    private static let executionsPatience = Duration.seconds(1)

    // MARK: - Logs

    /// Calls `body` for each line of what a container printed, until it returns false.
    package func readLog(
        of record: ContainerRecord, _ request: LogRequest, _ body: (LogEntry) -> Bool
    ) throws {
        let reader = ContainerLogReader(store.layout.container(record.id), request) {
            self.store.currentState(of: record).isRunning
        }
        do throws(Errno) {
            try reader.read(body)
        } catch {
            throw EngineError(.failed, "could not read the log of \"\(record.name)\": \(error)")
        }
    }
}
