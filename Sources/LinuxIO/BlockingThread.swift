internal import Glibc

/// A POSIX thread that runs one closure and may block, and is joined. It takes no signals: they
/// belong to the main thread.
package final class BlockingThread: Sendable {
    private let handle: pthread_t

    /// As the main thread has: what runs here walks directory trees as it does there. Memory that is
    /// not touched is not taken.
    private static let stackBytes = 8 << 20

    private static let threadMain:
        @convention(c) (UnsafeMutableRawPointer?) ->
            UnsafeMutableRawPointer? = { context in
                guard let context = unsafe context else { return nil }
                unsafe Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run()
                return nil
            }

    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// - Throws: the errno of pthread_create(3), when the system has no more threads.
    package init(_ body: @escaping @Sendable () -> Void) throws(Errno) {
        var attributes = pthread_attr_t()
        unsafe pthread_attr_init(&attributes)
        defer { unsafe pthread_attr_destroy(&attributes) }
        unsafe pthread_attr_setstacksize(&attributes, Self.stackBytes)
        var all = sigset_t()
        var former = sigset_t()
        unsafe sigfillset(&all)
        unsafe pthread_sigmask(SIG_BLOCK, &all, &former)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &former, nil) }
        let task = unsafe Unmanaged.passRetained(Body(body))
        var handle = pthread_t()
        let result = unsafe pthread_create(&handle, &attributes, Self.threadMain, task.toOpaque())
        guard result == 0 else {
            unsafe task.release()
            throw Errno(rawValue: result)
        }
        self.handle = handle
    }

    /// Runs the closure on a thread that nobody joins.
    /// - Throws: as ``init(_:)``.
    package static func detach(_ body: @escaping @Sendable () -> Void) throws(Errno) {
        pthread_detach(try BlockingThread(body).handle)
    }

    /// Blocks until the closure has returned. To be called once.
    package func join() { pthread_join(handle, nil) }
}
