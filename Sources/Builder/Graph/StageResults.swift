internal import LinuxIO

/// What the stages of a build have made, for those that wait for them, and the end of a build that
/// fails. Thread-safe.
final class StageResults: Sendable {
    private struct State: Sendable {
        var finished: [Int: StageState] = [:]
        var failure: (any Error)?
    }

    private let state = Monitor(State())

    /// Thrown to stages that can be of no use any more.
    struct Abandoned: Error {}

    /// Waits until the stage is built.
    /// - Throws: ``Abandoned`` when the build has failed.
    func state(of index: Int) throws -> StageState {
        try state.wait { state in
            if let finished = state.finished[index] { return finished }
            if state.failure != nil { throw Abandoned() }
            return nil
        }
    }

    func finish(_ index: Int, _ result: StageState) {
        state.withLock { $0.finished[index] = result }
    }

    /// Notes why a stage ended early.
    ///
    /// The first failure is the one that is told; what others came to because of it is not.
    func fail(_ error: any Error) {
        if error is Abandoned { return }
        state.withLock { state in
            if state.failure == nil || Self.isCancellation(state.failure) { state.failure = error }
        }
    }

    /// - Throws: ``Abandoned`` when the build has failed.
    func check() throws {
        if state.withLock({ $0.failure != nil }) { throw Abandoned() }
    }

    /// - Throws: the first failure.
    func confirm() throws {
        if let failure = state.withLock({ $0.failure }) { throw failure }
    }

    private static func isCancellation(_ error: (any Error)?) -> Bool {
        (error as? BuildError)?.code == .cancelled
    }
}
