internal import CFuse
internal import Glibc

/// A POSIX thread that takes no signals: they belong to the caller's threads.
struct Thread: ~Copyable {
    private let handle: pthread_t

    typealias Body = @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer?

    /// - Returns: nil when the system has no more threads. A detached thread cannot be joined.
    static func start(
        stackBytes: Int, detached: Bool = false, context: UnsafeMutableRawPointer,
        _ body: @escaping Body
    ) -> Thread? {
        var attributes = pthread_attr_t()
        unsafe pthread_attr_init(&attributes)
        defer { unsafe pthread_attr_destroy(&attributes) }
        unsafe pthread_attr_setstacksize(&attributes, max(stackBytes, 1 << 16))
        if detached {
            unsafe pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        }
        var all = sigset_t()
        var former = sigset_t()
        unsafe sigfillset(&all)
        unsafe pthread_sigmask(SIG_BLOCK, &all, &former)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &former, nil) }
        var handle = pthread_t()
        guard unsafe pthread_create(&handle, &attributes, body, context) == 0 else { return nil }
        return Thread(handle: handle)
    }

    private init(handle: pthread_t) { self.handle = handle }

    consuming func join() { pthread_join(handle, nil) }
}
