internal import Dispatch
internal import Synchronization

/// Work on many files at once, on threads that may block.
enum ParallelMap {
    /// Hashing and stat calls keep one core busy each; more threads than two gain little on the
    /// machines that build images and take the cores from the steps that run.
    static let threadCount = 2

    /// Fewer items than this are not worth a second thread.
    static let minimumCount = 16

    /// The results of `body`, in the order of the items. The first error ends the work.
    static func map<Item: Sendable, Result: Sendable>(
        _ items: [Item], _ body: @Sendable (Item) throws -> Result
    ) throws -> [Result] {
        guard items.count >= minimumCount else { return try items.map(body) }
        // Taken in runs, so that the lock costs nothing beside the work.
        let runLength = max(1, min(64, items.count / (threadCount * 4)))
        let state = Mutex(Progress<Result>(results: Array(repeating: nil, count: items.count)))
        DispatchQueue.concurrentPerform(iterations: threadCount) { _ in
            while true {
                let run = state.withLock { state -> Range<Int>? in
                    guard state.failure == nil, state.next < items.count else { return nil }
                    let run = state.next..<min(state.next + runLength, items.count)
                    state.next = run.upperBound
                    return run
                }
                guard let run else { return }
                do {
                    let done = try items[run].map(body)
                    state.withLock { state in
                        for (offset, result) in done.enumerated() {
                            state.results[run.lowerBound + offset] = result
                        }
                    }
                } catch {
                    state.withLock { $0.failure = $0.failure ?? error }
                }
            }
        }
        let (results, failure) = state.withLock { ($0.results, $0.failure) }
        if let failure { throw failure }
        return results.compactMap { $0 }
    }

    private struct Progress<Result: Sendable>: Sendable {
        var next = 0
        var results: [Result?]
        var failure: (any Error)?
    }
}
