internal import LinuxIO
internal import Store
internal import Synchronization
internal import VirtualFS

/// The journal of a durable view that is in use: batches are appended in memory under the view's
/// lock, written by whoever comes out of it, and made durable by commits.
///
///     appended ≥ written ≥ committed      numbers of batches since it was opened
///
/// Everything written survives the end of the process, everything committed a power cut.
///
/// Lock order: ``committing``, then the file, then the view's state, then the buffer.
final class ViewJournal: Sendable {
    let place: ContainerPlace
    let boot: String
    /// One commit, or one rewriting, at a time.
    let committing = Mutex(())
    private let file: Mutex<JournalFile>
    private let buffer: Mutex<Buffer>
    private let appendedCount = Atomic<UInt64>(0)
    private let writtenCount = Atomic<UInt64>(0)
    private let committedCount = Atomic<UInt64>(0)
    /// Where the file will end when all is written, and up to where there is room.
    private let plannedEnd: Atomic<UInt64>
    private let reservedEnd: Atomic<UInt64>
    /// The size of the last snapshot.
    private let snapshotBytes: Atomic<UInt64>
    private let failure = Atomic<Int32>(0)

    private struct Buffer {
        /// Batches with their lengths before them.
        var bytes: [UInt8] = []
        /// Of all that was appended since a snapshot began, for the file that is being made of it.
        var copy: [UInt8]?
    }

    /// Below this the next operation asks for more room. Far more than an operation writes.
    private static let comfortableBytes: UInt64 = 512 << 10
    /// What operations that need room leave to those that give some back.
    private static let growthFloorBytes: UInt64 = 256 << 10
    private static let removalFloorBytes: UInt64 = 32 << 10

    init(_ file: consuming JournalFile, place: ContainerPlace, boot: String) {
        self.place = place
        self.boot = boot
        plannedEnd = Atomic(file.end)
        reservedEnd = Atomic(file.reservedEnd)
        snapshotBytes = Atomic(file.end)
        self.file = Mutex(file)
        buffer = Mutex(Buffer())
    }

    var appended: UInt64 { appendedCount.load(ordering: .acquiring) }
    var committed: UInt64 { committedCount.load(ordering: .acquiring) }

    // MARK: - Room

    /// Sees that there is room for another operation, before it changes anything.
    /// - Parameter isRemoval: it gives room back, and may use the last that there is.
    /// - Throws: `noSpace`; `readOnly` once something could not be written.
    func admit(isRemoval: Bool) throws(FileSystemError) {
        if hasFailed { throw .readOnly }
        if room >= Self.comfortableBytes { return }
        do throws(Errno) {
            try file.withLock { (file) throws(Errno) in
                while file.reservedEnd
                    < plannedEnd.load(ordering: .relaxed) + Self.comfortableBytes
                {
                    try file.reserve()
                    reservedEnd.store(file.reservedEnd, ordering: .releasing)
                }
            }
        } catch {
            if room >= (isRemoval ? Self.removalFloorBytes : Self.growthFloorBytes) { return }
            throw FileSystemError(host: error)
        }
    }

    private var room: UInt64 {
        let (planned, reserved) = (
            plannedEnd.load(ordering: .relaxed), reservedEnd.load(ordering: .relaxed)
        )
        return reserved > planned ? reserved - planned : 0
    }

    // MARK: - Appending and writing

    /// Appends a batch of the records that `encode` appends. Nothing of it, if it appends nothing.
    /// - Returns: its number.
    @discardableResult
    func append(_ encode: (_ number: UInt64, _ bytes: inout [UInt8]) -> Void) -> UInt64 {
        buffer.withLock { buffer in
            let number = appendedCount.load(ordering: .relaxed) + 1
            let start = buffer.bytes.count
            buffer.bytes.append(contentsOf: [0, 0, 0, 0])
            encode(number, &buffer.bytes)
            let count = buffer.bytes.count - start - 4
            guard count > 0 else {
                buffer.bytes.removeLast(4)
                return number - 1
            }
            JournalEncoding.put(UInt32(clamping: count), at: start, in: &buffer.bytes)
            if buffer.copy != nil { buffer.copy?.append(contentsOf: buffer.bytes[start...]) }
            plannedEnd.add(UInt64(JournalFormat.frameBytes + count), ordering: .relaxed)
            appendedCount.store(number, ordering: .releasing)
            return number
        }
    }

    /// Writes what was appended, if batch `number` is not yet written.
    /// - Throws: `inputOutput`, or what the host said.
    func write(upTo number: UInt64) throws(FileSystemError) {
        if writtenCount.load(ordering: .acquiring) >= number { return }
        try file.withLock { (file) throws(FileSystemError) in
            if writtenCount.load(ordering: .acquiring) >= number { return }
            try writeBuffer(to: &file)
        }
    }

    private func writeBuffer(to file: inout JournalFile) throws(FileSystemError) {
        if hasFailed { throw .inputOutput }
        let (bytes, last) = takeBuffer()
        if !bytes.isEmpty {
            do throws(Errno) {
                try file.write(bytes)
            } catch {
                throw fail(error, "write the journal of a view")
            }
        }
        writtenCount.store(last, ordering: .releasing)
    }

    private func takeBuffer() -> (bytes: [UInt8], last: UInt64) {
        buffer.withLock { buffer in
            let bytes = buffer.bytes
            buffer.bytes = []
            return (bytes, appendedCount.load(ordering: .relaxed))
        }
    }

    // MARK: - Commits

