internal import Builder
internal import Glibc
internal import ImageSpec
internal import LinuxIO
internal import Sandbox
internal import Synchronization

/// A shell for who wants to look where a step failed.
package struct DebugShell: Hashable, Sendable {
    /// In the image; nil tries those that images have.
    package var path: String?

    package init(path: String?) { self.path = path }

    fileprivate var candidates: [String] {
        path.map { [$0] } ?? ["/bin/sh", "/bin/bash", "/usr/bin/bash", "/bin/ash", "/busybox/sh"]
    }
}

/// Opens the shell, in the writable view of the first step that fails and as that step's command was
/// run, on this process's terminal. Thread-safe.
final class DebugSession: Sendable {
    private let shell: DebugShell
    private let observer: any BuildObserver
    /// There is one terminal.
    private let isOpened = Atomic<Bool>(false)

    init(_ shell: DebugShell, _ observer: any BuildObserver) {
        self.shell = shell
        self.observer = observer
    }

    /// Blocks until the shell has been left. Does nothing after a command that did not fail.
    /// - Throws: ``EngineError`` when no shell could be started, ``SandboxError``.
    func open(
        after outcome: Container.Outcome, of request: ContainerRequest,
        _ runtime: ContainerRuntime, _ context: StepContext
    ) throws {
        let what: String
        switch outcome {
        case .exited(0), .cancelled, .runtimeKilled: return
        case .exited(let code): what = "ended with exit code \(code)"
        case .notStarted: what = "could not be started"
        }
        let command = request.arguments.joined(separator: " ").visible
        try open(after: "\"\(command)\" \(what)", of: request, runtime, context)
    }

    /// Whether it has not been opened yet.
    var isFree: Bool { !isOpened.load(ordering: .relaxed) }

    /// Blocks until the shell has been left.
    /// - Parameter failure: what happened, a sentence without its full stop.
    /// - Throws: as above.
    func open(
        after failure: String, of request: ContainerRequest,
        _ runtime: ContainerRuntime, _ context: StepContext
    ) throws {
        if context.cancellation.isCancelled { return }
        if isOpened.exchange(true, ordering: .relaxed) { return }
        observer.observe(.terminalLent)
        defer { observer.observe(.terminalReturned) }
        StandardStream.error.write(
            """
            vitrine: \(failure.visible).
            vitrine: This is a shell where it failed; the build ends when you leave it ("exit").

            """)
        var request = request
        request.hasTerminal = true
        if !request.environment.contains(where: { $0.hasPrefix("TERM=") }) {
            request.environment.append("TERM=\(HostTerminal.kind)")
        }
        try HostTerminal.keepingModes(of: STDIN_FILENO) {
            try run(&request, runtime, context)
        }
    }

    private func run(
        _ request: inout ContainerRequest, _ runtime: ContainerRuntime, _ context: StepContext
    ) throws {
        // The shell's container is on a terminal as that of "run -it" is.
        try ChildProcess.adoptOrphans()
        let network = try runtime.attachment(for: request)
        defer { network?.detach() }
        let id = request.id
        var failure: StartFailure?
        for (number, path) in shell.candidates.enumerated() {
            request.id = "\(id)-shell\(number)"
            request.arguments = [path]
            let (container, start) = try DetachedContainer.start(
                request, with: runtime, networkPath: network?.path, streams: .init())
            switch start {
            case .failed(let reason): failure = failure ?? reason
            case .running(let process):
                defer { container.remove() }
                let registration = context.cancellation.onCancel { process.kill(SIGKILL) }
                defer { context.cancellation.remove(registration) }
                return try TerminalRelay(process).run()
            }
        }
        try runOnHost(request, failure?.message ?? "", context)
    }

    /// An image without a shell is looked at with the host's.
    private func runOnHost(
        _ request: ContainerRequest, _ reason: String, _ context: StepContext
    ) throws {
        let program = Self.hostShell
        StandardStream.error.write(
            """
            vitrine: The image has no \(shell.candidates.joined(separator: ", ").visible): \
            \(reason.visible)
            vitrine: This is the host's \(program.visible) instead, in the directory of the image's \
            files: \(request.rootfs)

            """)
        var start = ChildProcess.Request(
            program: program, arguments: [], environment: ChildProcess.ownEnvironment,
            directory: request.rootfs, standardInput: STDIN_FILENO, standardOutput: STDERR_FILENO,
            standardError: STDERR_FILENO)
        start.deathSignal = SIGHUP
        do {
            let running = try ChildProcess.start(start)
            let registration = context.cancellation.onCancel { running.kill(SIGHUP) }
            defer { context.cancellation.remove(registration) }
            _ = running.wait()
        } catch {
            throw EngineError(.failed, "\(error)")
        }
    }

    private static var hostShell: String {
        let environment = ChildProcess.ownEnvironment
        let own = environment.last { $0.hasPrefix("SHELL=/") }?.dropFirst("SHELL=".count)
        return own.map(String.init) ?? "/bin/sh"
    }
}
