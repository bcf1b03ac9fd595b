package import FileTree
internal import LinuxIO
internal import Synchronization

/// What a process needs of the store while it works, safe from the collector.
///
/// A lease is a locked file, a row, and a directory for temporary data. It ends with ``end()`` or
/// with its process: the collector finds the lock free and removes what is left.
package final class Lease: Sendable {
    package let id: LeaseID
    private let store: Store
    /// False for one on a read-only file system: it has no lock, no row and no directory.
    private let isRecorded: Bool
    /// Nil once ended. The flock(2) on it is what makes the lease live.
    private let lock: Mutex<LockFile>
    private let nextName = Atomic<UInt64>(0)

    private struct LockFile: ~Copyable, Sendable {
        var descriptor: OwnedDescriptor?
        var isMarked = false
    }

    init(id: LeaseID, lock: consuming OwnedDescriptor?, store: Store) {
        self.id = id
        self.store = store
        isRecorded = lock != nil
        self.lock = Mutex(LockFile(descriptor: lock))
    }

    deinit { finish() }

    /// The directory for temporary and writable data, on the same file system as the objects.
    package var workDirectory: String { store.layout.leaseWork(id) }

    /// False in a store that cannot be written to.
    package var hasWorkDirectory: Bool { isRecorded }

    /// A path in ``workDirectory`` that was not given before.
    package func newWorkPath(_ purpose: String) -> String {
        let number = nextName.add(1, ordering: .relaxed).newValue
        return "\(workDirectory)/\(purpose)-\(number)"
    }

    /// Keeps the tree with all it refers to until the lease ends.
    /// - Throws: `notFound` when the collector already took it.
    package func hold(_ tree: Tree) throws(StoreError) {
        if isRecorded { try store.insertLeasedTree(tree, lease: id) }
    }

    /// Makes the collector keep what is newer than this moment.
    ///
    /// The lock's file gets a size, and with it a change time before that of all that is stored.
    func markIngesting() throws(StoreError) {
        let path = store.layout.leaseLock(id)
        guard isRecorded else {
            throw StoreError(
                .inputOutput, "could not store anything", path: store.layout.root,
                cause: Errno.readOnly)
        }
        try lock.withLock { (lock) throws(StoreError) in
            if lock.isMarked { return }
            guard let descriptor = lock.descriptor?.rawValue else {
                throw StoreError(.inputOutput, "the lease \(id) has ended", path: path)
            }
            do throws(Errno) {
                try DescriptorIO.truncate(descriptor, to: 1)
            } catch {
                throw StoreError(
                    .inputOutput, "could not mark a lease", path: path, cause: error)
            }
            lock.isMarked = true
        }
    }

    /// Ends the lease and removes its temporary data.
    package func end() { finish() }

    private func finish() {
        lock.withLock { lock in
            guard lock.descriptor != nil else { return }
            // What cannot be removed now, the collector will: it finds the lock free.
            try? store.removeLease(id)
            lock.descriptor = nil
        }
    }
}
