internal import CFuse
internal import Glibc
internal import Synchronization
internal import VirtualFS

/// One connection to the kernel: what all threads that serve a mount share.
///
/// @unchecked Sendable: `session` and `device` are set once, before any other thread knows of the
/// connection, and destroyed after the last of them has been joined; libfuse's functions on a session
/// are thread-safe. The rest is immutable or atomic.
@safe
final class Connection: @unchecked Sendable {
    let fileSystem: any FileSystem
    let profile: ConnectionProfile
    /// Open files of a connection with passthrough.
    private(set) var openFiles: OpenFileModes?
    private(set) var capabilities = ConnectionCapabilities()
    private(set) var hasExtendedSetxattr = false
    /// Cleared when the file system answers OPENDIR with `ENOSYS`: handles of directories are then
    /// without meaning.
    let hasDirectoryHandles = Atomic(true)
    private(set) var device: Int32 = -1

    private var session: OpaquePointer?
    private let negotiation = Mutex<Negotiation?>(nil)
    private let notifications = Mutex(NotificationGate())

    /// - Throws: code `outOfResources`.
    init(serving fileSystem: any FileSystem) throws(FuseError) {
        self.fileSystem = fileSystem
        profile = fileSystem.profile
        var operations = Operations.table(for: profile)
        unsafe session = vitrine_session_new(
            &operations, Unmanaged.passUnretained(self).toOpaque())
        guard unsafe session != nil else {
            throw FuseError(.outOfResources, "setting up a libfuse session")
        }
    }

    deinit { end() }

    /// Takes the device over and does the INIT exchange, on the calling thread.
    func establish(over device: consuming OwnedDescriptor) throws(FuseError) {
        let raw = device.rawValue
        var io = fuse_custom_io()
        unsafe io.writev = { device, vectors, count, context in
            unsafe Connection.write(to: device, vectors, count: count, context)
        }
        unsafe io.read = { device, buffer, size, _ in unsafe Glibc.read(device, buffer, size) }
        unsafe io.splice_send = { input, inputOffset, output, outputOffset, size, flags, _ in
            unsafe vitrine_splice(input, inputOffset, output, outputOffset, size, flags)
        }
        guard unsafe vitrine_session_custom_io(session, &io, raw) == 0 else {
            throw FuseError(.outOfResources, "setting up a libfuse session")
        }
        self.device = device.take()
        let flags = fcntl(raw, F_GETFL)
        // Serving threads ask without waiting, and wait in poll(2) where they can be woken.
        guard flags >= 0, fcntl(raw, F_SETFL, flags | O_NONBLOCK) == 0 else {
            throw FuseError(.failed, "setting up the FUSE device", errno: errno)
        }
        try exchangeInit()
    }

    private func exchangeInit() throws(FuseError) {
        let doing = "agreeing on the protocol with the kernel"
        guard let buffer = RequestBuffer() else {
            throw FuseError(.outOfResources, doing, errno: ENOMEM)
        }
        var waiting = pollfd(fd: device, events: Int16(POLLIN), revents: 0)
        var received = -1
        repeat {
            _ = unsafe poll(&waiting, 1, -1)
            received = buffer.receive(from: device)
        } while received < 0 && (errno == EINTR || errno == EAGAIN)
        guard received > 0, buffer.header.opcode == RequestBuffer.Opcode.initialize else {
            throw FuseError(.protocolMismatch, doing, errno: received < 0 ? errno : 0)
        }
        let request = buffer.argument(vitrine_init_in.self)
        negotiation.withLock { $0 = Negotiation(profile: profile, request: request) }
        process(buffer, length: received)
        guard let outcome = negotiation.withLock({ $0 }), outcome.capabilities.maximumWriteBytes > 0
        else { throw FuseError(.protocolMismatch, doing, errno: EPROTO) }
        capabilities = outcome.capabilities
        hasExtendedSetxattr = outcome.hasExtendedSetxattr
        if capabilities.passthrough == .available { probePassthrough() }
    }

