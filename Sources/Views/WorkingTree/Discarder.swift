internal import Dispatch
internal import LinuxIO
internal import Synchronization

/// Removes own files that nothing refers to any more, beside the requests of a mounted view.
///
/// Removing a file takes the host as long as the rest of an UNLINK. So paths are collected and removed
/// together by a queue of this object's own: when there are many, and after a moment anyway.
final class Discarder: Sendable {
    private struct State {
        var paths: [String] = []
        /// Batches handed over and not yet removed.
        var batches = 0
    }

    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "vitrine.discard")

    /// Enough that waking the queue's thread costs little beside them.
    private static let batchCount = 64
    /// Whoever comes faster than files can be removed does it himself.
    private static let batchLimit = 8
    /// How long room on the disk stays taken.
    private static let linger = DispatchTimeInterval.milliseconds(50)

    func discard(_ paths: [String]) {
        let (batch, isFirst, isLate) = state.withLock { state in
            let isFirst = state.paths.isEmpty
            state.paths += paths
            guard state.paths.count >= Self.batchCount else { return ([String](), isFirst, false) }
            defer { state.paths = [] }
            let isLate = state.batches >= Self.batchLimit
            if !isLate { state.batches += 1 }
            return (state.paths, false, isLate)
        }
        if isLate {
            Self.remove(batch)
        } else if !batch.isEmpty {
            queue.async { [self] in
                Self.remove(batch)
                state.withLock { $0.batches -= 1 }
            }
        } else if isFirst {
            queue.asyncAfter(deadline: .now() + Self.linger) { [self] in removeCollected() }
        }
    }

    /// Returns when all are removed that were handed over before.
    func finish() { queue.sync { removeCollected() } }

    private func removeCollected() {
        Self.remove(
            state.withLock { state in
                defer { state.paths = [] }
                return state.paths
            })
    }

    static func remove(_ paths: [String]) {
        for path in paths {
            try? HostDirectory.unlink(path)  // what stays goes with the lease
        }
    }
}
