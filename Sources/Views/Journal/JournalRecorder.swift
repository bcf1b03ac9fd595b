internal import FileTree
internal import VirtualFS

/// Notes what an operation changes, and puts it into the journal as one batch at the operation's end.
///
/// Guarded, like everything it refers to, by the working tree's lock.
final class JournalRecorder {
    private let journal: ViewJournal
    private var inodes: [WorkingInode] = []
    private var names: [(parent: WorkingInode, name: LinkName)] = []

    // MARK: What commits need to know

    /// Inodes whose own files may have been written since the last commit.
    private var written: [UInt64: WorkingInode] = [:]
    /// Of those, the ones that took the place of content that was there before: by copy-up, by
    /// truncation, or by a rename. Were they not flushed with the records that say so, a power cut
    /// could take the old content with the new.
    private var replacing: [UInt64: WorkingInode] = [:]
    /// Inodes whose own file got all of their content since the last commit.
    private var completed: Set<UInt64> = []
    /// Own files that were made since the last commit: their names have to reach the disk.
    private var madeFiles = false
    /// Files that nothing needs any more, once the records that say so are durable.
    private(set) var discarded: [String] = []
    private var discardedBytes: UInt64 = 0
    private var hasJustDiscarded = false
    /// It is not known which own files are on the disk: all are to be flushed.
    var isUncertain = false

    /// What waits for a commit at most.
    private static let maximumDiscardedBytes: UInt64 = 64 << 20
    private static let maximumDiscardedCount = 4096

    init(_ journal: ViewJournal) { self.journal = journal }

    var appended: UInt64 { journal.appended }

    // MARK: - Noting

    func note(_ inode: WorkingInode) {
        if inode.flags.contains(.noted) { return }
        inode.flags.insert(.noted)
        inodes.append(inode)
    }

    func note(_ name: LinkName, in parent: WorkingInode) { names.append((parent, name)) }

    func mayWrite(_ inode: WorkingInode) { written[inode.number.rawValue] = inode }

    func replaces(_ inode: WorkingInode) {
        written[inode.number.rawValue] = inode
        replacing[inode.number.rawValue] = inode
    }

    func madeFile() { madeFiles = true }

    /// The own file has all of the content now, and the object below is no longer needed.
    func completed(_ inode: WorkingInode) {
        replaces(inode)
        note(inode)
        completed.insert(inode.number.rawValue)
    }

    func discard(_ path: String, sizeBytes: UInt64) {
        discarded.append(path)
        discardedBytes += sizeBytes
        hasJustDiscarded = true
    }

    /// What a commit would give back to the disk, for the operation that added to it; 0 for others.
    func takeDiscardedBytes() -> UInt64 {
        defer { hasJustDiscarded = false }
        return hasJustDiscarded ? discardedBytes : 0
    }

    /// Whether a commit should not wait for its time.
    var isUrgent: Bool {
        discardedBytes > Self.maximumDiscardedBytes
            || discarded.count > Self.maximumDiscardedCount
    }

    /// Whether there is anything for a commit to do.
    var hasPending: Bool {
        appended > journal.committed || !written.isEmpty || madeFiles || !discarded.isEmpty
            || isUncertain
    }

    // MARK: - Batches

    /// The end of an operation.
    func flush() {
        if inodes.isEmpty && names.isEmpty { return }
        var index = 0
        let number = journal.append { _, bytes in
            while index < inodes.count {
                append(inodes[index], to: &bytes)
                index += 1
            }
            for (parent, name) in names { append(name, in: parent, to: &bytes) }
        }
        for inode in inodes {
            inode.flags.remove(.noted)
            inode.journaled = number
        }
        inodes.removeAll(keepingCapacity: true)
        names.removeAll(keepingCapacity: true)
    }

