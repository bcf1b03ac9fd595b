internal import LinuxIO
internal import Synchronization

/// A cache mount's directory for as long as somebody uses it. Thread-safe.
package final class CacheMountHold: Sendable {
    package let name: CacheMountName
    /// The directory itself.
    package let path: String
    private let lockPath: String
    /// The flock(2) on it keeps others away, or the directory from being removed.
    private let lock: Mutex<LockFile>

    private struct LockFile: ~Copyable, Sendable {
        var descriptor: OwnedDescriptor?
    }

    init(
        name: CacheMountName, path: String, lockPath: String, lock: consuming OwnedDescriptor
    ) {
        self.name = name
        self.path = path
        self.lockPath = lockPath
        self.lock = Mutex(LockFile(descriptor: lock))
    }

    deinit { end() }

    /// Lets others have it.
    package func end() {
        lock.withLock { lock in
            guard lock.descriptor != nil else { return }
            // The time of its last use; a wrong one makes it go sooner, no more.
            try? HostDirectory.touch(lockPath)
            lock.descriptor = nil
        }
    }
}
