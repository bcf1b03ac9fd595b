internal import Glibc
internal import Synchronization

/// The threads that serve one connection.
///
/// A round trip costs most where threads wake (a request wakes one waiting thread, however many
/// wait), so as few threads as possible listen to the device, usually one, and it serves what it
/// receives itself. Others stand by in user space and are invited to listen
///
/// - before a request is served of a kind that usually takes long (``RequestCosts``),
/// - when requests pile up although none takes long, up to one thread a processor,
/// - by ``watch()`` when no thread has listened or finished anything for a while.
///
/// A listener that finds nothing while others listen too goes back to standing by.
final class ServingPool: Sendable {
    /// How many requests can be stuck (on a disk, on a network) before the mount stops answering.
    private static let threadLimit = 32
    /// Frames of a file system and a database below it; the system's default is four times that.
    private static let stackBytes = 2 << 20

    private struct State {
        var standby: [Worker] = []
        var threads: [PoolThread] = []
        var workers: [Worker] = []
    }

    let spinning: Duration
    /// Of the threads: below that of who makes the pool, who may have been started with `nice`.
    let niceness: Int32
    let costs = RequestCosts()
    let memory = ForgottenMemory()
    /// How often a busy listener looks whether requests pile up: one poll(2) costs about a tenth
    /// of a request.
    let requestsPerGlance = 32

    /// Rung when the connection ended or the pool was closed.
    let closing: Bell
    /// Rung on requests of the owner and when a listener wakes while nobody watches.
    let attention: Bell

    private let connection: Connection
    private let state = Mutex(State())
    /// Threads that listen, invited ones included.
    private let listening = Atomic(0)
    /// Threads that listen or serve: all but those standing by.
    private let active = Atomic(0)
    private let processors: Int
    private let served = Atomic<UInt64>(0)
    private let closed = Atomic(false)
    private let isWatched = Atomic(false)

    init(connection: Connection, spinning: Duration) throws(FuseError) {
        self.connection = connection
        closing = try Bell()
        attention = try Bell()
        // Each thread would inherit, and go further from, that of the one which invited it.
        niceness = getpriority(Int32(PRIO_PROCESS.rawValue), 0) - 10
        processors = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        // With one processor the client can only ask while nobody spins.
        self.spinning = processors > 1 ? spinning : .zero
    }

    var isClosed: Bool { closed.load(ordering: .acquiring) }

    /// - Throws: code `outOfResources` when not even one thread can be had.
    func start() throws(FuseError) {
        inviteAnother()
        guard state.withLock({ !$0.threads.isEmpty }) else {
            throw FuseError(.outOfResources, "starting a serving thread", errno: EAGAIN)
        }
    }

    // MARK: For listeners

    /// - Returns: how many still listen.
    func stopListening() -> Int {
        listening.subtract(1, ordering: .acquiringAndReleasing).newValue
    }

    func startListening() {
        served.wrappingAdd(1, ordering: .relaxed)
        listening.add(1, ordering: .acquiringAndReleasing)
    }

    /// Sends a listener to stand by if another one listens.
    func retireIfSurplus(_ worker: Worker) -> Bool {
        var count = listening.load(ordering: .acquiring)
        while count > 1 {
            let (exchanged, original) = listening.compareExchange(
                expected: count, desired: count - 1, ordering: .acquiringAndReleasing)
            if exchanged {
                active.subtract(1, ordering: .relaxed)
                state.withLock { $0.standby.append(worker) }
                // Closing invites those who stand by once; whoever comes later invites itself.
                if isClosed { worker.invite() }
                return true
            }
            count = original
        }
        return false
    }

    /// Whether one more active thread would find a processor, as far as this pool goes.
    var hasIdleProcessors: Bool { active.load(ordering: .relaxed) < processors }

    /// Sleeps until there is a request.
    /// - Returns: false when the pool closes.
    func waitForRequest() -> Bool {
        var waiting = (
            pollfd(fd: connection.device, events: Int16(POLLIN), revents: 0),
            pollfd(fd: closing.rawDescriptor, events: Int16(POLLIN), revents: 0)
        )
        let ready = unsafe withUnsafeMutableBytes(of: &waiting) { bytes in
            unsafe bytes.withMemoryRebound(to: pollfd.self) { unsafe poll($0.baseAddress, 2, -1) }
        }
        if ready > 0, waiting.1.revents != 0 { return false }
        if !isWatched.load(ordering: .relaxed),
            !isWatched.exchange(true, ordering: .acquiringAndReleasing)
        {
            attention.ring()
        }
        return true
    }

