internal import FileTree
internal import LinuxIO
internal import VirtualFS

/// All inodes, names and handles of a working tree. One thread at a time, under the tree's lock.
///
///     listed   number → ListedInode (a lower entry that nobody has asked for yet)
///     inodes   number → WorkingInode ── .directory(WorkingDirectory) ── links: name → WorkingInode
///                            │                                          lower: DirectoryReference
///                            └─ place, extras.places: (parent, name)     (entries not yet looked up)
///
/// An inode is here while the kernel knows it, while it is open, and while it differs from the lower
/// tree; so are the directories above it. Everything else is read from the lower tree when asked for.
///
/// Operations do no I/O. They are all or nothing: what may throw comes before the first change.
final class WorkingTreeState {
    private(set) var inodes: [UInt64: WorkingInode] = [:]
    /// The inodes that the kernel knows by a second number, see ``renew(_:)``.
    private var renewed: [UInt64: WorkingInode] = [:]
    /// What the kernel knows and nobody has asked for yet. Invariant: not in `inodes`.
    var listed = InodeTable<ListedInode>()
    /// The inodes with the flag `mayBeMapped`.
    var mapped: [UInt64: WorkingInode] = [:]
    /// Whether the kernel takes backings.
    var offersBackings = true
    /// The inodes of lower hard-link groups, by ``HardLink/identifier``: one inode whatever name it
    /// is reached by.
    var groups: [UInt64: WorkingInode] = [:]
    var handles: [UInt64: OpenHandle] = [:]
    let root: WorkingInode
    /// What the present operation loaded.
    var loaded = LoadedDirectories()
    /// Nothing may start to change.
    var isFreezing = false
    /// Changes that take several steps and have begun.
    var changesUnderWay = 0
    /// Inodes of lower hard-link groups that changed: names of theirs may not be known.
    var changedGroups: [UInt64: WorkingInode] = [:]
    /// The tree below.
    var base: Tree
    /// Nil for a volatile view.
    var recorder: JournalRecorder?
    /// Whether the hard-link groups of a frozen tree have to be worked out anew.
    var touchedHardLinks = false
    /// What nothing refers to any more, to be let go of outside the lock.
    private var garbage = Garbage()
    private var nextNumber: UInt64 = InodeNumber.root.rawValue + 1
    private var nextHandle: UInt64 = 1
    private var renewalCount: UInt64 = 0

    init(base: Tree) {
        self.base = base
        root = WorkingInode(number: .root, node: base.root)
        inodes[root.number.rawValue] = root
    }

    /// Directories refer to each other in chains as long as paths are deep, and they may be deeper
    /// than this thread's stack: they let go of each other one by one.
    deinit {
        for inode in inodes.values { inode.directory?.dropLinks() }
    }

    // MARK: - Inodes

    /// - Throws: `stale` for a number that no inode has.
    func inode(_ number: InodeNumber) throws(Interruption) -> WorkingInode {
        guard let inode = find(number) else { throw .failed(.stale) }
        return inode
    }

    /// The inode with this number, its own or one it was given by ``renew(_:)``.
    func find(_ number: InodeNumber) -> WorkingInode? {
        if let inode = inodes[number.rawValue] { return inode }
        if let inode = renewed.isEmpty ? nil : renewed[number.rawValue] { return inode }
        return wake(number)
    }

    /// Renewed numbers have this bit; counted ones never get so far, derived ones have the next too.
    private static let renewalMark: UInt64 = 1 << 61

    /// Gives the inode another number towards the kernel, which takes it for another file then: one
    /// that may have another backing. Programs see the same `st_ino`.
    /// - Returns: whether the inode still had that number.
    func renew(_ number: InodeNumber) -> Bool {
        guard let inode = find(number), inode.kernelNumber == number else { return false }
        renewalCount += 1
        // In the group of the first number, see ``WorkingTree/gated(_:_:)``.
        let group = inode.number.rawValue % WorkingTree.gateCount
        let fresh = Self.renewalMark | renewalCount * WorkingTree.gateCount + group
        inode.withExtras().renewals.append(InodeNumber(fresh))
        renewed[fresh] = inode
        return true
    }

