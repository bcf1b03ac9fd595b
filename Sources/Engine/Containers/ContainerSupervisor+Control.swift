internal import FileTree
internal import LinuxIO
internal import Sandbox
internal import Store

/// The conversations at the container's socket.
extension ContainerSupervisor {
    /// Answers at the container's socket until the process ends.
    func listen() throws {
        try ControlListener.start(in: store.layout.container(record.id)) { [self] connection in
            state.withLock { $0.answering += 1 }
            answer(connection)
            connection.end()
            state.withLock { $0.answering -= 1 }
        }
    }

    private func answer(_ connection: ControlConnection) {
        guard let frame = try? connection.receive(), frame.kind == .request,
            let request = frame.decode(ControlRequest.self)
        else { return }
        do {
            try answer(request, connection)
        } catch {
            // Who asked may have gone.
            try? connection.send(.failed(ControlFailure(error)))
        }
    }

    private func answer(_ request: ControlRequest, _ connection: ControlConnection) throws {
        switch request {
        case .start(let attachment): try start(attachment, connection)
        case .attach(let attachment): try attach(attachment, connection)
        case .execute(let execution): try execute(execution, connection)
        case .signal(let number): try signal(number, connection)
        case .stop(let signal, let timeout, let purpose):
            state.withLock { state in
                if purpose != .removal { state.isStopTold = true }
                if purpose == .restart { state.isStartedAgain = true }
            }
            end(by: signal ?? stopSignal, timeout)
            try connection.send(awaitEnd())
        case .wait: try connection.send(awaitEnd(after: restarts))
        case .pause: try pause(connection)
        case .resume: try resume(connection)
        case .freeze(let pauses, let hashesLayer):
            try freeze(pauses: pauses, hashesLayer: hashesLayer, connection)
        case .update: try update(connection)
        case .executions:
            try connection.send(.executions(state.withLock { $0.executions.sorted() }))
        }
    }

    /// The present run; waits for one that is about to begin. Not for who holds up the container's
    /// end meanwhile: a start may come to nothing.
    /// - Throws: ``EngineError`` when there is none, and between two runs.
    func running() throws -> Run {
        state.wait { state -> Void? in
            if case .starting = state.phase { return nil }
            return ()
        }
        guard let run = presentRun else { throw EngineError(notRunning: name) }
        return run
    }

    /// Nil while there is none.
    var presentRun: Run? {
        state.withLock { state in
            if case .running(let run) = state.phase { run } else { nil }
        }
    }

    private var restarts: Int { state.withLock { $0.restarts } }

    /// Blocks the thread until the container has ended, or the connection has.
    /// - Parameter restarts: of before the run whose end is waited for, even if another one follows, as
    ///   Docker does; nil is the container's end.
    private func awaitEnd(
        after restarts: Int? = nil, or connection: ControlConnection? = nil
    ) -> ControlReply {
        state.wait { state in
            if let restarts, state.restarts > restarts {
                return .ended(exitCode: state.restartExitCode)
            }
            return switch state.phase {
            case .waiting, .starting, .running, .pausing:
                connection?.hasEnded == true ? .done : nil
            case .ended(let code): .ended(exitCode: code)
            case .failed(let failure): .failed(failure)
            }
        }
    }

    // MARK: - The first process

    private func start(
        _ attachment: ControlAttachment?, _ connection: ControlConnection
    ) throws {
        if let attachment { output.attach(connection, attachment.streams) }
        defer { output.detach(connection) }
        state.withLock { state in
            if case .waiting = state.phase {
                state.firstSize = attachment?.size
                state.phase = .starting
            }
        }
        let reply = state.wait { state -> ControlReply? in
            switch state.phase {
            case .waiting, .starting: nil
            case .running(let run): .running(run.first.processID)
            // It ended before anybody looked.
            case .ended, .pausing: .running(0)
            case .failed(let failure): .failed(failure)
            }
        }
        try connection.send(reply)
        guard let attachment, case .running = reply else { return }
        try follow(connection, attachment, after: 0)
    }

    private func attach(
        _ attachment: ControlAttachment, _ connection: ControlConnection
    ) throws {
        let restarts = restarts
        let run = try running()
        output.attach(connection, attachment.streams)
        defer { output.detach(connection) }
        note("attach")
        try connection.send(.running(run.first.processID))
        if let size = attachment.size { run.first.resize(size) }
        try follow(connection, attachment, after: restarts)
        note("detach")
    }

