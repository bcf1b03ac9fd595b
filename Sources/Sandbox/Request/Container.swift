internal import ImageSpec
internal import LinuxIO
internal import Synchronization

/// A command that runs in a container, until it ends or is cancelled.
///
/// ``wait()`` must be called once: it removes what the container had. Safe to use from several
/// threads.
package final class Container: Sendable {
    /// How it ended.
    package enum Outcome: Hashable, Sendable {
        /// The command's code; 128 and the number for a signal.
        case exited(Int32)
        case notStarted(StartFailure)
        /// A signal ended the runtime, and with it the command, which may have run.
        case runtimeKilled(signal: Int32)
        case cancelled
    }

    package let id: String
    private let runtime: ContainerRuntime
    private let bundle: Bundle
    private let process: ChildProcess
    private let network: NetworkHelper.Attachment?
    private let isCancelled = Mutex(false)

    private init(
        id: String, runtime: ContainerRuntime, bundle: Bundle, process: ChildProcess,
        network: NetworkHelper.Attachment?
    ) {
        self.id = id
        self.runtime = runtime
        self.bundle = bundle
        self.process = process
        self.network = network
    }

    /// Starts the container, without a terminal; it may still fail, which ``wait()`` tells.
    /// - Throws: `invalidRequest`, `networkUnavailable`, `runtimeFailed`, `system`.
    package static func start(
        _ request: ContainerRequest, with runtime: ContainerRuntime,
        streams: ContainerRuntime.Streams
    ) throws(SandboxError) -> Container {
        try request.validate(for: runtime.choice)
        let network = try runtime.attachment(for: request)
        let bundle: Bundle
        do throws(SandboxError) {
            bundle = try Bundle(of: request, with: runtime, networkPath: network?.path)
        } catch {
            network?.detach()
            throw error
        }
        let command = runtime.command(
            ["run", "--bundle", bundle.path, request.id], logPath: bundle.logPath,
            streams: streams)
        do throws(ChildProcess.StartError) {
            let process = try ChildProcess.start(command)
            return Container(
                id: request.id, runtime: runtime, bundle: bundle, process: process,
                network: network)
        } catch {
            bundle.remove()
            network?.detach()
            throw SandboxError(.runtimeFailed, error.description)
        }
    }

    /// Blocks the thread until the container has ended and nothing of it is left.
    package func wait() -> Outcome {
        let exit = process.wait()
        network?.detach()
        defer { bundle.remove() }
        // Left behind when the runtime itself was killed.
        if HostDirectory.exists("\(runtime.stateRoot)/\(id)") {
            // The outcome is known; what cannot be removed now, `removeLeftovers` will.
            _ = try? runtime.perform(["delete", "--force", id])
        }
        if isCancelled.withLock({ $0 }) { return .cancelled }
        switch exit {
        case .code(0): return .exited(0)
        case .code(let code):
            return StartFailure(log: bundle.log).map(Outcome.notStarted) ?? .exited(code)
        case .signal(let number): return .runtimeKilled(signal: number)
        }
    }

    /// Kills all processes of the container and blocks the thread until they are gone.
    package func cancel() {
        isCancelled.withLock { $0 = true }
        // The container may be in the making, so one signal may come too early. Its first process
        // takes all others with it, as the head of their process namespace.
        for _ in 0..<Self.cancelAttempts {
            _ = try? runtime.perform(["kill", id, "9"])  // not there yet, or gone: tried again
            if process.wait(upTo: Self.cancelInterval) != nil { return }
        }
        process.killGroup(9)
    }

    /// Five seconds together; the kernel may take so long to end a process that waits for a disk.
    private static let cancelAttempts = 100
    private static let cancelInterval = Duration.milliseconds(50)
}
