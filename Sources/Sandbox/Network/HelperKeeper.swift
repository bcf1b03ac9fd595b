internal import LinuxIO
internal import Synchronization

/// Runs a network's helper, and another one after it when it ends by itself or somebody kills it: its
/// container would be cut off, and nobody told. Connections that were open then are lost.
///
/// It has a thread of its own, which is the helper's parent: pasta ends with that.
final class HelperKeeper: Sendable {
    /// A helper that is ready.
    struct Running: ~Copyable {
        let process: ChildProcess
        /// While it is open, the helper runs: slirp4netns ends with this process, too.
        let lifeline: OwnedDescriptor
        /// Nobody asks for them any more, and they have to live as long as the helper.
        let messages: ChildProcess.Messages
    }

    private struct State {
        /// Of the first start.
        var result: Result<Void, NetworkHelper.Failure>?
        var process: ChildProcess?
        var isStopping = false
    }

    private let state = Monitor(State())
    private let thread = Mutex<BlockingThread?>(nil)

    /// Pauses double until a helper has held for a while, as those of containers that restart.
    private static let firstPause = Duration.milliseconds(100)
    private static let lastPause = Duration.seconds(60)
    private static let settledTime = Duration.seconds(10)
    /// How long one that is asked to end may take.
    private static let patience = Duration.seconds(1)

    /// Blocks the thread until the first helper is ready.
    /// - Parameter start: starts one; it gives up when its argument says so.
    init(
        _ start:
            @escaping @Sendable (_ isStopping: () -> Bool) throws(NetworkHelper.Failure)
            -> Running
    ) throws(NetworkHelper.Failure) {
        do throws(Errno) {
            let made = try BlockingThread { [state] in Self.keep(state, start) }
            thread.withLock { $0 = made }
        } catch {
            throw NetworkHelper.Failure(error)
        }
        try state.wait { $0.result }.get()
    }

    private static func keep(
        _ state: Monitor<State>,
        _ start: (_ isStopping: () -> Bool) throws(NetworkHelper.Failure) -> Running
    ) {
        var pause = firstPause
        while true {
            do throws(NetworkHelper.Failure) {
                let running = try start { state.withLock { $0.isStopping } }
                let began = ContinuousClock.now
                let isStopping = state.withLock { state in
                    state.result = .success(())
                    state.process = running.process
                    return state.isStopping
                }
                if isStopping { running.process.kill(kill) }
                _ = running.process.wait()
                withExtendedLifetime(running) {}
                state.withLock { $0.process = nil }
                if ContinuousClock.now - began > settledTime { pause = firstPause }
            } catch {
                let isFirst = state.withLock { state in
                    defer { if state.result == nil { state.result = .failure(error) } }
                    return state.result == nil
                }
                if isFirst { return }
            }
            if state.wait(upTo: pause, { $0.isStopping ? true : nil }) == true { return }
            pause = min(pause * 2, lastPause)
        }
    }

    deinit { stop() }

    /// Ends the helper. Blocks the thread until it has ended.
    func stop() {
        let process = state.withLock { state in
            state.isStopping = true
            return state.process
        }
        if let process {
            process.kill(Self.terminate)
            if process.wait(upTo: Self.patience) == nil { process.kill(Self.kill) }
        }
        let running = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        running?.join()
    }

    private static let terminate: Int32 = 15
    private static let kill: Int32 = 9
}
