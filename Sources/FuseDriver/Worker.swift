internal import CFuse
internal import Glibc
internal import Synchronization
internal import VirtualFS

/// One serving thread of a connection, and its memory.
///
/// @unchecked Sendable: `thread` is touched by the pool's owner only (start, join), everything else
/// but the semaphore by the thread itself.
@safe
final class Worker: @unchecked Sendable {
    let connection: Connection
    let buffer: RequestBuffer
    let pool: ServingPool
    private let wakeUp: UnsafeMutablePointer<sem_t>
    private var spinning: SpinBudget
    private var servedSinceGlance = 0
    /// The request that is being served, by the kernel's number; 0 between requests.
    private let serving = Atomic<UInt64>(0)
    /// The last request that its program was called away from.
    private let interrupted = Atomic<UInt64>(0)

    var fileSystem: any FileSystem { connection.fileSystem }

    /// - Returns: nil without memory.
    init?(connection: Connection, pool: ServingPool) {
        guard let buffer = RequestBuffer() else { return nil }
        self.connection = connection
        self.buffer = buffer
        self.pool = pool
        spinning = SpinBudget(limit: pool.spinning)
        unsafe wakeUp = .allocate(capacity: 1)
        unsafe sem_init(wakeUp, 0, 0)
    }

    deinit {
        unsafe sem_destroy(wakeUp)
        unsafe wakeUp.deallocate()
    }

    // MARK: The current thread's worker

    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        let failure = unsafe pthread_key_create(&key, nil)
        precondition(failure == 0, "the process is out of thread-specific keys")
        return key
    }()

    /// The worker whose thread this is.
    static var current: Worker? {
        guard let raw = unsafe pthread_getspecific(key) else { return nil }
        return unsafe Unmanaged<Worker>.fromOpaque(raw).takeUnretainedValue()
    }

    // MARK: Thread

    /// Invites the thread to listen, or to see that the pool is closed.
    func invite() { unsafe sem_post(wakeUp) }

    /// The thread's body: listens when invited, until the pool closes.
    func run() {
        takePrecedence()
        unsafe pthread_setspecific(Self.key, Unmanaged.passUnretained(self).toOpaque())
        defer { pthread_setspecific(Self.key, nil) }
        while true {
            awaitInvitation()
            guard !pool.isClosed else { return }
            listen()
        }
    }

    /// Lets answers come before what only computes: a program waits for each, and where all processors
    /// are busy it would wait a time slice instead of some microseconds. Needs `CAP_SYS_NICE`; without
    /// it answers come in turn. For this thread alone, which starts no program that would inherit it.
    private func takePrecedence() {
        setpriority(Int32(PRIO_PROCESS.rawValue), 0, pool.niceness)
    }

    private func awaitInvitation() {
        while unsafe sem_wait(wakeUp) != 0 && errno == EINTR {}
    }

    /// Receives and serves requests while this thread is counted as listening.
    private func listen() {
        while true {
            let length: Int
            switch receive() {
            case .request(let received): length = received
            case .surplus: return
            case .ended: return pool.close(worker: self)
            }
            serve(length)
        }
    }

    private func serve(_ length: Int) {
        let opcode = min(buffer.header.opcode, RequestBuffer.Opcode.limit - 1)
        let remaining = pool.stopListening()
        if remaining == 0, pool.costs.isSlow(opcode) || crowdIsWaiting(behind: opcode) {
            pool.inviteAnother()
        }
        let begin = Clock.nanoseconds()
        if opcode == RequestBuffer.Opcode.interrupt {
            noteInterruption()
        } else {
            serving.store(buffer.header.unique, ordering: .relaxed)
            buffer.disguise()
            connection.process(buffer, length: length)
            serving.store(0, ordering: .relaxed)
        }
        pool.costs.record(opcode, nanoseconds: Clock.nanoseconds() &- begin)
        pool.startListening()
    }

    // MARK: Interruption

    /// An INTERRUPT: a signal reached a program that waits. It goes on waiting, and after a fatal signal
    /// it cannot end before the answer (fs/fuse/dev.c, request_wait_answer). libfuse would keep a list.
    private func noteInterruption() {
        if pool.interrupt(buffer.argument(UInt64.self)) { return }
        // Answered meanwhile, which the kernel knows; or received by a thread that is about to serve it.
        connection.postpone(buffer.header.unique)
    }

    /// - Returns: whether this thread serves the request.
    func interrupt(_ request: UInt64) -> Bool {
        guard serving.load(ordering: .relaxed) == request else { return false }
        interrupted.store(request, ordering: .relaxed)
        return true
    }

    /// Whether the program whose request this thread serves was killed. For the thread itself.
    var isCallerKilled: Bool {
        let request = serving.load(ordering: .relaxed)
        return request != 0 && interrupted.load(ordering: .relaxed) == request
            && CallerState.isKilled(thread: buffer.header.pid)
    }

    // MARK: Listening

    /// Now and then, whether requests pile up although a processor could serve them.
    private func crowdIsWaiting(behind opcode: UInt32) -> Bool {
        // Nobody waits for the end of a FORGET, and they come by the thousand.
        guard opcode != RequestBuffer.Opcode.forget, opcode != RequestBuffer.Opcode.forgetMany,
            pool.hasIdleProcessors
        else { return false }
        servedSinceGlance += 1
        guard servedSinceGlance >= pool.requestsPerGlance else { return false }
        servedSinceGlance = 0
        var waiting = pollfd(fd: connection.device, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&waiting, 1, 0) == 1
    }

    private enum Received {
        case request(length: Int)
        /// Nothing to do, and others listen.
        case surplus
        case ended
    }

    private func receive() -> Received {
        while true {
            if let outcome = attempt() { return outcome }
            if pool.retireIfSurplus(self) { return .surplus }
            if let outcome = spin() { return outcome }
            guard pool.waitForRequest() else { return .ended }
        }
    }

    /// One read without waiting; nil when nothing is there.
    private func attempt() -> Received? {
        while true {
            let length = buffer.receive(from: connection.device)
            if length > 0 { return .request(length: length) }
            switch errno {
            case EAGAIN: return nil
            // The request was interrupted before it was read.
            case EINTR, ENOENT: continue
            default: return .ended
            }
        }
    }

    private func spin() -> Received? {
        guard spinning.isWorthwhile() else { return nil }
        let end = Clock.nanoseconds() &+ spinning.limitNanoseconds
        repeat {
            if let outcome = attempt() {
                spinning.succeeded()
                return outcome
            }
        } while Clock.nanoseconds() < end
        spinning.failed()
        return nil
    }
}

/// Whether to keep asking for a while before sleeping: only as long as that pays.
struct SpinBudget {
    let limitNanoseconds: UInt64
    /// 0 ... `maximum`; spinning pays while above 0.
    private var credit = maximum
    private var skipped = 0

    private static let maximum = 16
    /// Without credit, every so many times it is tried all the same.
    private static let trialInterval = 32

    init(limit: Duration) {
        let parts = limit.components
        limitNanoseconds =
            UInt64(max(0, parts.seconds)) * 1_000_000_000
            + UInt64(max(0, parts.attoseconds / 1_000_000_000))
    }

    mutating func isWorthwhile() -> Bool {
        guard limitNanoseconds > 0 else { return false }
        if credit > 0 { return true }
        skipped += 1
        guard skipped >= Self.trialInterval else { return false }
        skipped = 0
        return true
    }

    mutating func succeeded() { credit = min(Self.maximum, credit + 2) }
    mutating func failed() { credit = max(0, credit - 1) }
}

/// The monotonic clock.
enum Clock {
    static func nanoseconds() -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }
}
