internal import LinuxIO
internal import Synchronization

/// Work on a thread of its own, for what changes the thread that it runs on.
enum OwnThread {
    private final class Box<T: Sendable>: Sendable {
        let value = Mutex<T?>(nil)
    }

    /// The result of `work`, done on a new thread while this one waits.
    /// - Returns: nil when no thread is to be had.
    static func run<T: Sendable>(_ work: @escaping @Sendable () -> T) -> T? {
        let box = Box<T>()
        let thread = try? BlockingThread { box.value.withLock { $0 = work() } }
        thread?.join()
        return box.value.withLock { $0 }
    }
}