    /// Offers the kernel a backing file to learn whether the caller may.
    private func probePassthrough() {
        let device = device
        let file = OwnedDescriptor(adopting: unsafe vitrine_memory_file("vitrine-probe"))
        let probe = vitrine_backing_open(device, file.rawValue)
        guard probe > 0 else {
            let reason = errno
            capabilities.passthrough = .unavailable(
                reason == EPERM
                    ? "it needs the capability CAP_SYS_ADMIN"
                    : "the kernel refused a trial with errno \(reason)")
            return
        }
        vitrine_backing_close(device, UInt32(probe))
        openFiles = OpenFileModes(
            kernel: OpenFileModes.Kernel(
                open: { descriptor in
                    let id = vitrine_backing_open(device, descriptor)
                    return id > 0 ? id : nil
                },
                close: { vitrine_backing_close(device, UInt32($0)) }))
    }

    /// libfuse's `init` callback.
    func configure(_ info: inout fuse_conn_info) {
        negotiation.withLock { $0?.configure(&info) }
    }

    /// Hands a received request to libfuse, which calls back on this thread.
    func process(_ buffer: RequestBuffer, length: Int) {
        var request = unsafe fuse_buf()
        unsafe request.size = length
        unsafe request.mem = buffer.start
        unsafe fuse_session_process_buf(session, &request)
    }

    /// Has the kernel send an INTERRUPT again; it drops it where the request was answered meanwhile.
    func postpone(_ interruption: UInt64) {
        var answer = vitrine_out_header(
            length: UInt32(MemoryLayout<vitrine_out_header>.size), error: -EAGAIN,
            unique: interruption)
        // Fails when the request is gone, or the connection: nobody waits then.
        _ = unsafe Glibc.write(device, &answer, MemoryLayout<vitrine_out_header>.size)
    }

    /// Lets no more notifications pass, and waits for those under way.
    ///
    /// They may wait for a lock of a program that waits for an answer: either threads still serve,
    /// or the connection has been aborted.
    func stopNotifying() {
        notifications.withLock { $0.isOpen = false }
        while notifications.withLock({ $0.underWay > 0 }) { usleep(1000) }
    }

    /// Ends the connection and closes the device, which aborts what still hangs on it. No thread
    /// may be serving any more.
    func end() {
        stopNotifying()
        guard let session = unsafe session else { return }
        unsafe self.session = nil
        unsafe fuse_session_exit(session)
        unsafe fuse_session_destroy(session)
        device = -1
    }

    /// `struct fuse_init_out`, since protocol 7.23.
    private static let initReplyBytes = 64

    /// `writev` as libfuse calls it.
    private static func write(
        to device: Int32, _ vectors: UnsafeMutablePointer<iovec>?, count: Int32,
        _ context: UnsafeMutableRawPointer?
    ) -> Int {
        if count == 2, let context = unsafe context, let body = unsafe vectors?[1],
            unsafe body.iov_len == initReplyBytes
        {
            let connection = unsafe Unmanaged<Connection>.fromOpaque(context)
                .takeUnretainedValue()
            unsafe connection.amendInitReply(body.iov_base)
        }
        let written = unsafe writev(device, vectors, count)
        // libfuse complains on standard error about everything but ENOENT, "the request is gone",
        // which is just as true when the whole mount is.
        if written < 0, errno == ENODEV { errno = ENOENT }
        return written
    }

    private func amendInitReply(_ body: UnsafeMutableRawPointer?) {
        guard let body = unsafe body, device >= 0, capabilities.protocolMinor == 0 else { return }
        var reply = unsafe body.load(as: vitrine_init_out.self)
        negotiation.withLock { $0?.amend(&reply) }
        unsafe body.storeBytes(of: reply, as: vitrine_init_out.self)
    }
}

extension Connection {
    /// Calls `body` with the session unless the connection has ended.
    func notify(_ body: (OpaquePointer) -> Void) {
        let mayPass = notifications.withLock { gate in
            guard gate.isOpen else { return false }
            gate.underWay += 1
            return true
        }
        guard mayPass else { return }
        defer { notifications.withLock { $0.underWay -= 1 } }
        if let session = unsafe session { unsafe body(session) }
    }
}
