internal import Synchronization

/// Counts the steps that a build shows. Thread-safe.
final class StepNumbers: Sendable {
    private struct State {
        var last = 0
        /// What was shown before the Dockerfile's steps; nil until those begin.
        var beforeRun: Int?
    }

    private let state = Mutex(State())

    func next() -> Int {
        state.withLock { state in
            state.last += 1
            return state.last
        }
    }

    var count: Int { state.withLock(\.last) }

    /// The Dockerfile's steps begin, perhaps anew: they have the same numbers then.
    func rewind() {
        state.withLock { state in
            let start = state.beforeRun ?? state.last
            state.beforeRun = start
            state.last = start
        }
    }
}
