internal import CFuse
internal import Synchronization

/// Gives memory back to the system after the kernel forgot many inodes.
///
/// The allocator keeps what is freed for the next to come, in pieces between what is still in use:
/// without this a process stays as large as the largest walk ever made it.
final class ForgottenMemory: Sendable {
    /// From so many on it pays: a few megabytes, against milliseconds in which the allocator's
    /// locks are held.
    private static let worthwhile = 20_000
    /// So many are not kept for a quiet moment.
    private static let pressing = 1_000_000

    private let forgotten = Atomic(0)

    func forgot(_ count: Int) { forgotten.add(count, ordering: .relaxed) }

    /// - Parameter isQuiet: nobody is waiting for an answer.
    func giveBack(isQuiet: Bool) {
        let limit = isQuiet ? Self.worthwhile : Self.pressing
        guard forgotten.load(ordering: .relaxed) >= limit else { return }
        forgotten.store(0, ordering: .relaxed)
        vitrine_give_back_memory()
    }
}
