internal import Dispatch
internal import FileTree
internal import FuseDriver
internal import Glibc
internal import LinuxIO
internal import Sandbox
internal import Store
internal import Synchronization
internal import Views

/// Runs one container: the process that holds its lock, serves its root file system, is the parent
/// of its processes, keeps its log and answers at its socket.
///
///     waiting ──start──▶ running ──exit──▶ ended
///                        ▲     │ restart policy
///                        └─────┘
///
/// The thread that calls ``run()`` drives this; each connection has a thread of its own.
final class ContainerSupervisor: Sendable {
    enum Phase {
        /// Nobody has said `start` yet.
        case waiting
        case starting
        case running(Run)
        /// Between two runs of a container that is restarted.
        case pausing
        case ended(exitCode: Int32)
        case failed(ControlFailure)
    }

    /// One run of the first process.
    struct Run: Sendable {
        var container: DetachedContainer
        var first: SupervisedProcess
        /// What it was started as; `exec` takes over what it does not say.
        var request: ContainerRequest
        /// Whether its processes are frozen.
        var isPaused = false
    }

    struct State {
        var phase = Phase.waiting
        /// How many runs have ended and are followed by another one.
        var restarts = 0
        /// Of the last of those.
        var restartExitCode: Int32 = 0
        /// Of the terminal of who starts it.
        var firstSize: TerminalDevice.Size?
        /// Somebody ends it on purpose.
        var isStopping = false
        /// Its end is one that `stop` has asked for, which is told as such.
        var isStopTold = false
        /// Who has asked for its end starts it again.
        var isStartedAgain = false
        /// The host, not a user, ends it.
        var isTerminated = false
        /// A freeze is under way: the view must not be let go of.
        var isFreezing = false
        /// Somebody takes over a tree that was frozen.
        var isHandingOver = false
        /// The container is taken down: no freeze may begin.
        var isEnding = false
        /// The names of the processes that `exec` has started, while they run.
        var executions: Set<String> = []
        /// Connections that are still owed an answer.
        var answering = 0
    }

    let engine: Engine
    let record: ContainerRecord
    let state = Monitor(State())
    /// What the first process prints, over all its runs.
    let output: OutputHub
    let view: WorkingTree
    private let open: OpenContainer
    private let lease: Lease
    private let session: FuseSession
    private let place: String
    private let nextName = Atomic<Int>(1)

    var store: Store { engine.store }

    /// How long somebody who started this may take to say so.
    static let startPatience = Duration.seconds(30)
    /// How long who asked for a tree may take to lease it.
    private static let handoverPatience = Duration.seconds(5)
    /// How long who is attached may take to read what is left; the container is let go of by then.
    private static let answerPatience = Duration.seconds(3600)

    /// Takes the container and mounts its root file system.
    init(_ engine: Engine, _ record: ContainerRecord) throws {
        self.engine = engine
        let open = try engine.open(record)
        // What may have changed until it was taken.
        guard let fresh = try engine.store.container(record.id) else {
            throw EngineError(.notFound, "container \"\(record.name)\" is no longer there")
        }
        self.record = fresh
        self.open = open
        lease = try engine.store.lease("run \(record.name)")
        try engine.clearRemains(of: fresh)
        let settings = fresh.settings
        output = OutputHub(
            log: settings.keepsLog
                ? try ContainerLog(open.place, maximumBytes: settings.maximumLogBytes) : nil)
        view = try WorkingTree(container: open, store: engine.store, lease: lease)
        place = lease.newWorkPath("rootfs")
        try HostDirectory.make(place, permissions: 0o755)
        var options = MountOptions(source: MountSource(foreign: fresh.name).text)
        options.allowsDevices = true
        options.allowsSetID = true
        session = try FuseSession.mount(view, at: place, options: options)
        open.note(mountPoint: place)
    }

    // MARK: - Life

    /// Runs the container to its end. Blocks the thread.
    func run() {
        let isWanted = waitForStart()
        if isWanted {
            runToEnd()
        } else {
            finish(.ended(exitCode: 0))
        }
        awaitAnswers()
    }

    /// - Returns: false if nobody came.
    private func waitForStart() -> Bool {
        state.wait(upTo: Self.startPatience) { state in
            if state.isStopping { return false }
            return if case .starting = state.phase { true } else { nil }
        } ?? false
    }

