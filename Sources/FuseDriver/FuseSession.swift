internal import Glibc
internal import Synchronization
package import VirtualFS

/// A mounted file system and the threads that serve it.
///
///     mount ──▶ serving ──▶ ending ──▶ ended
///                  │ unmount(), umount(8), fusermount3 -u, stop(), abort
///
/// Mounting starts the threads; they go on, whether the session is kept or not, until the mount is
/// gone: taken away by this session or by anyone else, or after ``stop()``.
package final class FuseSession: Sendable {
    /// Absolute and resolved, as the mount table spells it.
    package let mountPoint: [UInt8]
    package let capabilities: ConnectionCapabilities

    private let connection: Connection
    private let pool: ServingPool
    private let options: MountOptions
    /// The mounted file system's number; nil if the mount table did not show it.
    private let device: MountTable.DeviceID?
    private let stopRequested = Atomic(false)
    /// Rung at the end, and never silenced.
    private let bell: Bell
    private let lifecycle = Mutex(Lifecycle.serving(waiting: []))

    private enum Lifecycle {
        case serving(waiting: [CheckedContinuation<Void, Never>])
        case ended
    }

    /// Mounts `fileSystem` and starts to serve it.
    ///
    /// Requests arrive on threads of the session's own, which take no signals. The file system is
    /// told ``FileSystem/mounted(notifier:passthrough:)`` before the first and ``FileSystem/unmounted()`` after
    /// the last.
    package static func mount(
        _ fileSystem: any FileSystem, at path: [UInt8], options: MountOptions
    ) throws(FuseError) -> FuseSession {
        var options = options
        if fileSystem.profile != .writable { options.isReadOnly = true }
        let mountPoint = try Mounter.resolve(path)
        let connection = try Connection(serving: fileSystem)
        let pool = try ServingPool(connection: connection, spinning: options.spinning)
        let bell = try Bell()
        let device = try Mounter.mount(at: mountPoint, options: options)
        do {
            try connection.establish(over: device)
            let session = FuseSession(
                mountPoint: mountPoint, connection: connection, pool: pool, options: options,
                bell: bell)
            try session.start()
            return session
        } catch {
            connection.end()
            // The first error is the one to tell; the mount is dead and may already be gone.
            try? Mounter.unmount(mountPoint, .lazily)
            throw error
        }
    }

    private init(
        mountPoint: [UInt8], connection: Connection, pool: ServingPool, options: MountOptions,
        bell: consuming Bell
    ) {
        self.mountPoint = mountPoint
        self.connection = connection
        self.pool = pool
        self.options = options
        self.bell = bell
        capabilities = connection.capabilities
        device = MountTable()?.entry(at: mountPoint)?.device
        if let device, let bytes = options.readAheadBytes {
            Mounter.setReadAhead(of: device, bytes: bytes)
        }
    }

    // MARK: Ending

    /// Unmounts, and waits until the session has ended.
    ///
    /// A mount namespace that was made meanwhile (another build's container) has a copy of the mount
    /// and would keep the connection as long as it lives. Nobody used the mount, or it would have
    /// been busy: the connection is ended for such a copy too.
    /// - Parameters:
    ///   - lazily: takes a busy mount out of sight; it is served on until its last user has left,
    ///     and the call does not wait for that.
    ///   - findsHolders: whether an error with code `busy` names the holders, which takes a walk
    ///     through /proc.
    /// - Throws: code `busy`; `notMounted`; `permissionDenied`; `failed`.
    package func unmount(
        lazily: Bool = false, findsHolders: Bool = true
    ) throws(FuseError) {
        try checkStillMounted()
        try Mounter.unmount(
            mountPoint, lazily ? .lazily : .whenUnused, findsHolders: findsHolders)
        if lazily || bell.wait(milliseconds: Self.copyGraceMilliseconds) { return }
        connection.stopNotifying()
        pool.close()
        wait()
    }

    /// How long the kernel gets to end the connection by itself, which takes it about 1 ms.
    private static let copyGraceMilliseconds: Int32 = 50

    /// Asks the session to end: the mount is taken away as soon as it is unused, and after the
    /// options' patience anyway; then whoever still uses it gets errors.
    ///
    /// Returns at once. Only stores a flag and writes to an eventfd, so it may be called from
    /// anywhere, a signal handler included.
    package func stop() {
        stopRequested.store(true, ordering: .releasing)
        pool.attention.ring()
    }

    /// Blocks until the session has ended. Not for a serving thread.
    package func wait() { bell.wait() }

    /// Suspends until the session has ended.
    package func ended() async {
        await withCheckedContinuation { continuation in
            let isOver = lifecycle.withLock { lifecycle in
                guard case .serving(let waiting) = lifecycle else { return true }
                lifecycle = .serving(waiting: waiting + [continuation])
                return false
            }
            if isOver { continuation.resume() }
        }
    }

    package var hasEnded: Bool {
        lifecycle.withLock { if case .ended = $0 { true } else { false } }
    }

    // MARK: The session's own thread

    private func start() throws(FuseError) {
        connection.fileSystem.mounted(
            notifier: Notifier(connection: connection), passthrough: connection.openFiles != nil)
        do {
            try pool.start()
            try startOverseer()
        } catch {
            pool.close()
            pool.join()
            connection.fileSystem.unmounted()
            throw error
        }
    }

    private func startOverseer() throws(FuseError) {
        let context = unsafe Unmanaged.passRetained(self).toOpaque()
        let thread = unsafe Thread.start(stackBytes: 1 << 19, detached: true, context: context) {
            guard let context = unsafe $0 else { return nil }
            unsafe Unmanaged<FuseSession>.fromOpaque(context).takeRetainedValue().oversee()
            return nil
        }
        guard thread != nil else {
            unsafe Unmanaged<FuseSession>.fromOpaque(context).release()
            throw FuseError(.outOfResources, "starting the session's thread", errno: EAGAIN)
        }
    }

    /// Watches the pool and acts on ``stop()`` until the connection has ended; then cleans up.
    private func oversee() {
        var observation = ServingPool.Observation()
        var isWatching = true
        var wakefulness = options.keepsProcessorsAwake ? Wakefulness() : nil
        var stopping: StopProgress?
        while !pool.isClosed {
            let rests = !isWatching && stopping == nil
            let interval =
                stopping == nil ? observation.intervalMilliseconds : ServingPool.stuckMilliseconds
            pool.attention.wait(milliseconds: rests ? -1 : interval)
            pool.attention.silence()
            isWatching = pool.watch(&observation) || rests
            wakefulness?.set(observation.isBusy)
            if stopRequested.load(ordering: .acquiring) {
                var progress = stopping ?? StopProgress(patience: options.stopPatience)
                advance(&progress)
                stopping = progress
            }
        }
        pool.join()
        connection.end()
        removeRemains()
        connection.fileSystem.unmounted()
        let waiting: [CheckedContinuation<Void, Never>] = lifecycle.withLock { lifecycle in
            guard case .serving(let waiting) = lifecycle else { return [] }
            lifecycle = .ended
            return waiting
        }
        bell.ring()
        for continuation in waiting { continuation.resume() }
    }

    private struct StopProgress {
        /// A busy mount is tried again so often; each time may start fusermount3.
        static let retryNanoseconds: UInt64 = 50_000_000
        let deadline: UInt64
        var nextAttempt: UInt64 = 0
        var isForced = false

        init(patience: Duration) {
            let parts = patience.components
            deadline =
                Clock.nanoseconds() + UInt64(max(0, parts.seconds)) * 1_000_000_000
                + UInt64(max(0, parts.attoseconds / 1_000_000_000))
        }
    }

    private func advance(_ progress: inout StopProgress) {
        let now = Clock.nanoseconds()
        guard now >= progress.nextAttempt, !progress.isForced else { return }
        progress.nextAttempt = now + StopProgress.retryNanoseconds
        do throws(FuseError) {
            try checkStillMounted()
            guard now >= progress.deadline else {
                return try Mounter.unmount(mountPoint, .whenUnused, findsHolders: false)
            }
            progress.isForced = true
            try Mounter.unmount(mountPoint, .byForce, findsHolders: false)
            // Without privilege the mount was only detached, and its users keep the connection.
            guard geteuid() != 0 else { return }
        } catch {
            // A busy mount is tried again; one that was detached before may have users left.
            guard progress.isForced || error.code == .notMounted && now >= progress.deadline else {
                return
            }
        }
        // The threads stop whatever became of the mount; closing the device aborts the connection.
        connection.stopNotifying()
        pool.close()
    }

    /// Keeps from unmounting what somebody else has mounted at the same place since.
    private func checkStillMounted() throws(FuseError) {
        guard let device else { return }
        guard MountTable()?.entry(at: mountPoint)?.device == device else {
            throw FuseError(
                .notMounted, "unmounting \(mountPoint.displayed)", errno: EINVAL)
        }
    }

    /// Detaches the mount where the connection was aborted and the mount stayed.
    private func removeRemains() {
        guard device != nil, (try? checkStillMounted()) != nil else { return }
        // What remains is dead already; a failure leaves it for the next mount to replace.
        try? Mounter.unmount(mountPoint, .lazily)
    }
}

extension FuseSession {
    /// ``mount(_:at:options:)`` for a path that is text.
    package static func mount(
        _ fileSystem: any FileSystem, at path: String, options: MountOptions
    ) throws(FuseError) -> FuseSession {
        try mount(fileSystem, at: Array(path.utf8), options: options)
    }
}
