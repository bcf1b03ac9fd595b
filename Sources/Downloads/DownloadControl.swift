internal import Dispatch
internal import Synchronization

/// Ends a download from another thread. Thread-safe; it cannot be taken back.
package final class DownloadControl: Sendable {
    private struct State {
        var isCancelled = false
        var exchange: Exchange?
    }

    private let state = Mutex(State())
    private let bell = DispatchSemaphore(value: 0)

    package init() {}

    package var isCancelled: Bool { state.withLock(\.isCancelled) }

    package func cancel() {
        let exchange = state.withLock { state in
            state.isCancelled = true
            return state.exchange
        }
        exchange?.fail(DownloadError(.cancelled, "the download was cancelled"))
        bell.signal()
    }

    /// - Returns: false when the download was cancelled already.
    func attach(_ exchange: Exchange) -> Bool {
        state.withLock { state in
            state.exchange = exchange
            return !state.isCancelled
        }
    }

    func detach() { state.withLock { $0.exchange = nil } }

    /// Waits, until the time is over or the download is cancelled.
    func sleep(_ pause: Duration) {
        let (seconds, attoseconds) = pause.components
        let nanoseconds = seconds * 1_000_000_000 + attoseconds / 1_000_000_000
        _ = bell.wait(timeout: .now() + .nanoseconds(Int(nanoseconds)))
    }
}