    private func runToEnd() {
        var pause = Self.firstPause
        var restarts = 0
        var exitCode = 128 + SignalName.kill
        while true {
            let began = ContinuousClock.now
            do {
                switch try start(after: restarts) {
                case .failed(let failure): return finish(.failed(failure))
                case .ended(let code): exitCode = code
                case .stopped: return finish(.ended(exitCode: exitCode))
                }
            } catch {
                return finish(.failed(ControlFailure(error)))
            }
            guard wantsRestart(exitCode, restarts) else {
                return finish(.ended(exitCode: exitCode))
            }
            if ContinuousClock.now - began > Self.settledTime { pause = Self.firstPause }
            restarts += 1
            note(state: .restarting, exitCode: exitCode)
            state.withLock { state in
                state.phase = .pausing
                state.restarts = restarts
                state.restartExitCode = exitCode
            }
            guard sleep(pause) else { return finish(.ended(exitCode: exitCode)) }
            pause = min(pause * 2, Self.lastPause)
        }
    }

    /// As Docker's: from a tenth of a second, doubled up to a minute, until a run has held for ten.
    private static let firstPause = Duration.milliseconds(100)
    private static let lastPause = Duration.seconds(60)
    private static let settledTime = Duration.seconds(10)

    /// - Returns: false if the container is to stop meanwhile.
    private func sleep(_ duration: Duration) -> Bool {
        if state.wait(upTo: duration, { $0.isStopping ? true : nil }) == true { return false }
        return state.withLock { state in
            if state.isStopping { return false }
            state.phase = .starting
            return true
        }
    }

    private func wantsRestart(_ exitCode: Int32, _ restarts: Int) -> Bool {
        if state.withLock({ $0.isStopping }) { return false }
        // "update --restart" may have changed it.
        let settings = ((try? store.container(record.id)) ?? nil)?.settings ?? record.settings
        switch settings.restartPolicy.kind {
        case .no: return false
        case .always, .unlessStopped: return true
        case .onFailure:
            let limit = settings.restartPolicy.maximumRetries
            return exitCode != 0 && (limit == 0 || restarts < limit)
        }
    }

    private enum RunEnd {
        case failed(ControlFailure)
        case ended(Int32)
        /// It did not come to run: somebody stopped it before.
        case stopped
    }

    /// One run of the first process, to its end.
    /// - Parameter restarts: how many times it was restarted since somebody started it.
    private func start(after restarts: Int) throws -> RunEnd {
        var record = record
        // "update" may have changed them since the run before.
        if let now = try store.container(record.id) { record.settings.limits = now.settings.limits }
        let preparation = try ContainerPreparation(
            engine, record, rootfs: place, lease: lease)
        defer { preparation.end() }
        // Its volumes may have taken long to fill.
        if state.withLock({ $0.isStopping }) { return .stopped }
        try view.showMountTargets(
            StepRunner.targets(of: preparation.request) + ContainerPreparation.marks)
        let request = preparation.request
        if let failure = ControlFailure(unnamedCommand: request.arguments) {
            return .failed(failure)
        }
        // What cannot be made the runtime tells, as the directory that it cannot change to.
        try? WorkingDirectoryLink.settle(request.workingDirectory, inRoot: place)
        var made: DetachedContainer?
        var isStarted = false
        // Without threads for its streams a process that runs is ended, and its container with it.
        defer { if !isStarted { made?.remove() } }
        let start = try SupervisedProcess.start(
            hasTerminal: request.hasTerminal, keepsInputOpen: record.settings.keepsInputOpen,
            output: output
        ) { streams in
            let (container, start) = try DetachedContainer.start(
                request, with: preparation.runtime, networkPath: preparation.networkPath,
                streams: streams)
            made = container
            return start
        }
        isStarted = true
        guard let container = made else { preconditionFailure("it was started") }
        switch start {
        case .failed(let failure):
            return .failed(ControlFailure(failure))
        case .running(let process):
            defer { container.remove() }
            if let size = state.withLock({ $0.firstSize }) { process.resize(size) }
            begin(
                Run(container: container, first: process, request: request), preparation, restarts)
            // Without a group of its own the container shares this process's, which tells nothing.
            let watch =
                preparation.runtime.choice.controlGroups == .native
                ? MemoryWatch(of: process.processID) : nil
            let health = HealthMonitor(self)
            let exit = process.wait { [state] in state.withLock { $0.isStopping } }
            health?.stop()
            end(exit, ranOutOfMemory: watch?.ranOut ?? false)
            return .ended(exit.shellCode)
        }
    }

    private func begin(_ run: Run, _ preparation: ContainerPreparation, _ restarts: Int) {
        writeState { state in
            state.status = .running
            state.processID = run.first.processID
            state.startedAt = Store.now()
            state.finishedAt = 0
            state.exitCode = 0
            state.error = ""
            state.ranOutOfMemory = false
            state.wasStopped = false
            state.restartCount = restarts
            state.rootfs = place
            state.sharedMemory = preparation.joinableMemory
            state.publishedPorts = preparation.publishedPorts
            state.health = record.settings.activeHealthCheck == nil ? nil : .starting
            state.failingStreak = 0
            state.probes = []
        }
        note("start")
        state.withLock { $0.phase = .running(run) }
    }

