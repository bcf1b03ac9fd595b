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
    /// Nil once ended. The flock(2) on it is what makes the lease live.
    private let lock: Mutex<LockFile>
    private let nextName = Atomic<UInt64>(0)

    private struct LockFile: ~Copyable, Sendable {
        var descriptor: OwnedDescriptor?
    }

    init(id: LeaseID, lock: consuming OwnedDescriptor, store: Store) {
        self.id = id
        self.store = store
        self.lock = Mutex(LockFile(descriptor: lock))
    }

    deinit { finish() }

    /// The directory for temporary and writable data, on the same file system as the objects.
    package var workDirectory: String { store.layout.leaseWork(id) }

    /// A path in ``workDirectory`` that was not given before.
    package func newWorkPath(_ purpose: String) -> String {
        let number = nextName.add(1, ordering: .relaxed).newValue
        return "\(workDirectory)/\(purpose)-\(number)"
    }

    /// Keeps the tree with all it refers to until the lease ends.
    /// - Throws: `notFound` when the collector already took it.
    package func hold(_ tree: Tree) throws(StoreError) {
        try store.insertLeasedTree(tree, lease: id)
    }

    /// Ends the lease and removes its temporary data.
    package func end() { finish() }

    private func finish() {
        lock.withLock { lock in
            guard lock.descriptor != nil else { return }
            store.removeLease(id)
            lock.descriptor = nil
        }
    }
}
