internal import Glibc
internal import Synchronization

/// Work that blocks its thread, on a thread of its own: the cooperative pool is only as wide as the
/// processors.
enum BlockingWork {
    private final class Body: Sendable {
        let work: @Sendable () -> Void
        init(_ work: @escaping @Sendable () -> Void) { self.work = work }
    }

    private final class Box<T: Sendable>: Sendable {
        let value = Mutex<T?>(nil)
    }

    private static let threadMain:
        @convention(c) (UnsafeMutableRawPointer?) ->
            UnsafeMutableRawPointer? = { context in
                guard let context = unsafe context else { return nil }
                unsafe Unmanaged<Body>.fromOpaque(context).takeRetainedValue().work()
                return nil
            }

    /// Runs `work` on a new thread and returns at once.
    static func start(_ work: @escaping @Sendable () -> Void) {
        let body = unsafe Unmanaged.passRetained(Body(work))
        var attributes = pthread_attr_t()
        unsafe pthread_attr_init(&attributes)
        unsafe pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        defer { unsafe pthread_attr_destroy(&attributes) }
        var thread = pthread_t()
        let result = unsafe pthread_create(&thread, &attributes, threadMain, body.toOpaque())
        if result != 0 {
            // No thread is to be had: the caller's does the work.
            unsafe body.takeRetainedValue().work()
        }
    }

    /// The result of `work`, done on a new thread.
    static func run<T: Sendable>(_ work: @escaping @Sendable () -> T) async -> T {
        await withCheckedContinuation { continuation in
            start { continuation.resume(returning: work()) }
        }
    }

    /// The result of `work`, done on a new thread while this one waits: for what changes the thread
    /// that it runs on.
    /// - Returns: nil when no thread is to be had.
    static func runAndWait<T: Sendable>(_ work: @escaping @Sendable () -> T) -> T? {
        let box = Box<T>()
        let body = unsafe Unmanaged.passRetained(Body { box.value.withLock { $0 = work() } })
        var thread = pthread_t()
        let result = unsafe pthread_create(&thread, nil, threadMain, body.toOpaque())
        guard result == 0 else {
            unsafe body.release()
            return nil
        }
        pthread_join(thread, nil)
        return box.value.withLock { $0 }
    }
}
