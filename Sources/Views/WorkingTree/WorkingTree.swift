package import FileTree
internal import LinuxIO
package import Store
internal import Synchronization
package import VirtualFS

/// A writable view: a tree, and what has changed since.
///
/// Semantics are ext4's where POSIX leaves room. New and changed files are plain files in the work
/// directory of a lease, which the kernel reads and writes directly where it can (passthrough);
/// everything else is memory, so chmod, chown and rename copy nothing. ``freeze(ingest:directories:)``
/// makes a tree of it.
///
/// Two things differ from a file system of the kernel's own, as they do on overlayfs:
/// - Who has a program or library of the lower tree open goes on seeing the old content when another
///   first writes to the file: such files are read past the daemon. Whoever opens it then sees the new
///   one: the kernel gets the inode under another number (``renew(_:)``).
/// - Reading never changes an access time (`noatime`).
///
/// A view is *volatile*, and goes with its process, or *durable*: the view of a container, whose
/// ``ViewDurability`` has a journal of all that is not in its own files.
///
/// Lock order: a gate, then the state. A freeze is waited for with neither held.
package final class WorkingTree: FileSystem, Sendable {
    package let profile = ConnectionProfile.writable

    let store: Store
    /// Nil for a volatile view.
    let durability: ViewDurability?
    let lease: Lease
    let state: Mutex<WorkingTreeState>
    let clock: @Sendable () -> FileTime
    /// Held for the length of a freeze.
    let freezing = Gate()
    private let sources: Mutex<[any DirectorySource]>
    /// One for each of a few groups of inodes: held while an inode's content moves, so that only one
    /// thread copies it up. Enough that a long copy seldom makes another inode wait.
    private let gates: [Gate]
    static let gateCount: UInt64 = 256
    let nextIdentity = Atomic<UInt64>(0)
    /// Nil while not mounted.
    let notifier = Mutex<(any KernelNotifier)?>(nil)
    /// Kept open for statfs(2).
    let workDirectory: OwnedDescriptor
    let objects: ViewObjects
    let programs = RecentPrograms()
    /// Empty in a durable view, whose journal still names what was removed.
    let spareFiles = SpareFiles()

    /// Reads of smaller files go through the daemon and stay in the kernel's page cache, which saves
    /// opening the object; larger ones may be read from the host's page cache directly.
    package static let passthroughMinimumBytes: UInt64 = 128 << 10

    /// - Parameters:
    ///   - base: the tree to start from, with its contents in `store`.
    ///   - directories: where the base's directories are read from; the store if nil.
    ///   - lease: gives room for changed files and keeps `base` from the collector.
    ///   - mountTargets: see ``showMountTargets(_:)``.
    ///   - clock: stamps changes.
    /// - Throws: ``FileTreeError`` if a directory on the way to a mount target cannot be read, Errno
    ///   if the work directory cannot be opened.
    package convenience init(
        base: Tree, directories: (any DirectorySource)? = nil, store: Store, lease: Lease,
        mountTargets: [MountTarget] = [], clock: (@Sendable () -> FileTime)? = nil
    ) throws {
        try self.init(
            state: WorkingTreeState(base: base), directories: directories ?? store, store: store,
            lease: lease, clock: clock, durability: nil)
        try showMountTargets(mountTargets)
    }

    init(
        state: consuming sending WorkingTreeState, directories: any DirectorySource, store: Store,
        lease: Lease, clock: (@Sendable () -> FileTime)?, durability: ViewDurability?
    ) throws {
        self.store = store
        self.durability = durability
        self.lease = lease
        if let clock {
            self.clock = clock
        } else {
            let host = try HostClock()
            self.clock = { host.now() }
        }
        self.state = Mutex(state)
        sources = Mutex([directories])
        gates = (0..<Self.gateCount).map { _ in Gate() }
        workDirectory = try OwnedDescriptor(
            opening: durability?.container.place.files ?? lease.workDirectory,
            [.readOnly, .directory])
        objects = try ViewObjects(store.layout)
    }

    // MARK: - The lock

    /// Runs `body` under the lock, as often as it takes until it has the directories it needs.
    func perform<Answer: Sendable>(
        _ body: (WorkingTreeState) throws(Interruption) -> Answer
    ) throws(FileSystemError) -> Answer {
        var loaded = LoadedDirectories()
        while true {
            do throws(Interruption) {
                let (answer, remains) = try state.withLock {
                    (state) throws(Interruption) -> (Answer, Remains) in
                    state.loaded = loaded
                    defer { state.loaded = LoadedDirectories() }
                    let answer = try body(state)
                    return (answer, state.takeRemains())
                }
                discard(remains.garbage)
                do throws(FileSystemError) {
                    if let point = remains.point { try settle(point) }
                } catch {
                    throw Interruption.failed(error)
                }
                return answer
            } catch {
                switch error {
                case .failed(let failure): throw failure
                case .needs(let id): loaded.insert(try load(id), id)
                case .frozen:
                    try freezing.withLock(check: checkCaller) { () throws(FileSystemError) in }
                }
            }
        }
    }

    private func load(_ id: DirectoryID) throws(FileSystemError) -> Directory {
        do throws(FileTreeError) {
            return try directory(id)
        } catch {
            ViewLog.report(error)
            throw .inputOutput
        }
    }

    /// As ``perform(_:)``, for what changes the tree: waits while a freeze takes place.
    func modify<Answer: Sendable>(
        _ kind: ChangeKind = .growth, _ body: (WorkingTreeState) throws(Interruption) -> Answer
    ) throws(FileSystemError) -> Answer {
        try admit(kind)
        return try perform { (state) throws(Interruption) in
            if state.isFreezing { throw .frozen }
            return try body(state)
        }
    }

    /// Runs a `body` that changes the tree in several steps. Not to be nested.
    func changing<Answer>(
        _ kind: ChangeKind = .growth, _ body: () throws(FileSystemError) -> Answer
    ) throws(FileSystemError) -> Answer {
        try modify(kind) { (state) throws(Interruption) in state.changesUnderWay += 1 }
        defer { locked { $0.changesUnderWay -= 1 } }
        return try body()
    }

    /// Runs a short `body` that needs no directories and cannot fail.
    func locked<Answer: Sendable>(_ body: (WorkingTreeState) -> Answer) -> Answer {
        let (answer, remains) = state.withLock { state in (body(state), state.takeRemains()) }
        discard(remains.garbage)
        // What could not be written makes the view read-only, which the next one to change it hears.
        if let point = remains.point { try? settle(point) }
        return answer
    }

    /// Runs `body` while no other thread moves the content of this inode.
    /// - Throws: `interrupted` where the caller was killed while it waited.
    func gated<Answer>(
        _ inode: InodeNumber, _ body: () throws(FileSystemError) -> Answer
    ) throws(FileSystemError) -> Answer {
        try gate(of: inode).withLock(check: checkCaller, body)
    }

    func gate(of inode: InodeNumber) -> Gate {
        // Derived numbers are mixed well, counted ones are consecutive: both spread. All numbers of
        // one inode fall to the same gate.
        gates[Int(inode.rawValue % Self.gateCount)]
    }

    /// For long work, before each piece.
    /// - Throws: `interrupted` when the program that waits for it was killed.
    func checkCaller() throws(FileSystemError) {
        if isCallerKilled { throw .interrupted }
    }

    var isCallerKilled: Bool { notifier.withLock { $0 }?.isCallerKilled ?? false }

    func discard(_ garbage: Garbage) {
        for path in garbage.paths {
            try? HostDirectory.unlink(path)  // what stays goes with the lease
        }
        for path in garbage.unused where !spareFiles.keep(path) {
            try? HostDirectory.unlink(path)  // likewise
        }
    }

    // MARK: - Directories

    func directory(_ id: DirectoryID) throws(FileTreeError) -> Directory {
        let sources = sources.withLock { $0 }
        var failure: FileTreeError?
        for source in sources.reversed() {
            do throws(FileTreeError) {
                return try source.directory(id)
            } catch {
                failure = error
            }
        }
        throw failure ?? FileTreeError(.missingDirectory, "there is no directory \(id)")
    }

    /// Directories of a tree that was frozen from this one may not be stored yet, or never.
    func addSource(_ directories: PendingDirectories) {
        sources.withLock { sources in
            let known = sources.contains { ($0 as? PendingDirectories) === directories }
            if !known { sources.append(directories) }
        }
    }

    // MARK: - The connection

    package func mounted(notifier: any KernelNotifier, passthrough: Bool) {
        self.notifier.withLock { $0 = notifier }
        locked { $0.offersBackings = passthrough }
    }

    package func renew(_ inode: InodeNumber) {
        guard locked({ $0.renew(inode) }) else { return }
        // The kernel may still reach the old number by other names, and remembers its attributes.
        notifier.withLock { $0 }?.invalidateInode(inode)
    }

    package func unmounted() {
        notifier.withLock { $0 = nil }
        settleAll()
        locked { $0.dropKernelReferences() }
        programs.forget()
        // A failure is in the log, and nothing more can be done.
        try? commit(whole: true)
        saveBlocks()
        saveDraft()
    }

    /// For copies of the store: see ``BlockTable``.
    private func saveBlocks() {
        guard let durability, !durability.journal.hasFailed else { return }
        let files = locked { state in
            state.inodes.values.reduce(into: [UInt64: [Bool]]()) { files, inode in
                guard let own = inode.ownFile, let partial = own.partial else { return }
                files[own.number] = partial.copiedBlocks
            }
        }
        do throws(Errno) {
            try durability.endBlocks(files)
        } catch {
            // A copy is refused then.
            ViewLog.note("could not write \(durability.container.place.blocks): \(error)")
        }
    }

    package func statistics() throws(FileSystemError) -> FileSystemStatistics {
        do throws(Errno) {
            let room = try FileSystemRoom(of: workDirectory.rawValue)
            return FileSystemStatistics(
                blockSizeBytes: UInt32(clamping: room.blockSizeBytes), blocks: room.blocks,
                freeBlocks: room.freeBlocks, availableBlocks: room.availableBlocks,
                files: room.files, freeFiles: room.freeFiles)
        } catch {
            throw FileSystemError(host: error)
        }
    }
}
