internal import CLinux
internal import Glibc
internal import Synchronization

/// A running program that this process started, and its end.
///
/// The child is reaped by whoever waits first; until then its number is its own, so that a signal
/// never reaches a stranger. A child that is let go of while it runs is killed and reaped.
/// Safe to use from several threads.
package final class ChildProcess: Sendable {
    /// How a program ended.
    package enum Exit: Hashable, Sendable {
        case code(Int32)
        case signal(Int32)

        package var isSuccess: Bool { self == .code(0) }

        /// The number that shells give it: the code, or 128 and the signal.
        package var shellCode: Int32 {
            switch self {
            case .code(let code): code
            case .signal(let signal): 128 + signal
            }
        }
    }

    private enum State {
        case running
        case ended(Exit)
    }

    /// For an end that nobody can tell any more; never taken for success.
    private static let unknownCode: Int32 = 255

    package let processID: Int32
    private let leadsGroup: Bool
    private let state = Mutex(State.running)

    private init(processID: Int32, leadsGroup: Bool) {
        self.processID = processID
        self.leadsGroup = leadsGroup
    }

    deinit {
        kill(SIGKILL)
        _ = wait()
    }

    /// Starts the program and returns once it runs.
    /// - Throws: the step that failed and its errno; no child is left behind.
    package static func start(_ request: Request) throws(StartError) -> ChildProcess {
        let processID = try launched { () throws(StartError) in try request.launch() }
        return ChildProcess(processID: processID, leadsGroup: request.group != .inherited)
    }

    /// Takes on a child of this process that another one made, see ``expectingOrphan(_:)``.
    package static func adopt(_ processID: Int32) -> ChildProcess {
        know(processID)
        awaitParenthood(of: processID)
        return ChildProcess(processID: processID, leadsGroup: false)
    }

    /// Starts a program that outlives this process: nobody waits for it, and it is not killed.
    /// - Returns: its process number.
    package static func startDetached(_ request: Request) throws(StartError) -> Int32 {
        try request.launch()
    }

    /// Blocks the thread until the program ends.
    package func wait() -> Exit {
        if let exit = ended { return exit }
        var info = unsafe siginfo_t()
        // WNOWAIT leaves the child unreaped, so that the lock is not held while it runs.
        while unsafe waitid(P_PID, id_t(processID), &info, WEXITED | WNOWAIT) < 0, errno == EINTR {}
        return reap(options: 0) ?? .code(Self.unknownCode)
    }

    /// Blocks the thread until the program ends or the time is over.
    /// - Returns: nil when the program still runs.
    package func wait(upTo limit: Duration) -> Exit? {
        let deadline = ContinuousClock.now + limit
        while true {
            if let exit = reap(options: WNOHANG) { return exit }
            let left = deadline - ContinuousClock.now
            guard left > .zero else { return nil }
            waitForChange(
                milliseconds: Int32(
                    clamping: left.components.seconds * 1000
                        + left.components.attoseconds / 1_000_000_000_000_000 + 1))
        }
    }

    private func waitForChange(milliseconds: Int32) {
        let descriptor = vitrine_pidfd_open(processID)
        guard descriptor >= 0 else {
            // Before Linux 5.3.
            usleep(useconds_t(min(milliseconds, 5)) * 1000)
            return
        }
        let owner = OwnedDescriptor(adopting: descriptor)
        var entry = pollfd(fd: owner.rawValue, events: Int16(POLLIN), revents: 0)
        _ = unsafe poll(&entry, 1, milliseconds)
    }

    private var ended: Exit? {
        state.withLock { if case .ended(let exit) = $0 { exit } else { nil } }
    }

    /// Collects the child if it has ended.
    private func reap(options: Int32) -> Exit? {
        state.withLock { state in
            if case .ended(let exit) = state { return exit }
            var status: Int32 = 0
            var result: pid_t
            repeat {
                result = unsafe waitpid(processID, &status, options)
            } while result < 0 && errno == EINTR
            if result == 0 { return nil }
            // ECHILD: other code of this process took the child's end away.
            let exit: Exit =
                result < 0
                ? .code(Self.unknownCode)
                : status & 0x7F == 0 ? .code(status >> 8 & 0xFF) : .signal(status & 0x7F)
            state = .ended(exit)
            Self.forget(processID)
            return exit
        }
    }

    /// Sends a signal, unless the program was seen to end.
    package func kill(_ signal: Int32) { send(signal, to: processID) }

    /// Sends a signal to the program and the children it has in its process group.
    package func killGroup(_ signal: Int32) {
        send(signal, to: leadsGroup ? -processID : processID)
    }

    private func send(_ signal: Int32, to target: Int32) {
        state.withLock { state in
            guard case .running = state else { return }
            _ = Glibc.kill(target, signal)
        }
    }
}
