internal import AsyncHTTPClient
internal import Dispatch
internal import NIOCore
internal import NIOHTTP1
internal import Synchronization

/// One request and its answer, handed from the client's event loop to the thread that waits.
///
/// A part of the body is acknowledged before the next one is read from the network, so that at most
/// one is in memory. Thread-safe.
final class Exchange: HTTPClientResponseDelegate, Sendable {
    typealias Response = Void

    enum Event: Sendable {
        case head(HTTPResponseHead)
        /// To be acknowledged by the promise.
        case body(ByteBuffer, EventLoopPromise<Void>)
        case end
    }

    /// The exchange ended without an end.
    struct Ended: Error {
        var reason: any Error
    }

    private struct State {
        var events: [Event] = []
        var failure: (any Error)?
        var isClosed = false
    }

    private let state = Mutex(State())
    private let bell = DispatchSemaphore(value: 0)

    /// Waits for what comes next.
    /// - Returns: nil when the time is over.
    /// - Throws: ``Ended``.
    func next(until deadline: ContinuousClock.Instant) throws -> Event? {
        while true {
            let (event, failure) = state.withLock { state -> (Event?, (any Error)?) in
                if !state.events.isEmpty { return (state.events.removeFirst(), nil) }
                return (nil, state.failure)
            }
            if let event { return event }
            if let failure { throw Ended(reason: failure) }
            let left = deadline - ContinuousClock.now
            guard left > .zero else { return nil }
            let (seconds, attoseconds) = left.components
            let nanoseconds = seconds * 1_000_000_000 + attoseconds / 1_000_000_000
            _ = bell.wait(timeout: .now() + .nanoseconds(Int(nanoseconds) + 1))
        }
    }

    /// Ends the exchange, whatever is still under way.
    /// - Parameter cancel: ends what still sends to it.
    func close(_ cancel: () -> Void) {
        let left = state.withLock { state in
            state.isClosed = true
            defer { state.events = [] }
            return state.events
        }
        cancel()
        for case .body(_, let promise) in left { promise.fail(CancellationError()) }
    }

    /// Lets the waiting thread go on, with this error.
    func fail(_ error: any Error) {
        state.withLock { $0.failure = $0.failure ?? error }
        bell.signal()
    }

    private func add(_ event: Event) -> Bool {
        let isTaken = state.withLock { state in
            if !state.isClosed { state.events.append(event) }
            return !state.isClosed
        }
        bell.signal()
        return isTaken
    }

    // MARK: - What arrives, on its event loop

    func receive(_ head: HTTPResponseHead) { _ = add(.head(head)) }

    /// - Returns: succeeds when the piece is taken.
    func receive(_ buffer: ByteBuffer, on loop: any EventLoop) -> EventLoopFuture<Void> {
        let promise = loop.makePromise(of: Void.self)
        if !add(.body(buffer, promise)) { promise.fail(CancellationError()) }
        return promise.futureResult
    }

    func finish() { _ = add(.end) }

    func didReceiveHead(
        task: HTTPClient.Task<Void>, _ head: HTTPResponseHead
    ) -> EventLoopFuture<Void> {
        receive(head)
        return task.eventLoop.makeSucceededVoidFuture()
    }

    func didReceiveBodyPart(
        task: HTTPClient.Task<Void>, _ buffer: ByteBuffer
    ) -> EventLoopFuture<Void> {
        receive(buffer, on: task.eventLoop)
    }

    func didReceiveError(task: HTTPClient.Task<Void>, _ error: any Error) { fail(error) }

    func didFinishRequest(task: HTTPClient.Task<Void>) throws { finish() }
}