    /// Notes that what the batches up to `number` refer to is durable, and makes them so too.
    /// ``committing`` is held.
    func commit(upTo number: UInt64) throws(FileSystemError) {
        if number <= committed { return }
        let own = append { own, bytes in
            JournalEncoding.append(.commit(back: own - number, boot: boot), to: &bytes)
        }
        try write(upTo: own)
        let descriptor = file.withLock { $0.descriptor.rawValue }  // stays while this is held
        do throws(Errno) {
            try DescriptorIO.synchronize(descriptor, dataOnly: true)
        } catch {
            throw fail(error, "bring the journal of a view to the disk")
        }
        // Nothing but the commit itself may have come since.
        committedCount.store(own == number + 1 ? own : number, ordering: .releasing)
    }

    // MARK: - Rewriting

    /// How long the file will be when all is written.
    var size: UInt64 { plannedEnd.load(ordering: .relaxed) }

    /// Smaller journals are not worth it.
    static let compactionMinimumBytes: UInt64 = 4 << 20

    /// Whether most of the file is about states that have passed.
    var isLong: Bool {
        let end = plannedEnd.load(ordering: .relaxed)
        return end > Self.compactionMinimumBytes
            && end > 2 * snapshotBytes.load(ordering: .relaxed)
    }

    /// From here on what is appended is kept for the next file, too. ``committing`` is held.
    func beginCopy() { buffer.withLock { $0.copy = [] } }

    func dropCopy() { buffer.withLock { $0.copy = nil } }

    /// What was appended since the copy began, or was taken last. Under the view's lock.
    func takeCopy() -> [UInt8] {
        buffer.withLock { buffer in
            defer { buffer.copy = [] }
            return buffer.copy ?? []
        }
    }

    /// Puts a file that holds a snapshot and what came after, as far as it was taken, in the place of
    /// the present one. The rest of the copy is appended first. ``committing`` is held.
    ///
    /// Where it fails before the end, the present file goes on.
    func replace(
        byCopy new: consuming JournalFile, snapshotBytes: UInt64
    ) throws(FileSystemError) {
        var new = Optional(new)
        try file.withLock { (file) throws(FileSystemError) in
            guard var next = new.take() else { return }
            let taken = takeForReplacement()
            do throws(Errno) {
                try file.write(taken.pending)
            } catch {
                throw fail(error, "write the journal of a view")
            }
            writtenCount.store(taken.last, ordering: .releasing)
            do throws(Errno) {
                try next.write(taken.copy)
                try prepare(&next)
            } catch {
                throw FileSystemError(host: error)
            }
            try install(next, as: &file, snapshotBytes: snapshotBytes)
        }
    }

    /// Puts a new file in the place of the present one, with what the view is: `snapshot` says it, calls
    /// ``dropPending()`` at that moment, and tells what that says. ``committing`` is held. Where it
    /// fails the view is ahead of its journal, and ends as read-only.
    func replace(
        by new: consuming JournalFile, snapshot: (_ last: inout UInt64) -> [UInt8]
    ) throws(FileSystemError) {
        var new = Optional(new)
        try file.withLock { (file) throws(FileSystemError) in
            guard var next = new.take() else { return }
            var last: UInt64 = 0
            let batches = snapshot(&last)
            do throws(Errno) {
                try next.write(batches)
                try prepare(&next)
            } catch {
                throw fail(error, "write the journal of a view")
            }
            let size = next.end
            try install(next, as: &file, snapshotBytes: size)
            writtenCount.store(last, ordering: .releasing)
            committedCount.store(last, ordering: .releasing)
        }
    }

    /// What was appended and not written is part of a snapshot. Under the view's lock.
    /// - Returns: the number of the last batch.
    func dropPending() -> UInt64 { takeForReplacement().last }

    private func takeForReplacement() -> (pending: [UInt8], copy: [UInt8], last: UInt64) {
        buffer.withLock { buffer in
            defer { buffer = Buffer() }
            return (buffer.bytes, buffer.copy ?? [], appendedCount.load(ordering: .relaxed))
        }
    }

    private func prepare(_ next: inout JournalFile) throws(Errno) {
        if next.reservedEnd < next.end + Self.comfortableBytes { try next.reserve() }
        try DescriptorIO.synchronize(next.descriptor.rawValue)
        try HostDirectory.rename(place.newJournal, to: place.journal)
    }

    private func install(
        _ next: consuming JournalFile, as file: inout JournalFile, snapshotBytes: UInt64
    ) throws(FileSystemError) {
        file = next
        let end = file.end
        // What was appended meanwhile, if anything was, is little beside the room there is.
        buffer.withLock {
            plannedEnd.store(end + UInt64($0.bytes.count), ordering: .relaxed)
        }
        reservedEnd.store(file.reservedEnd, ordering: .relaxed)
        self.snapshotBytes.store(snapshotBytes, ordering: .relaxed)
        do throws(Errno) {
            try HostDirectory.synchronize(place.directory)
        } catch {
            throw fail(error, "bring the journal of a view to the disk")
        }
    }

    // MARK: - Failing

    var hasFailed: Bool { failure.load(ordering: .relaxed) != 0 }

    /// From now on nothing is changed any more: memory is ahead of what is on the disk.
    func fail(_ error: Errno, _ what: String) -> FileSystemError {
        let first = failure.compareExchange(
            expected: 0, desired: error.rawValue, ordering: .relaxed)
        if first.exchanged {
            ViewLog.note(
                "could not \(what) (\(place.journal)): \(error); the view is read-only from here on"
            )
        }
        return .inputOutput
    }
}
