internal import Dispatch
internal import LinuxIO
internal import Store
internal import Synchronization
internal import VirtualFS

/// What a durable view has besides a volatile one: its container, its journal, and its commits.
final class ViewDurability: Sendable {
    let container: OpenContainer
    let journal: ViewJournal
    /// Whether the host's file system tells holes from data, by which blocks that were copied up are
    /// found again.
    let tellsHoles: Bool
    private let nextFile: Atomic<UInt64>
    /// Whether there is a ``BlockTable``.
    private let hasBlocks = Mutex(false)
    /// Commits by time run here: no thread as long as nothing is pending.
    private let queue = DispatchQueue(label: "vitrine.commits")
    private let isScheduled = Atomic(false)
    private let isScheduledAtOnce = Atomic(false)

    /// As ext4's journal: what is not fsynced is on the disk after this time.
    private static let commitInterval = DispatchTimeInterval.seconds(5)

    /// - Parameter nextFile: no own file has this number or a higher one.
    init(
        container: OpenContainer, journal: ViewJournal, tellsHoles: Bool, nextFile: UInt64
    ) {
        self.container = container
        self.journal = journal
        self.tellsHoles = tellsHoles
        self.nextFile = Atomic(nextFile)
    }

    /// A ``BlockTable`` is there already.
    func noteBlocks() { hasBlocks.withLock { $0 = true } }

    /// Before a file becomes one that is partly its object's.
    func beginBlocks() throws(Errno) {
        try hasBlocks.withLock { (isThere) throws(Errno) in
            if isThere { return }
            try BlockTable.begin(at: container.place)
            isThere = true
        }
    }

    /// What is left of such files when the view ends.
    /// - Parameter files: by their numbers.
    func endBlocks(_ files: [UInt64: [Bool]]) throws(Errno) {
        guard hasBlocks.withLock({ $0 }) else { return }
        if files.isEmpty {
            try BlockTable.remove(at: container.place)
        } else {
            try BlockTable.complete(files, at: container.place)
        }
    }

    func newFileNumber() -> UInt64 { nextFile.add(1, ordering: .relaxed).oldValue }

    /// Has `commit` run in a while, or at once; if it is not going to already.
    func schedule(atOnce: Bool, _ commit: @escaping @Sendable () -> Void) {
        if atOnce {
            guard
                isScheduledAtOnce.compareExchange(
                    expected: false, desired: true, ordering: .relaxed
                ).exchanged
            else { return }
            return queue.async { [weak self] in
                self?.isScheduledAtOnce.store(false, ordering: .relaxed)
                commit()
            }
        }
        guard
            isScheduled.compareExchange(expected: false, desired: true, ordering: .relaxed)
                .exchanged
        else { return }
        queue.asyncAfter(deadline: .now() + Self.commitInterval) { [weak self] in
            self?.isScheduled.store(false, ordering: .relaxed)
            commit()
        }
    }
}

/// How an operation stands to the room there is.
enum ChangeKind {
    case growth
    /// It gives room back.
    case removal
}

/// What an operation on a durable view leaves to be done outside the lock.
struct JournalPoint: Sendable {
    /// What was appended so far, by this operation or by others whose effects it may have seen.
    var number: UInt64
    /// Some of it by this one.
    var isOwn: Bool
    var wantsCommit: Bool
    var isUrgent: Bool
    /// What a commit would give back to the disk; 0 if this operation added nothing to it.
    var discardedBytes: UInt64
}
