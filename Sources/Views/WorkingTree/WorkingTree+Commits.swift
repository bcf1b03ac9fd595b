internal import FileTree
internal import LinuxIO
internal import Store
internal import Synchronization
package import VirtualFS

/// Making a durable view's state survive a power cut.
extension WorkingTree {
    /// More files than this are brought to the disk with everything else on it.
    private static let fileByFileLimit = 64

    /// fsync(2). On a volatile view nothing outlives the process, and the kernel is told not to ask
    /// again.
    ///
    /// An own file whose inode is committed costs one fsync of that file; what else changed waits for
    /// the next commit, as on ext4.
    package func synchronize(
        _ inode: InodeNumber, handle: FileHandle?, dataOnly: Bool
    ) throws(FileSystemError) {
        guard let journal = durability?.journal else { throw .notImplemented }
        if journal.hasFailed { throw .inputOutput }
        let target = try perform { (state) throws(Interruption) in
            let found = try state.inode(inode)
            return SynchronizationTarget(
                path: found.ownFile?.path, host: found.opened?.host,
                isOwn: found.ownFile != nil, number: found.journaled,
                isReplacing: state.recorder?.isReplacing(found) == true,
                isUncertain: state.recorder?.isUncertain == true)
        }
        if target.isOwn { try flush(target, dataOnly: dataOnly, journal) }
        locked { state in
            if let found = state.find(inode) { state.recorder?.flushed(found) }
        }
        if target.number > journal.committed || target.isReplacing || target.isUncertain {
            try commit(whole: false)
        }
    }

    private struct SynchronizationTarget: Sendable {
        var path: String?
        var host: HostFile?
        var isOwn: Bool
        /// The last batch about the inode.
        var number: UInt64
        var isReplacing: Bool
        /// What a killed process wrote last is not committed yet.
        var isUncertain: Bool
    }

    private func flush(
        _ target: SynchronizationTarget, dataOnly: Bool, _ journal: ViewJournal
    ) throws(FileSystemError) {
        do throws(Errno) {
            if let host = target.host {
                return try DescriptorIO.synchronize(host.descriptor, dataOnly: dataOnly)
            }
            guard let path = target.path else { return }
            let file = try OwnedDescriptor(opening: path, .readOnly)
            try DescriptorIO.synchronize(file.rawValue, dataOnly: dataOnly)
        } catch {
            throw journal.fail(error, "bring a file of a view to the disk")
        }
    }

    /// Brings the records so far, and what they lean on, to the disk.
    /// - Parameter whole: with all that was written, and not only what took the place of something.
    func commit(whole: Bool) throws(FileSystemError) {
        guard let journal = durability?.journal else { return }
        try journal.committing.withLock { (_) throws(FileSystemError) in
            try commitNow(whole: whole)
        }
    }

    /// ``commit(whole:)`` while ``ViewJournal/committing`` is held.
    /// - Parameter atPlan: called under the view's lock at the moment whose state is committed.
    func commitNow(
        whole: Bool, atPlan: () -> Void = {}
    ) throws(FileSystemError) {
        guard let durability else { return }
        let journal = durability.journal
        if journal.hasFailed { throw .inputOutput }
        let plan = state.withLock { state in
            atPlan()
            return state.recorder?.plan(whole: whole)
        }
        guard let plan else { return }
        try journal.write(upTo: plan.number)
        do throws(Errno) {
            if plan.flushesEverything || plan.files.count > Self.fileByFileLimit {
                try DescriptorIO.synchronizeFileSystem(of: workDirectory.rawValue)
            } else {
                for path in plan.files {
                    let file = try OwnedDescriptor(opening: path, .readOnly)
                    try DescriptorIO.synchronize(file.rawValue)
                }
                if plan.flushesDirectory {
                    try HostDirectory.synchronize(durability.container.place.files)
                }
            }
        } catch {
            throw journal.fail(error, "bring the files of a view to the disk")
        }
        try journal.commit(upTo: plan.number)
        for path in plan.discarded {
            try? HostDirectory.unlink(path)  // what stays is removed when the view is opened again
        }
    }

    /// After an operation: writes what it appended, and sees that there will be a commit.
    func settle(_ point: JournalPoint) throws(FileSystemError) {
        guard let durability else { return }
        let need = point.discardedBytes > 0 ? roomNeed(point.discardedBytes) : .none
        if point.wantsCommit {
            let isUrgent = point.isUrgent || need != .none
            durability.schedule(atOnce: isUrgent) { [weak self] in self?.commitByTime() }
        }
        do throws(FileSystemError) {
            try durability.journal.write(upTo: point.number)
            if need == .now { try commit(whole: false) }
        } catch {
            // Who only looked has its answer.
            if point.isOwn { throw error }
        }
    }

    /// How much the bytes of removed files, which wait for a commit, are missed on the disk.
    private enum RoomNeed { case none, soon, now }

