internal import Synchronization

/// How long each kind of request has taken lately.
final class RequestCosts: Sendable {
    /// Above this another thread listens meanwhile: waking it costs 10 to 50 µs.
    private static let slowNanoseconds: UInt64 = 100_000
    /// A new time counts for one part in so many.
    private static let weight: UInt64 = 8
    /// One outlier (a page fault, a preemption) counts for at most this.
    private static let ceilingNanoseconds: UInt64 = 10_000_000

    private let averages = (0..<Int(RequestBuffer.Opcode.limit)).map { _ in Average() }

    private final class Average: Sendable {
        let nanoseconds = Atomic<UInt64>(0)
    }

    func isSlow(_ opcode: UInt32) -> Bool {
        averages[Int(opcode)].nanoseconds.load(ordering: .relaxed) > Self.slowNanoseconds
    }

    /// Two threads at once may lose one of the two: the average does not mind.
    func record(_ opcode: UInt32, nanoseconds: UInt64) {
        let average = averages[Int(opcode)]
        let old = average.nanoseconds.load(ordering: .relaxed)
        let new = min(nanoseconds, Self.ceilingNanoseconds)
        average.nanoseconds.store(
            old - old / Self.weight + new / Self.weight, ordering: .relaxed)
    }
}
