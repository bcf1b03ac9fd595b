internal import Glibc
package import ImageSpec
internal import LinuxIO
internal import Synchronization

/// The right to make what a cache key stands for, which one step of all builds on a store has at a
/// time. Ends with its process at the latest.
package final class StepLock: Sendable {
    private let path: String
    private let descriptor: OwnedDescriptor
    private let isReleased = Atomic<Bool>(false)

    fileprivate init(path: String, descriptor: consuming OwnedDescriptor) {
        self.path = path
        self.descriptor = descriptor
    }

    deinit { release() }

    /// Lets the next one go on. The file goes first: who waits for it sees that it is gone, and
    /// makes a new one.
    package func release() {
        if isReleased.exchange(true, ordering: .acquiringAndReleasing) { return }
        // One that stays is taken by the next, or by the collector.
        try? HostDirectory.unlink(path)
        DescriptorIO.unlock(descriptor.rawValue)
    }
}

extension Store {
    /// Waits until no other step has the key's lock, and takes it.
    ///
    /// Who holds one waits for no other, so that there is no circle: a step takes it when its inputs
    /// are known, and gives it back when its result is recorded.
    /// - Parameters:
    ///   - onWait: called once, when it is not to be had at once.
    ///   - isCancelled: asked some times a second.
    /// - Returns: nil when it was cancelled.
    package func lockStep(
        _ key: CacheKey, onWait: () -> Void, isCancelled: () -> Bool
    ) throws(StoreError) -> StepLock? {
        var hasWaited = false
        var pause = Self.firstPauseMicroseconds
        while !isCancelled() {
            if let lock = try tryLockStep(layout.stepLock(key)) { return lock }
            if !hasWaited { onWait() }
            hasWaited = true
            usleep(pause)
            pause = min(pause * 2, Self.lastPauseMicroseconds)
        }
        return nil
    }

    /// Steps take from a few milliseconds to minutes: a wait is a hundredth of that, or not felt.
    private static let firstPauseMicroseconds: UInt32 = 1000
    private static let lastPauseMicroseconds: UInt32 = 50_000

    private func tryLockStep(_ path: String) throws(StoreError) -> StepLock? {
        do throws(Errno) {
            let file = try OwnedDescriptor(
                opening: path, [.readWrite, .create], permissions: 0o600)
            guard try DescriptorIO.lock(file.rawValue, .exclusive, waits: false) else {
                return nil
            }
            // Its holder may have removed it before it was locked here.
            let own = try FileStatus(of: file.rawValue).inode
            guard try FileStatus(ofPath: path).inode == own else { return nil }
            return StepLock(path: path, descriptor: file)
        } catch .notFound {
            return nil
        } catch {
            throw StoreError(
                .inputOutput, "could not lock a step against other builds", path: path,
                cause: error)
        }
    }

    /// Removes the locks of steps whose processes were killed.
    func removeDeadStepLocks() throws(StoreError) {
        let names: [[UInt8]]
        do throws(Errno) { names = try HostDirectory.names(ofPath: layout.locks) } catch {
            throw StoreError(
                .inputOutput, "could not list the locks", path: layout.locks, cause: error)
        }
        for name in names.map({ String(decoding: $0, as: UTF8.self) })
        where name.hasPrefix(StoreLayout.stepLockPrefix) {
            try tryLockStep(layout.locks + "/" + name)?.release()
        }
    }
}
