internal import FuseDriver
internal import Synchronization

/// Asks a session to stop, also when the wish comes before there is one. Thread-safe.
final class StopRequest: Sendable {
    private enum State {
        case idle
        case stopped
        case serving(FuseSession)
    }

    private let state = Mutex(State.idle)

    func stop() {
        state.withLock { state in
            if case .serving(let session) = state { session.stop() }
            state = .stopped
        }
    }

    /// The session that is to be stopped, now or later.
    func follow(_ session: FuseSession) {
        state.withLock { state in
            if case .stopped = state { return session.stop() }
            state = .serving(session)
        }
    }
}