    private func end(_ exit: ChildProcess.Exit, ranOutOfMemory: Bool) {
        if ranOutOfMemory {
            writeState { $0.ranOutOfMemory = true }
            note("oom")
        }
        note("die", ["exitCode": "\(exit.shellCode)"])
    }

    private func note(state status: ContainerState.Status, exitCode: Int32) {
        writeState { state in
            state.status = status
            state.processID = 0
            state.sharedMemory = ""
            state.exitCode = exitCode
            state.finishedAt = Store.now()
            if status == .restarting { state.restartCount += 1 }
        }
    }

    // MARK: - The end

    /// Takes down what the container has, writes its end down, lets go of it, and tells all who wait.
    private func finish(_ phase: Phase) {
        try? HostDirectory.unlink(open.place.control)
        state.withLock { $0.isEnding = true }
        state.wait { $0.isFreezing ? nil : () }
        _ = state.wait(upTo: Self.handoverPatience) { $0.isHandingOver ? nil : true }
        try? StepRunner.unmount(session)  // what cannot be unmounted goes with the lease
        try? HostDirectory.removeEmpty(place)
        let wasStopped = state.withLock { $0.isStopping && !$0.isTerminated }
        writeState { state in
            state.processID = 0
            state.rootfs = ""
            state.sharedMemory = ""
            state.publishedPorts = []
            state.health = nil
            state.wasStopped = wasStopped
            switch phase {
            case .ended(let code):
                if !state.isRunning { return }
                state.status = .exited
                state.exitCode = code
                state.finishedAt = Store.now()
            case .failed(let failure):
                state.status = state.startedAt == 0 ? .created : .exited
                state.exitCode = failure.exitCode
                state.error = failure.message
                if state.startedAt != 0 { state.finishedAt = Store.now() }
            default: break
            }
        }
        if state.withLock({ $0.isStopTold }) { note("stop") }
        if record.settings.removesItself, !isUnstarted(phase),
            !state.withLock({ $0.isStartedAgain })
        {
            try? engine.remove(open, withVolumes: true)
        }
        lease.end()
        open.release()
        state.withLock { $0.phase = phase }
    }

    private func isUnstarted(_ phase: Phase) -> Bool {
        if case .failed = phase { return true }
        return false
    }

    /// Who waits for the end is told before the process ends.
    func awaitAnswers() {
        _ = state.wait(upTo: Self.answerPatience) { $0.answering == 0 ? true : nil }
    }

    /// A store that cannot be written, such as on a full disk, shows the container as it was before.
    private func writeState(_ change: (inout ContainerState) -> Void) {
        _ = try? store.updateState(of: record.id, change)
    }

    // MARK: - For connections

    /// A name for a process or a file of the container that no other has.
    func newName(_ purpose: String) -> String {
        "\(purpose)-\(nextName.add(1, ordering: .relaxed).oldValue)"
    }

    /// The container's name, which "rename" may have changed since it was taken.
    var name: String { ((try? store.container(record.id)) ?? nil)?.name ?? record.name }

    func note(_ action: String, _ attributes: [String: String] = [:]) {
        var record = record
        record.name = name
        engine.note(action, of: record, attributes)
    }
}

extension ControlFailure {
    init(_ failure: StartFailure) {
        let kind: Kind =
            switch failure.kind {
            case .commandNotFound: .commandNotFound
            case .commandNotExecutable: .commandNotExecutable
            case .runtime: .other
            }
        self.init(kind: kind, message: failure.message, hint: nil)
    }

    /// Of a command whose name is empty, in Docker's words; nil for others.
    init?(unnamedCommand arguments: [String]) {
        guard arguments.first == "" else { return nil }
        self.init(
            kind: .commandNotFound, message: "exec: \"\": executable file not found in $PATH",
            hint: nil)
    }

    /// Why `exec` did not come to run its command: as Docker, what is wrong with a command that was
    /// accepted is one that cannot be executed.
    init(execution failure: ControlFailure) {
        self = failure
        if kind == .other { kind = .commandNotExecutable }
    }

    init(_ error: any Error) {
        if let error = error as? EngineError {
            self.init(
                kind: error.code == .notRunning ? .notRunning : .other, message: error.message,
                hint: error.hint)
        } else if let error = error as? SandboxError {
            self.init(kind: .other, message: error.message, hint: error.hint)
        } else {
            self.init(kind: .other, message: "\(error)", hint: nil)
        }
    }

    /// Docker's.
    var exitCode: Int32 {
        switch kind {
        case .commandNotFound: 127
        case .commandNotExecutable: 126
        case .notRunning, .other: 125
        }
    }
}
