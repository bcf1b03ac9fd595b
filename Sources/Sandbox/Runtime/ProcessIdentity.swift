internal import Glibc
internal import Synchronization

/// Names that no other process, and no second call in this one, makes at the same time.
enum ProcessIdentity {
    private static let counter = Atomic(0)

    static var token: String {
        "\(getpid())-\(counter.wrappingAdd(1, ordering: .relaxed).newValue)"
    }
}
