internal import Glibc
internal import Synchronization

/// Work on a thread of its own, for what changes the thread that it runs on.
enum OwnThread {
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

    /// Starts `work` on a new thread, for which nobody waits.
    /// - Returns: false when no thread is to be had.
    static func start(_ work: @escaping @Sendable () -> Void) -> Bool {
        guard let thread = make(work) else { return false }
        pthread_detach(thread)
        return true
    }

    private static func make(_ work: @escaping @Sendable () -> Void) -> pthread_t? {
        let body = unsafe Unmanaged.passRetained(Body(work))
        var thread = pthread_t()
        let result = unsafe pthread_create(&thread, nil, threadMain, body.toOpaque())
        if result != 0 { unsafe body.release() }
        return result == 0 ? thread : nil
    }

    /// The result of `work`, done on a new thread while this one waits.
    /// - Returns: nil when no thread is to be had.
    static func run<T: Sendable>(_ work: @escaping @Sendable () -> T) -> T? {
        let box = Box<T>()
        let thread = make { box.value.withLock { $0 = work() } }
        guard let thread else { return nil }
        pthread_join(thread, nil)
        return box.value.withLock { $0 }
    }
}