    /// Brings another thread to listen, if one can be had.
    func inviteAnother() {
        listening.add(1, ordering: .acquiringAndReleasing)
        let invited: Worker? = state.withLock { state in
            if let worker = state.standby.popLast() { return worker }
            guard state.threads.count < Self.threadLimit,
                let worker = Worker(connection: connection, pool: self),
                let thread = PoolThread(running: worker, stackBytes: Self.stackBytes)
            else { return nil }
            state.threads.append(thread)
            state.workers.append(worker)
            return worker
        }
        guard let invited else {
            _ = stopListening()
            return
        }
        active.add(1, ordering: .relaxed)
        invited.invite()
    }

    /// Tells the thread that serves a request that its program got a signal.
    /// - Returns: false if none does.
    func interrupt(_ request: UInt64) -> Bool {
        state.withLock { $0.workers.contains { $0.interrupt(request) } }
    }

    // MARK: Closing

    /// Called by a listener that found the connection ended.
    func close(worker: Worker) {
        close()
        worker.invite()
    }

    /// Makes every thread end after the request it serves.
    func close() {
        closed.store(true, ordering: .releasing)
        closing.ring()
        inviteStandby()
        attention.ring()
    }

    /// Whoever stands by sees that the pool is closed.
    private func inviteStandby() {
        let standby = state.withLock { state in
            defer { state.standby = [] }
            return state.standby
        }
        for worker in standby { worker.invite() }
    }

    /// Waits for the threads of a closed pool to end. May begin while ``close()`` is under way on
    /// another thread, which then finds nobody to invite.
    func join() {
        inviteStandby()
        let threads = state.withLock { state in
            defer { (state.threads, state.workers) = ([], []) }
            return state.threads
        }
        for thread in threads { thread.join() }
    }

    // MARK: Watching

    /// How long nobody may listen, with nothing moving, before another thread is invited.
    static let stuckMilliseconds: Int32 = 1
    /// How often it is looked whether somebody listens. A processor that is woken for it a thousand
    /// times a second is lacking elsewhere; requests that usually take long do not wait for it.
    fileprivate static let glanceMilliseconds: Int32 = 4
    /// So many requests between two glances come from programs that mostly wait for answers.
    private static let livelyRequests: UInt64 = 12
    /// How many glances a pool counts as busy after them: pauses of a program that computes. Fewer
    /// than ``quietRounds``.
    private static let livelyRounds = 5
    /// After so many quiet glances watching pauses until a listener wakes.
    private static let quietRounds = 12

    /// What the watcher saw last.
    struct Observation {
        fileprivate var served: UInt64 = 0
        fileprivate var wasStuck = false
        fileprivate var quiet = 0
        /// Rounds for which the pool still counts as busy.
        fileprivate var lively = 0

        /// Whether requests followed each other closely a moment ago.
        var isBusy: Bool { lively > 0 }

        /// How long to wait for the next round.
        var intervalMilliseconds: Int32 {
            wasStuck ? ServingPool.stuckMilliseconds : ServingPool.glanceMilliseconds
        }
    }

    /// One round of watching: invites a listener when nobody has listened, nor finished a request,
    /// since the last round.
    /// - Returns: whether to go on watching.
    func watch(_ last: inout Observation) -> Bool {
        let now = served.load(ordering: .relaxed)
        let isStuck = listening.load(ordering: .acquiring) == 0
        let moved = now != last.served
        let isLively = now &- last.served >= Self.livelyRequests
        last.lively = isLively ? Self.livelyRounds : max(0, last.lively - 1)
        if isStuck, last.wasStuck, !moved { inviteAnother() }
        last.served = now
        last.wasStuck = isStuck
        last.quiet = moved || isStuck ? 0 : last.quiet + 1
        let isQuiet = last.quiet > Self.quietRounds
        memory.giveBack(isQuiet: isQuiet)
        guard isQuiet else { return true }
        last.quiet = 0
        isWatched.store(false, ordering: .releasing)
        return false
    }
}

/// A running thread of the pool.
///
/// @unchecked Sendable: the handle is joined once, by the pool's owner.
private final class PoolThread: @unchecked Sendable {
    private var thread: Thread?

    /// - Returns: nil when the system has no more threads.
    init?(running worker: Worker, stackBytes: Int) {
        let context = unsafe Unmanaged.passRetained(worker).toOpaque()
        thread = unsafe Thread.start(stackBytes: stackBytes, context: context) { context in
            guard let context = unsafe context else { return nil }
            let worker = unsafe Unmanaged<Worker>.fromOpaque(context).takeRetainedValue()
            worker.run()
            return nil
        }
        if thread == nil {
            unsafe Unmanaged<Worker>.fromOpaque(context).release()
            return nil
        }
    }

    func join() { thread.take()?.join() }
}