    func directory(
        _ number: InodeNumber
    ) throws(Interruption) -> (inode: WorkingInode, body: WorkingDirectory) {
        let inode = try inode(number)
        guard let body = inode.directory else { throw .failed(.notDirectory) }
        return (inode, body)
    }

    /// A directory that may get entries: a removed one may not.
    func openDirectory(
        _ number: InodeNumber
    ) throws(Interruption) -> (inode: WorkingInode, body: WorkingDirectory) {
        let found = try directory(number)
        guard found.inode.linkCount > 0 else { throw .failed(.notFound) }
        return found
    }

    func makeInode(attributes: NodeAttributes, body: WorkingInode.Body) -> WorkingInode {
        let inode = WorkingInode(number: newNumber(), attributes: attributes, body: body)
        inodes[inode.number.rawValue] = inode
        return inode
    }

    private func newNumber() -> InodeNumber {
        defer { nextNumber += 1 }
        return InodeNumber(nextNumber)
    }

    /// Takes in an inode that has its number.
    func adopt(_ inode: WorkingInode) { inodes[inode.number.rawValue] = inode }

    /// No new inode gets this number.
    func reserve(_ number: InodeNumber) {
        if !DerivedNumber.isDerived(number) {
            nextNumber = max(nextNumber, number.rawValue &+ 1)
        }
    }

    func newHandle(_ handle: OpenHandle) -> FileHandle {
        defer { nextHandle += 1 }
        handles[nextHandle] = handle
        return FileHandle(nextHandle)
    }

    // MARK: - Names

    /// The stored entries below a directory; nil when there are none.
    /// - Throws: `needs`.
    func lower(of body: WorkingDirectory) throws(Interruption) -> Directory? {
        if let pinned = body.pinned { return pinned }
        guard let reference = body.lower, reference.entryCount > 0 else { return nil }
        guard let directory = loaded.find(reference.id) else { throw .needs(reference.id) }
        if body.isDirty { body.pinned = directory }
        return directory
    }

    /// The inode under a name, made known if it was not; nil if there is no such name.
    func child(
        _ name: LinkName, of parent: WorkingInode, _ body: WorkingDirectory
    ) throws(Interruption) -> WorkingInode? {
        if let link = body.links[name] { return link.inode }
        guard let lower = try lower(of: body), let index = lower.index(of: name.entryName) else {
            return nil
        }
        return know(lower.entries[index], at: index, in: parent, body)
    }

    /// Makes the inode of a lower entry known.
    func know(
        _ entry: DirectoryEntry, at index: Int, in parent: WorkingInode, _ body: WorkingDirectory
    ) -> WorkingInode {
        // The entry's own name: its bytes are shared with the loaded directory.
        let name = LinkName(entry.name)
        let inode: WorkingInode
        if let link = entry.node.hardLink, let known = groups[link.identifier] {
            inode = known
        } else {
            var number = derivedNumber(of: entry, in: parent)
            let lookups = takeListed(number, at: index, in: parent)
            let isTaken = inodes[number.rawValue] != nil || lookups == nil
            if isTaken { number = newNumber() }
            inode = WorkingInode(number: number, node: entry.node)
            inode.lookupCount = lookups ?? 0
            // Met first the next time, it would get the number that another has.
            if isTaken { recorder?.note(inode) }
            inodes[number.rawValue] = inode
            if let link = entry.node.hardLink { groups[link.identifier] = inode }
        }
        inode.addPlace(name, in: parent)
        body.know(inode, as: name, at: index)
        return inode
    }

    /// The number that a lower entry's inode gets, unless another has it by chance.
    func derivedNumber(of entry: DirectoryEntry, in parent: WorkingInode) -> InodeNumber {
        if let link = entry.node.hardLink { return DerivedNumber.make(group: link.identifier) }
        return DerivedNumber.make(parent: parent.number, name: LinkName(entry.name))
    }

