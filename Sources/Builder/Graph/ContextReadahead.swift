internal import Dispatch
internal import Dockerfile
internal import FileTree
internal import Store
internal import Synchronization

/// Reads and hashes, while a command runs, what the instructions after it will copy from the
/// context. Thread-safe.
///
/// Only an offer: it makes the context know its files sooner and decides nothing. What goes wrong is
/// told by the instruction that it goes wrong for. Half of the room that the store has when the build
/// begins is left to the commands: none of them is to fail for files that a later instruction takes.
final class ContextReadahead: Sendable {
    private let source: LockedSource
    private let digests: ContentDigest
    private let store: Store
    /// What is left free, in bytes.
    private let reserveBytes: UInt64
    private let queue = DispatchQueue(label: "vitrine.builder.readahead")
    private let isStopped = Atomic<Bool>(false)
    private let asked = Mutex<Set<String>>([])

    init(_ source: LockedSource, _ digests: ContentDigest, _ store: Store) {
        self.source = source
        self.digests = digests
        self.store = store
        reserveBytes = (store.availableBytes ?? 0) / 2
    }

    /// Begins to read what the instructions take from the context.
    func prepare(_ instructions: some Sequence<LocatedInstruction>) {
        for located in instructions {
            let transfer: CopyTransfer
            switch located.instruction {
            case .copy(let copy) where copy.from == nil: transfer = copy.transfer
            case .add(let add): transfer = add.transfer
            default: continue
            }
            // What a variable stands for may yet change.
            for word in transfer.sources where !word.contains("$") {
                // What is wrong with an address is told by the instruction.
                if (try? RemoteSource(word)) != nil { continue }
                guard asked.withLock({ $0.insert(word).inserted }) else { continue }
                queue.async { [self] in
                    // Told by the instruction, where it is a mistake.
                    try? read(word)
                }
            }
        }
    }

    private func read(_ word: String) throws {
        if isStopped.load(ordering: .relaxed) { return }
        for match in try SourceMatcher(source: source).matches(of: word) {
            // Piece by piece, so that other stages get their turn with the context.
            if try source.kind(at: match.resolved) == .directory {
                for name in try source.names(in: match.resolved) {
                    if isStopped.load(ordering: .relaxed) { return }
                    let path = match.resolved.appending(name)
                    guard try fits(path) else { return }
                    _ = try source.node(at: path)
                }
            }
            guard try fits(match.resolved) else { return }
            if isStopped.load(ordering: .relaxed) { return }
            guard let node = try source.node(at: match.resolved) else { continue }
            if let directory = node.directory { _ = try digests.digest(of: directory) }
        }
    }

    private func fits(_ path: TreePath) throws -> Bool {
        let unread = try source.unreadBytes(at: path)
        guard unread > 0 else { return true }
        let (needed, isTooMuch) = unread.addingReportingOverflow(reserveBytes)
        return !isTooMuch && needed <= store.availableBytes ?? .max
    }

    /// Gives up what is left, and waits until none is going on.
    func stop() {
        isStopped.store(true, ordering: .relaxed)
        queue.sync {}
    }
}