    private func append(_ inode: WorkingInode, to bytes: inout [UInt8]) {
        if inode.flags.contains(.synthesised) { return }
        guard inode.linkCount > 0 else {
            if inode.flags.contains(.recorded) {
                JournalEncoding.append(.gone(inode.number), to: &bytes)
                inode.flags.remove(.recorded)
            }
            return
        }
        JournalEncoding.append(.inode(inode.journalState), to: &bytes)
        if inode.flags.contains(.recorded) { return }
        inode.flags.insert(.recorded)
        // Where it stands, and where that stands, up to what the journal knows.
        for place in inode.places {
            JournalEncoding.append(
                .link(
                    directory: place.parent.number, name: place.name.entryName,
                    inode: inode.number), to: &bytes)
            if !place.parent.flags.contains(.recorded) { note(place.parent) }
        }
    }

    private func append(_ name: LinkName, in parent: WorkingInode, to bytes: inout [UInt8]) {
        guard parent.flags.contains(.recorded), let body = parent.directory else { return }
        guard let inode = body.links[name]?.inode else {
            JournalEncoding.append(
                .whiteout(directory: parent.number, name: name.entryName), to: &bytes)
            return
        }
        guard inode.flags.contains(.recorded) else { return }
        JournalEncoding.append(
            .link(directory: parent.number, name: name.entryName, inode: inode.number),
            to: &bytes)
    }

    // MARK: - Commits

    /// What has to be brought to the disk before a commit.
    struct Plan: Sendable {
        /// The last batch that it will cover.
        var number: UInt64
        var files: [String] = []
        var flushesDirectory = false
        var flushesEverything = false
        /// Files that may go after it.
        var discarded: [String] = []
    }

    /// - Parameter whole: every own file, and not only those without which the records would lose
    ///   what was there before.
    func plan(whole: Bool) -> Plan {
        var plan = Plan(number: journal.appended)
        for inode in (whole ? written : replacing).values {
            if let file = inode.ownFile, inode.linkCount > 0 { plan.files.append(file.path) }
        }
        if whole { written = written.filter { $0.value.mayBeWritten } }
        replacing = [:]
        completed = []
        plan.flushesDirectory = madeFiles
        plan.flushesEverything = isUncertain
        plan.discarded = discarded
        madeFiles = false
        isUncertain = false
        discarded = []
        discardedBytes = 0
        return plan
    }

    /// The own file of an inode is durable as far as it was written.
    func flushed(_ inode: WorkingInode) {
        replacing[inode.number.rawValue] = nil
        if !inode.mayBeWritten { written[inode.number.rawValue] = nil }
    }

    /// Whether commits have not seen what happened to the inode's content.
    func isReplacing(_ inode: WorkingInode) -> Bool {
        replacing[inode.number.rawValue] != nil
    }
}

extension JournalRecorder {
    /// Whether the last commit still takes a part of the inode's content from the object below.
    func isCompleted(_ inode: WorkingInode) -> Bool { completed.contains(inode.number.rawValue) }
}

extension WorkingInode {
    /// Whether writes may come without a word.
    fileprivate var mayBeWritten: Bool {
        flags.contains(.mayBeMapped) || opened.map { $0.writerCount > 0 } == true
    }

    /// The inode as the journal keeps it.
    var journalState: JournalInode {
        let modified = modificationTime
        return JournalInode(
            number: number, attributes: attributes,
            accessTime: extras?.accessTime ?? modified, changeTime: extras?.changeTime ?? modified,
            isChanged: flags.contains(.changed), linkCount: linkCount, group: group,
            body: journalBody)
    }

    private var journalBody: JournalInode.Body {
        switch body {
        case .directory(let directory): .directory(lower: directory.lower)
        case .regular(.empty): .empty
        case .regular(.object(let content)): .object(content)
        case .regular(.own(let file)): .own(file.journalState)
        case .symbolicLink(let target): .symbolicLink(target)
        case .characterDevice(let device): .characterDevice(device)
        case .blockDevice(let device): .blockDevice(device)
        case .fifo: .fifo
        case .socket: .socket
        }
    }
}

extension OwnFile {
    var journalState: JournalOwnFile {
        JournalOwnFile(
            number: number, sizeBytes: sizeBytes, hostTime: hostTime,
            partial: partial.map {
                JournalOwnFile.Partial(object: $0.object, keptBytes: $0.keptBytes)
            })
    }
}