    func isEmpty(_ body: WorkingDirectory) throws(Interruption) -> Bool {
        if body.addedCount > 0 { return false }
        guard body.hasLowerEntries else { return true }
        let lowerCount = try lower(of: body)?.entries.count ?? 0
        return lowerCount == body.whiteoutCount
    }

    /// Whether `ancestor` is `inode` or above it.
    func isAncestor(_ ancestor: WorkingInode, of inode: WorkingInode) -> Bool {
        var current: WorkingInode? = inode
        while let step = current {
            if step === ancestor { return true }
            current = step.place?.parent
        }
        return false
    }

    // MARK: - Change

    /// The inode no longer is what the lower tree says.
    func markChanged(_ inode: WorkingInode) {
        recorder?.note(inode)
        markChangedUnrecorded(inode)
    }

    /// As ``markChanged(_:)``, for a change that the journal need not have: the own file tells it.
    func markChangedUnrecorded(_ inode: WorkingInode) {
        inode.flags.insert(.changed)
        inode.flags.remove(.synthesised)
        if !inode.isDirectory && (inode.linkCount > 1 || inode.group != nil) {
            touchedHardLinks = true
            if let group = inode.group { changedGroups[group] = inode }
        }
        guard let place = inode.place else { return }
        markDirty(place.parent)
        guard let extras = inode.extras else { return }
        for place in extras.places { markDirty(place.parent) }
    }

    /// The entries of the directory no longer are what the lower tree says.
    func markDirty(_ directory: WorkingInode) {
        var current: WorkingInode? = directory
        while let inode = current, let body = inode.directory {
            if body.isDirty && !inode.flags.contains(.synthesised) { return }
            inode.flags.remove(.synthesised)
            body.isDirty = true
            current = inode.place?.parent
        }
    }

    /// An entry came or went.
    func touch(_ directory: WorkingInode, at time: FileTime) {
        // Before the modification time: it is the access time of what has no extras yet.
        directory.stampChange(at: time)
        directory.modificationTime = directory.changeTime
        markChanged(directory)
        markDirty(directory)
    }

    func touchChangeTime(_ inode: WorkingInode, at time: FileTime) {
        inode.stampChange(at: time)
        markChanged(inode)
    }

    // MARK: - Letting go

    /// - Returns: the path of an own file whose writes have to be taken over first; then
    ///   ``settle(_:_:)`` lets go of the inode.
    func forget(_ number: InodeNumber, count: UInt64) -> String? {
        if forgetListed(number, count: count) { return nil }
        guard let inode = find(number) else { return nil }
        inode.lookupCount -= min(count, inode.lookupCount)
        if inode.lookupCount == 0, inode.flags.contains(.mayBeMapped), inode.opened == nil,
            inode.linkCount > 0, case .regular(.own(let file)) = inode.body
        {
            return file.path
        }
        release(inode)
        return nil
    }

    /// Takes over the last writes through mappings of an inode that was forgotten, and lets go of it:
    /// a mapping keeps its inode known.
    func settle(_ number: InodeNumber, _ status: FileStatus?) {
        guard let inode = find(number), inode.lookupCount == 0, inode.opened == nil else { return }
        if let status { absorb(status, into: inode) }
        setMayBeMapped(inode, false)
        release(inode)
    }

    func setMayBeMapped(_ inode: WorkingInode, _ isMapped: Bool) {
        if isMapped {
            inode.flags.insert(.mayBeMapped)
        } else {
            inode.flags.remove(.mayBeMapped)
        }
        mapped[inode.number.rawValue] = isMapped ? inode : nil
    }

