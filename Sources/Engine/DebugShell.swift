internal import Builder
internal import Glibc
internal import ImageSpec
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
        if context.cancellation.isCancelled { return }
        if isOpened.exchange(true, ordering: .relaxed) { return }
        observer.observe(.terminalLent)
        defer { observer.observe(.terminalReturned) }
        let command = request.arguments.joined(separator: " ").visible
        StandardStream.error.write(
            """
            vitrine: "\(command)" \(what).
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
        let id = request.id
        var failure: StartFailure?
        for (number, path) in shell.candidates.enumerated() {
            request.id = "\(id)-shell\(number)"
            request.arguments = [path]
            let running = try Container.start(
                request, with: runtime,
                // Standard output may be a file; standard error is the terminal.
                streams: .init(
                    input: STDIN_FILENO, output: STDERR_FILENO, error: STDERR_FILENO))
            let registration = context.cancellation.onCancel { running.cancel() }
            defer { context.cancellation.remove(registration) }
            guard case .notStarted(let reason) = running.wait() else { return }
            failure = failure ?? reason
        }
        StandardStream.error.write(
            "vitrine: no shell could be started: \((failure?.message ?? "").visible)\n")
    }
}