    /// Passes on what is typed until the run ends or the other side goes.
    private func follow(
        _ connection: ControlConnection, _ attachment: ControlAttachment, after restarts: Int
    ) throws {
        try pass(connection, attachment) { [self] in
            state.withLock { state in
                if case .running(let run) = state.phase { run.first } else { nil }
            }
        }
        let reply = awaitEnd(after: restarts, or: connection)
        if !connection.hasEnded { try connection.send(reply) }
    }

    /// Passes on what comes from the other side, on a thread of its own until the connection ends.
    private func pass(
        _ connection: ControlConnection, _ attachment: ControlAttachment,
        to process: @escaping @Sendable () -> SupervisedProcess?
    ) throws {
        let hasInput = attachment.hasInput
        try BlockingThread.detach { [self] in
            var isDetached = false
            while let frame = try? connection.receive() {
                switch frame.kind {
                case .input: if hasInput { process()?.input?.write(frame.body) }
                case .endOfInput: if hasInput { process()?.input?.close() }
                case .size:
                    if let size = frame.decode(TerminalDevice.Size.self) { process()?.resize(size) }
                case .signal:
                    if let number = frame.body.first { process()?.signal(Int32(number)) }
                case .detach: isDetached = true
                case .request, .reply, .output, .error: break
                }
            }
            if hasInput, !isDetached { process()?.input?.close() }
            connection.end()
            state.notify()
        }
    }

    // MARK: - Other processes

    private func execute(
        _ execution: ControlExecution, _ connection: ControlConnection
    ) throws {
        let run = try running()
        if run.isPaused {
            throw EngineError(
                .failed, "container \(name) is paused",
                hint: "\"vitrine unpause \(name)\" lets it go on")
        }
        if let failure = ControlFailure(unnamedCommand: execution.arguments) {
            return try connection.send(.failed(failure))
        }
        let command = execution.arguments.joined(separator: " ")
        let executionID = newName("exec")
        let output = OutputHub(log: nil)
        if let attachment = execution.attachment { output.attach(connection, attachment.streams) }
        note("exec_create: \(command)", ["execID": executionID])
        state.withLock { _ = $0.executions.insert(executionID) }
        defer { state.withLock { _ = $0.executions.remove(executionID) } }
        let start: SupervisedProcess.Start
        do {
            let request = try self.request(of: execution, in: run)
            start = try SupervisedProcess.start(
                hasTerminal: request.hasTerminal,
                keepsInputOpen: execution.attachment?.hasInput ?? false, output: output
            ) { streams in
                try run.container.execute(request, name: executionID, streams: streams)
            }
        } catch {
            return try connection.send(.failed(ControlFailure(execution: ControlFailure(error))))
        }
        guard case .running(let process) = start else {
            guard case .failed(let failure) = start else { return }
            return try connection.send(.failed(ControlFailure(execution: ControlFailure(failure))))
        }
        note("exec_start: \(command)", ["execID": executionID])
        if let size = execution.attachment?.size { process.resize(size) }
        try connection.send(.running(process.processID))
        if let attachment = execution.attachment {
            try pass(connection, attachment) { process }
        }
        let code = process.wait { [state] in state.withLock { $0.isStopping } }.shellCode
        note("exec_die", ["execID": executionID, "exitCode": "\(code)"])
        if execution.attachment != nil, !connection.hasEnded {
            try connection.send(.ended(exitCode: code))
        }
    }

    /// What `exec` does not say is the container's own.
    func request(of execution: ControlExecution, in run: Run) throws -> ContainerRequest {
        var request = run.request
        request.arguments = execution.arguments
        // That one runs the first process alone.
        request.initProgram = nil
        request.hasTerminal = execution.hasTerminal
        if let directory = execution.workingDirectory { request.workingDirectory = directory }
        if execution.isPrivileged { request.security = .privileged }
        if let user = execution.user {
            request.user = try UserSpecification.Resolved(
                user, in: AccountFiles(ofRoot: request.rootfs),
                additionalGroups: record.settings.additionalGroups)
        }
        request.environment = ContainerPreparation.environment(
            run.request.environment, with: execution.environment,
            hasTerminal: execution.hasTerminal,
            home: execution.user == nil || hasOwnHome ? nil : request.user.home)
        return request
    }

    /// Whether the image, or who made the container, has set `HOME`: then it is no user's.
    private var hasOwnHome: Bool {
        record.settings.environment.contains { $0.hasPrefix("HOME=") }
    }

    // MARK: - Signals

    private func signal(_ number: Int32, _ connection: ControlConnection) throws {
        let run = try running()
        // Who ends a container on purpose does not want it restarted.
        if number == SignalName.kill || number == stopSignal {
            state.withLock { $0.isStopping = true }
        }
        if number == SignalName.kill { try? thaw() }
        run.first.signal(number)
        note("kill", ["signal": "\(number)"])
        try connection.send(.done)
    }