    /// Lets go of the inode, and of directories above it, where nothing needs them any more.
    func release(_ inode: WorkingInode) {
        // Nearly always one; the names of a hard-link group lie in several directories.
        var pending: [WorkingInode] = [inode]
        while let inode = pending.popLast() {
            guard inode.lookupCount == 0, inode.opened == nil, inode !== root,
                inodes[inode.number.rawValue] === inode
            else { continue }
            for number in inode.extras?.renewals ?? [] { renewed[number.rawValue] = nil }
            inode.extras?.renewals = []
            if inode.linkCount == 0 {
                discardContent(of: inode, isUnused: true)
                remove(inode)
            } else if isReleasable(inode) {
                for place in inode.places {
                    place.parent.directory?.forget(place.name)
                    pending.append(place.parent)
                }
                remove(inode)
            }
        }
    }

    private func isReleasable(_ inode: WorkingInode) -> Bool {
        guard inode.flags.isDisjoint(with: [.changed, .synthesised, .recorded]),
            !inode.hasTimesOfItsOwn
        else { return false }
        if let body = inode.directory,
            !body.links.isEmpty || body.listedCount > 0 || body.isDirty
        {
            return false
        }
        return hasDerivedNumber(inode)
    }

    /// Whether it gets the same number when it is met again in the lower tree.
    func hasDerivedNumber(_ inode: WorkingInode) -> Bool {
        if let group = inode.group { return DerivedNumber.make(group: group) == inode.number }
        guard let place = inode.place else { return false }
        return DerivedNumber.make(parent: place.parent.number, name: place.name) == inode.number
    }

    func remove(_ inode: WorkingInode) {
        inodes[inode.number.rawValue] = nil
        inodes.shrinkIfSparse()
        mapped[inode.number.rawValue] = nil
        leaveGroup(inode)
        inode.place = nil
        inode.extras?.places = []
    }

    /// The inode no longer is what names of its lower hard-link group lead to.
    func leaveGroup(_ inode: WorkingInode) {
        guard let group = inode.group else { return }
        if groups[group] === inode { groups[group] = nil }
        if changedGroups[group] === inode { changedGroups[group] = nil }
        inode.group = nil
    }

    /// The own file of an inode goes.
    /// - Parameter isUnused: neither the kernel nor the tree knows the inode any more.
    func discardContent(of inode: WorkingInode, isUnused: Bool = false) {
        guard case .regular(.own(let file)) = inode.body else { return }
        if let recorder {
            // Not before the record is durable that says so.
            recorder.discard(file.path, sizeBytes: file.blocks * 512)
        } else if isUnused {
            garbage.unused.append(file.path)
        } else {
            garbage.paths.append(file.path)
        }
    }

    /// An open file is no longer needed; closing it may take a while.
    func retire(_ file: HostFile?) {
        if let file { garbage.files.append(file) }
    }

    func takeGarbage() -> Garbage {
        if garbage.isEmpty { return garbage }
        defer { garbage = Garbage() }
        return garbage
    }
}

extension WorkingTreeState {
    /// The end of an operation: its batch goes into the journal.
    func takeRemains() -> Remains {
        guard let recorder else { return Remains(garbage: takeGarbage()) }
        let before = recorder.appended
        recorder.flush()
        let number = recorder.appended
        return Remains(
            garbage: takeGarbage(),
            point: JournalPoint(
                number: number, isOwn: number > before, wantsCommit: recorder.hasPending,
                isUrgent: recorder.isUrgent, discardedBytes: recorder.takeDiscardedBytes()))
    }
}

/// What an operation leaves to be done outside the lock.
struct Remains: Sendable {
    var garbage: Garbage
    /// Nil for a volatile view.
    var point: JournalPoint?
}

/// Files that nothing refers to any more.
struct Garbage: Sendable {
    /// Own files to be removed.
    var paths: [String] = []
    /// Own files that may get another inode instead.
    var unused: [String] = []
    /// Open files to be closed, by dropping them.
    var files: [HostFile] = []

    var isEmpty: Bool { paths.isEmpty && unused.isEmpty && files.isEmpty }
}
