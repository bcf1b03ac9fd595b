internal import Synchronization

/// Says that work is no longer wanted. Thread-safe; it cannot be taken back.
package final class Cancellation: Sendable {
    /// Ends a handler's registration.
    package struct Registration: Sendable {
        fileprivate let number: UInt64
    }

    private struct State {
        var isCancelled = false
        var nextNumber: UInt64 = 0
        var handlers: [UInt64: @Sendable () -> Void] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    package var isCancelled: Bool { state.withLock(\.isCancelled) }

    /// Calls each handler once, on this thread.
    package func cancel() {
        let handlers = state.withLock { state in
            state.isCancelled = true
            defer { state.handlers = [:] }
            return state.handlers.values.map { $0 }
        }
        for handler in handlers { handler() }
    }

    /// Calls `handler` when the work is cancelled, at once if it already is.
    package func onCancel(_ handler: @escaping @Sendable () -> Void) -> Registration {
        let number: UInt64? = state.withLock { state in
            if state.isCancelled { return nil }
            state.nextNumber += 1
            state.handlers[state.nextNumber] = handler
            return state.nextNumber
        }
        guard let number else {
            handler()
            return Registration(number: 0)
        }
        return Registration(number: number)
    }

    package func remove(_ registration: Registration) {
        state.withLock { $0.handlers[registration.number] = nil }
    }
}

extension Cancellation {
    /// What a build that was cancelled ends with.
    static var error: BuildError { BuildError(.cancelled, "the build was cancelled") }

    /// - Throws: `cancelled`.
    package func check() throws {
        if isCancelled { throw Self.error }
    }
}
