internal import FileTree
internal import LinuxIO
internal import Store

/// Bounds how many commands run at once. Thread-safe.
final class StepSlots: Sendable {
    private struct State: Sendable {
        var free: Int
        /// Tickets of those that wait, in the order in which they came.
        var waiting: [UInt64] = []
        var nextTicket: UInt64 = 0
    }

    private let state: Monitor<State>

    init(_ count: Int) { state = Monitor(State(free: max(1, count))) }

    /// Runs `body` when one of the places is free; who came first is first.
    /// - Throws: `cancelled`, also while it waits.
    func use<R>(_ cancellation: Cancellation, _ body: () throws -> R) throws -> R {
        let registration = cancellation.onCancel { [state] in state.notify() }
        defer { cancellation.remove(registration) }
        let ticket = state.withLock { state in
            state.nextTicket += 1
            state.waiting.append(state.nextTicket)
            return state.nextTicket
        }
        try state.wait { state -> Void? in
            if cancellation.isCancelled {
                state.waiting.removeAll { $0 == ticket }
                throw Cancellation.error
            }
            guard state.free > 0, state.waiting.first == ticket else { return nil }
            state.waiting.removeFirst()
            state.free -= 1
            return ()
        }
        defer { state.withLock { $0.free += 1 } }
        return try body()
    }
}

/// Runs processes with another executor, no more of them at once than there are places.
struct BoundedExecutor: StepExecutor {
    let base: any StepExecutor
    let slots: StepSlots

    func run(_ request: StepRequest, in context: StepContext) throws -> StepResult {
        try slots.use(context.cancellation) { try base.run(request, in: context) }
    }

    func showFailure(
        _ failure: String, _ request: StepRequest, in context: StepContext
    ) throws -> Tree? {
        try base.showFailure(failure, request, in: context)
    }
}