    /// With less than this the disk is as good as full.
    private static let scarceBytes: UInt64 = 64 << 20
    /// Fewer are not worth a commit that somebody waits for.
    private static let worthwhileBytes: UInt64 = 1 << 20

    private func roomNeed(_ discardedBytes: UInt64) -> RoomNeed {
        // Where it is not known, writers will say so.
        guard let room = try? FileSystemRoom(of: workDirectory.rawValue) else { return .none }
        let (free, isBeyond) = room.availableBlocks.multipliedReportingOverflow(
            by: room.blockSizeBytes)
        if isBeyond || free >= Self.scarceBytes { return .none }
        return discardedBytes >= max(Self.worthwhileBytes, free / 8) ? .now : .soon
    }

    private func commitByTime() {
        // Who fsyncs hears of errors, and everybody does who changes something.
        try? commit(whole: true)
        if durability?.journal.isLong == true { compact() }
        let isPending = state.withLock { $0.recorder?.hasPending == true }
        guard isPending, let durability, !durability.journal.hasFailed else { return }
        durability.schedule(atOnce: false) { [weak self] in self?.commitByTime() }
    }

    /// Before an operation changes anything: sees that its records will have room.
    func admit(_ kind: ChangeKind) throws(FileSystemError) {
        guard let journal = durability?.journal else { return }
        do throws(FileSystemError) {
            try journal.admit(isRemoval: kind == .removal)
        } catch  where error == .noSpace || error == .quotaExceeded {
            // What was deleted a moment ago waits for a commit with its bytes.
            let waits = state.withLock { $0.recorder?.discarded.isEmpty == false }
            guard waits else { throw error }
            try commit(whole: false)
            try journal.admit(isRemoval: kind == .removal)
        }
    }

    /// Before a host's file gets shorter, or holes: if the last commit still takes what is missing in
    /// it from the object below, that commit is outdated first.
    func commitCompletion(of inode: InodeNumber) throws(FileSystemError) {
        guard durability != nil else { return }
        let isCompleted = locked { state in
            state.find(inode).map { state.recorder?.isCompleted($0) == true } ?? false
        }
        if isCompleted { try commit(whole: false) }
    }

    // MARK: - Compaction

    /// Writes the journal anew, as a snapshot of what is, while the view goes on.
    ///
    /// The snapshot is taken in parts, a few inodes at a time: records are states, so what is appended
    /// meanwhile, and written behind it, puts right what changed between the parts.
    func compact() {
        guard let durability else { return }
        let journal = durability.journal
        let place = durability.container.place
        journal.committing.withLock { _ in
            if journal.hasFailed { return }
            do {
                journal.beginCopy()
                var file = try JournalFile(creating: place.newJournal, newHeader())
                for part in state.withLock({ $0.recordedNumbers }).parts {
                    var snapshot = JournalSnapshot()
                    state.withLock { state in
                        for number in part { state.describe(number, in: &snapshot) }
                    }
                    try file.write(snapshot.finish())
                }
                var early: [UInt8] = []
                try commitNow(whole: true) { early = journal.takeCopy() }
                try file.write(early)
                try file.write(JournalSnapshot.end(boot: journal.boot))
                let size = file.end
                try journal.replace(byCopy: file, snapshotBytes: size)
            } catch {
                // The present journal goes on, and is only longer than it need be.
                journal.dropCopy()
                try? HostDirectory.unlink(place.newJournal)
            }
        }
    }

    func newHeader() -> JournalHeader {
        JournalHeader(
            boot: durability?.journal.boot ?? "", base: state.withLock { $0.base })
    }
}

/// Batches that say all there is to say, as ``JournalFile/write(_:)`` takes them.
struct JournalSnapshot {
    private var bytes: [UInt8] = [0, 0, 0, 0]
    private var start = 0
    /// Batches are read whole.
    private static let batchBytes = 1 << 20

    mutating func append(_ record: JournalRecord) {
        JournalEncoding.append(record, to: &bytes)
        guard bytes.count - start > Self.batchBytes else { return }
        JournalEncoding.put(UInt32(clamping: bytes.count - start - 4), at: start, in: &bytes)
        start = bytes.count
        bytes.append(contentsOf: [0, 0, 0, 0])
    }

    consuming func finish() -> [UInt8] {
        if bytes.count - start == 4 {
            bytes.removeLast(4)
        } else {
            JournalEncoding.put(UInt32(clamping: bytes.count - start - 4), at: start, in: &bytes)
        }
        return bytes
    }

    static func end(boot: String) -> [UInt8] {
        var snapshot = JournalSnapshot()
        snapshot.append(.snapshotEnd(boot: boot))
        return snapshot.finish()
    }
}

extension [UInt64] {
    /// In parts that are described in well under a millisecond.
    fileprivate var parts: some Sequence<ArraySlice<UInt64>> {
        let size = 1024
        return stride(from: 0, to: count, by: size).lazy.map {
            self[$0..<Swift.min($0 + size, count)]
        }
    }
}