    private var stopSignal: Int32 {
        record.settings.stopSignal.flatMap(SignalName.number) ?? SignalName.terminate
    }

    /// Ten seconds, as Docker's.
    private static let stopSeconds = 10

    private func end(by number: Int32, _ timeout: Int?) {
        state.withLock { $0.isStopping = true }
        try? thaw()  // frozen processes would not see the signal
        // One that is about to run is ended when it does.
        guard let run = try? running() else { return }
        run.first.signal(number)
        note("kill", ["signal": "\(number)"])
        let seconds = timeout ?? record.settings.stopTimeoutSeconds ?? Self.stopSeconds
        if seconds >= 0, !hasEnded(within: .seconds(seconds)) {
            run.first.signal(SignalName.kill)
            note("kill", ["signal": "\(SignalName.kill)"])
        }
    }

    /// This process is asked to end, as at the host's shutdown: the container is stopped, as `stop`
    /// does, but nobody meant it to stay so.
    func terminate() {
        state.withLock { $0.isTerminated = true }
        // Without a thread for it, whoever asks has to ask again.
        try? BlockingThread.detach { [self] in end(by: stopSignal, nil) }
    }

    private func hasEnded(within limit: Duration) -> Bool {
        state.wait(upTo: limit) { state in
            switch state.phase {
            case .ended, .failed: true
            case .waiting, .starting, .running, .pausing: nil
            }
        } ?? false
    }

    // MARK: - Pausing

    private func pause(_ connection: ControlConnection) throws {
        let run = try running()
        if run.isPaused {
            throw EngineError(.failed, "container \(name) is already paused")
        }
        try run.container.pause()
        set(paused: true)
        note("pause")
        try connection.send(.done)
    }

    private func resume(_ connection: ControlConnection) throws {
        guard try running().isPaused else {
            throw EngineError(.failed, "container \(name) is not paused")
        }
        try thaw()
        note("unpause")
        try connection.send(.done)
    }

    private func thaw() throws {
        let run = try running()
        guard run.isPaused else { return }
        try run.container.resume()
        set(paused: false)
    }

    private func set(paused: Bool) {
        state.withLock { state in
            guard case .running(var run) = state.phase else { return }
            run.isPaused = paused
            state.phase = .running(run)
        }
        // What it says is for people; the processes are as they are.
        _ = try? store.updateState(of: record.id) { state in
            if state.isRunning { state.status = paused ? .paused : .running }
        }
    }

    // MARK: - Freezing

    private func freeze(
        pauses: Bool, hashesLayer: Bool, _ connection: ControlConnection
    ) throws {
        let isTaken = state.wait { state -> Bool? in
            if state.isEnding { return false }
            if state.isFreezing || state.isHandingOver { return nil }
            state.isFreezing = true
            return true
        }
        guard isTaken else {
            throw EngineError(.failed, "container \(name) has just ended", hint: "try again")
        }
        defer {
            state.withLock { state in
                state.isFreezing = false
                state.isHandingOver = false
            }
        }
        let run = presentRun  // between two runs nothing is to be stopped
        let stops = pauses && run?.isPaused == false
        // Without control groups the view alone holds changes back while it is frozen.
        let isStopped = stops && (try? run?.container.pause()) != nil
        let root: FrozenRoot
        do {
            defer {
                // What still stands still then can be let go on by "unpause".
                if isStopped, (try? run?.container.resume()) == nil { set(paused: true) }
            }
            let lease = try store.lease("commit \(name)")
            defer { lease.end() }
            root = try engine.freeze(view, of: record, hashesLayer: hashesLayer, lease: lease)
        }
        state.withLock { state in
            state.isFreezing = false
            state.isHandingOver = true
        }
        try connection.send(frozen: root)
    }

    private func update(_ connection: ControlConnection) throws {
        let run = try running()
        guard let settings = try store.container(record.id)?.settings else {
            throw EngineError(.notFound, "container \(name) is no longer there")
        }
        do {
            try run.container.update(ContainerRequest.limits(settings.limits))
        } catch {
            // It has ended meanwhile.
            guard run.first.wait(upTo: .zero) == nil else { throw EngineError(notRunning: name) }
            throw error
        }
        note("update")
        try connection.send(.done)
    }
}

extension ControlAttachment {
    var streams: Set<OutputHub.Stream> {
        var streams: Set<OutputHub.Stream> = []
        if hasOutput { streams.insert(.output) }
        if hasError { streams.insert(.error) }
        return streams
    }
}
