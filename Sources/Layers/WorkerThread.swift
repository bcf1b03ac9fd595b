internal import CArchive
internal import Glibc

/// A POSIX thread that runs one closure and is joined. It takes no signals: they belong to the
/// caller's threads.
struct WorkerThread: ~Copyable {
    private let handle: pthread_t

    /// Decompressors keep their state on the heap; frames below them are shallow.
    private static let stackBytes = 1 << 20

    /// - Throws: `unsupported` when the system has no more threads.
    init(_ body: @escaping @Sendable () -> Void) throws(LayerError) {
        var attributes = pthread_attr_t()
        unsafe pthread_attr_init(&attributes)
        defer { unsafe pthread_attr_destroy(&attributes) }
        unsafe pthread_attr_setstacksize(&attributes, Self.stackBytes)
        var all = sigset_t()
        var former = sigset_t()
        unsafe sigfillset(&all)
        unsafe pthread_sigmask(SIG_BLOCK, &all, &former)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &former, nil) }
        let task = unsafe Unmanaged.passRetained(ThreadBody(run: body)).toOpaque()
        var handle = pthread_t()
        guard unsafe pthread_create(&handle, &attributes, runThreadBody, task) == 0 else {
            unsafe Unmanaged<ThreadBody>.fromOpaque(task).release()
            throw LayerError(.unsupported, "could not start a thread to read with")
        }
        self.handle = handle
    }

    consuming func join() { pthread_join(handle, nil) }
}

private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void
    init(run: @escaping @Sendable () -> Void) { self.run = run }
}

private func runThreadBody(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context = unsafe context else { return nil }
    unsafe Unmanaged<ThreadBody>.fromOpaque(context).takeRetainedValue().run()
    return nil
}
