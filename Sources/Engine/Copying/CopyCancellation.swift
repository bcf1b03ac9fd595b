internal import Dispatch
internal import Synchronization

/// Tells a copy that somebody wants it to end. Thread-safe.
package final class CopyCancellation: Sendable {
    private struct State {
        var signal: Int32?
        var atPatienceEnd: (@Sendable () -> Void)?
    }
    private let state = Mutex(State())
    /// How long a copy has to notice: one that waits for a pipe does not.
    private static let patience = DispatchTimeInterval.seconds(2)

    package init() {}

    /// The first signal that came.
    package var signal: Int32? { state.withLock { $0.signal } }

    /// Asks the copy to end. If it does not soon, what it has mounted is taken away, and `end` called.
    package func cancel(signal: Int32, end: @escaping @Sendable () -> Void) {
        let isFirst = state.withLock { state in
            defer { state.signal = state.signal ?? signal }
            return state.signal == nil
        }
        guard isFirst else { return }
        DispatchQueue.global().asyncAfter(deadline: .now() + Self.patience) {
            self.state.withLock { $0.atPatienceEnd }?()
            end()
        }
    }

    func onPatienceEnd(_ body: @escaping @Sendable () -> Void) {
        state.withLock { $0.atPatienceEnd = body }
    }

    /// - Throws: ``EngineError`` `cancelled`.
    @Sendable func check() throws {
        if state.withLock({ $0.signal != nil }) {
            throw EngineError(.cancelled, "the copy was cancelled")
        }
    }
}
