package import FileTree
internal import Glibc
internal import ImageSpec
internal import LinuxIO
package import Store
internal import Synchronization
internal import VirtualFS

extension WorkingTree {
    /// How long a freeze waits for the kernel to report files closed that their programs closed
    /// already (RELEASE comes after `close` returns). What is still open for writing then is copied
    /// instead of moved, which costs more but is right as well.
    private static let releaseGraceMicroseconds: UInt32 = 20_000

    /// The view as a tree, in time proportional to what changed since the last freeze.
    ///
    /// Contents go into the object store: files are hashed once and moved there. Directories that
    /// changed are encoded into `directories`; all else is referred to. The view stays usable and
    /// begins the next draft on the result; meanwhile changes wait, reads do not.
    ///
    /// Nothing should write to the view: of a file that is open for writing the tree gets what is
    /// there at some moment.
    ///
    /// A durable view leans on the tree from then on: it is recorded, with `directories`, for the
    /// view's container, and the journal begins anew.
    ///
    /// - Parameters:
    ///   - directories: in front of the directories that this view was made from.
    ///   - leavesOutSockets: for a tree that is to be what its layers are: a layer's tar cannot say a
    ///     socket. Its program makes it anew; Docker and tar leave it out as well.
    ///   - meanwhile: of a durable view: called with the draft of what is frozen, as soon as nobody
    ///     writes to the own files that it names; what it returns, when all contents are objects and
    ///     own files are still where they were.
    /// - Throws: ``StoreError``, ``FileTreeError`` (`tooDeep` among them). The view is unharmed.
    package func freeze(
        ingest: ObjectIngest, directories: PendingDirectories, leavesOutSockets: Bool = false,
        meanwhile: ((ContainerDraft) throws -> () -> Void)? = nil
    ) throws -> Tree {
        try freezing.withLock { () throws in
            locked { $0.isFreezing = true }
            defer { locked { $0.isFreezing = false } }
            awaitChangesUnderWay()
            settleAll()
            let survey = try survey()
            var contents = FrozenContents()
            do {
                try collectContents(survey.files, ingest, into: &contents, meanwhile)
                return try freeze(contents, directories, leavesOutSockets: leavesOutSockets)
            } catch {
                // What is an object as well by now is copied before it is written to.
                locked { [contents] state in
                    for number in contents.shared.keys {
                        state.inodes[number]?.ownFile?.isShared = true
                    }
                }
                throw error
            }
        }
    }

    /// The contents of own files that a freeze put into the store.
    struct FrozenContents: Sendable {
        /// Of files that may be written to, and stay own.
        var copies: [UInt64: FileContent] = [:]
        /// Of a durable view's files: they stay until its journal no longer names them.
        var shared: [UInt64: FileContent] = [:]
    }

    private func freeze(
        _ contents: FrozenContents, _ directories: PendingDirectories, leavesOutSockets: Bool
    ) throws -> Tree {
        let known = contents.copies.merging(contents.shared) { copy, _ in copy }
        let snapshot = try perform { (state) throws(Interruption) in
            try FrozenState(state, copies: known, leavesOutSockets: leavesOutSockets)
        }
        var tree = try snapshot.encode(in: directories)
        addSource(directories)
        var links: FrozenLinks?
        if snapshot.touchedHardLinks {
            let found = try FrozenLinks(tree, changed: snapshot.changedGroups, in: directories)
            tree = try found.apply(to: tree)
            links = found
        }
        if let durability {
            do {
                try rebase(durability, on: tree, directories, links, contents)
            } catch is FileSystemError {
                throw Self.hasEnded(durability.container.place)
            }
        } else {
            try rebase(on: tree, directories, links, contents)
        }
        return tree
    }

    /// Goes on with the tree below.
    private func rebase(
        on tree: Tree, _ directories: PendingDirectories, _ links: FrozenLinks?,
        _ contents: FrozenContents
    ) throws {
        // What this appends to a journal is in the snapshot that the next one begins with.
        let (strays, remains) = state.withLock { state in
            for (number, content) in contents.shared {
                state.contentMoved(of: InodeNumber(number), to: content)
            }
            let strays = state.rebase(
                on: tree, from: directories, links: links, copied: contents.copies.keys)
            return (strays, state.takeRemains())
        }
        discard(remains.garbage)
        for (inode, path) in strays { try reattach(inode, at: path) }
    }

    /// As ``rebase(on:_:_:_:)`` of a durable view, whose journal goes on with what the tree does not
    /// have.
    ///
    /// The present journal names own files that are objects now, and is what a killed process leaves:
    /// they stay until the next one is in its place.
    private func rebase(
        _ durability: ViewDurability, on tree: Tree, _ directories: PendingDirectories,
        _ links: FrozenLinks?, _ contents: FrozenContents
    ) throws {
        let (journal, place) = (durability.journal, durability.container.place)
        let superseded = locked { state in
            contents.shared.keys.compactMap { state.inodes[$0]?.ownFile }
                .map { (path: $0.path, sizeBytes: $0.blocks * 512) }
        }
        try journal.committing.withLock { _ in
            if journal.hasFailed { throw FileSystemError.inputOutput }
            // Where there is no room for it nothing has happened yet.
            let next = try newJournal(on: tree, journal, place)
            do {
                try durability.container.addBase(tree, directories: directories)
            } catch {
                try? HostDirectory.unlink(place.newJournal)  // the first error is the one to report
                throw error
            }
            do {
                try rebase(on: tree, directories, links, contents)
            } catch {
                // The present journal is about what was below before.
                throw journal.fail(
                    Errno(rawValue: EIO), "go on with a view after a commit: \(error)")
            }
            try journal.replace(by: next, snapshot: snapshot)
        }
        try durability.container.settleBase(tree)
        locked { state in
            for file in superseded {
                state.recorder?.discard(file.path, sizeBytes: file.sizeBytes)
            }
        }
        try commit(whole: false)
    }

    private static func hasEnded(_ place: ContainerPlace) -> StoreError {
        StoreError(
            .inputOutput,
            "what the container changes can no longer be written down; it is read-only until it is "
                + "started again", path: place.journal)
    }

    /// All that the journal has to have.
    /// - Parameter last: becomes the number of the last batch that it makes needless.
    private func snapshot(_ last: inout UInt64) -> [UInt8] {
        let (number, bytes) = state.withLock { state in
            state.noteRecorded()
            var snapshot = JournalSnapshot()
            for number in state.recordedNumbers { state.describe(number, in: &snapshot) }
            return (durability?.journal.dropPending() ?? 0, snapshot.finish())
        }
        last = number
        return bytes + JournalSnapshot.end(boot: durability?.journal.boot ?? "")
    }

    /// A journal for a view of this tree, with room for what a snapshot may say.
    private func newJournal(
        on tree: Tree, _ journal: ViewJournal, _ place: ContainerPlace
    ) throws(StoreError) -> JournalFile {
        do throws(Errno) {
            var file = try JournalFile(
                creating: place.newJournal, JournalHeader(boot: journal.boot, base: tree))
            // It says no more than the present one, which says all that was changed.
            try file.reserve(journal.size + JournalFile.reservationBytes)
            return file
        } catch {
            try? HostDirectory.unlink(place.newJournal)  // the first error is the one to report
            throw StoreError(
                .inputOutput, "the container's journal cannot be begun anew",
                path: place.newJournal, cause: error)
        }
    }

    private func awaitChangesUnderWay() {
        while locked({ $0.changesUnderWay }) > 0 { usleep(200) }
    }

    /// What is to be done outside the lock before directories can be encoded.
    struct Survey: Sendable {
        var directories: [DirectoryID] = []
        var files: [InodeNumber] = []
        var isTooDeep = false
    }

    /// Finds the files to collect, and loads the directories that are to be encoded.
    func survey() throws -> Survey {
        while true {
            let survey = locked { $0.survey() }
            if survey.isTooDeep {
                throw FileTreeError(
                    .tooDeep, "a changed directory lies deeper than \(TreePath.maximumDepth) names")
            }
            if survey.directories.isEmpty { return survey }
            var loaded: [DirectoryID: Directory] = [:]
            for id in survey.directories { loaded[id] = try directory(id) }
            locked { $0.pin(loaded) }
        }
    }

    // MARK: - Contents

    private enum OwnContent: Sendable {
        case closed(path: String)
        case beingWritten(HostFile)
        /// Closed, but a mapping may write to it at any moment.
        case mapped(path: String)
    }

    /// Moves the content of own files into the store.
    private func collectContents(
        _ files: [InodeNumber], _ ingest: ObjectIngest, into contents: inout FrozenContents,
        _ meanwhile: ((ContainerDraft) throws -> () -> Void)?
    ) throws {
        for number in files { try completeCopy(of: number) }
        awaitReleases(of: files)
        // First what may be written to: whoever else reads it reads the copy, and so the same bytes.
        for number in files { try copyContent(of: number, ingest, into: &contents) }
        var isStored: (() -> Void)?
        if let meanwhile, let durability {
            isStored = try meanwhile(
                try draft(of: durability.container, copies: contents.copies))
        }
        // None of these is opened for writing before the freeze ends.
        for number in files where contents.copies[number.rawValue] == nil {
            try moveContent(of: number, ingest, into: &contents)
        }
        isStored?()
    }

    private func awaitReleases(of files: [InodeNumber]) {
        var open = files.filter(isOpen)
        var waited: UInt32 = 0
        while !open.isEmpty, waited < Self.releaseGraceMicroseconds {
            usleep(500)
            waited += 500
            open = open.filter(isOpen)
        }
    }

    private func isOpen(_ number: InodeNumber) -> Bool {
        if case .beingWritten = ownContent(of: number) { return true }
        return false
    }

    /// Copies the content of a file that may be written to.
    private func copyContent(
        of number: InodeNumber, _ ingest: ObjectIngest, into contents: inout FrozenContents
    ) throws {
        switch ownContent(of: number) {
        case .beingWritten(let file):
            contents.copies[number.rawValue] = try ingest.copy(file.descriptor)
        case .mapped(let path):
            let file = try HostFile.open(path, .readOnly, identity: 0)
            contents.copies[number.rawValue] = try ingest.copy(file.descriptor)
        case .closed, nil: break
        }
    }

    /// Moves the content of a file that nobody writes to.
    private func moveContent(
        of number: InodeNumber, _ ingest: ObjectIngest, into contents: inout FrozenContents
    ) throws {
        try gate(of: number).withLock { () throws in
            guard case .closed(let path) = ownContent(of: number) else { return }
            if durability != nil {
                contents.shared[number.rawValue] = try ingest.share(path)
            } else {
                let content = try ingest.adopt(path)
                locked { $0.contentMoved(of: number, to: content) }
            }
        }
    }

    private func ownContent(of number: InodeNumber) -> OwnContent? {
        locked { state in
            guard let inode = state.find(number),
                case .regular(.own(let file)) = inode.body
            else { return nil }
            switch state.unsettledFile(of: inode) {
            case .open(let host): return .beingWritten(host)
            case .closed(let path): return .mapped(path: path)
            case nil: return .closed(path: file.path)
            }
        }
    }

    // MARK: - Strays

    /// Gives an inode a name in the table again that it has in the tree: it was known by names
    /// only that are gone, and its group dissolved.
    private func reattach(_ number: InodeNumber, at path: TreePath) throws {
        try perform { (state) throws(Interruption) in
            guard let inode = state.find(number), let last = path.last else { return }
            var parent = state.root
            for name in path.parent.names {
                guard let body = parent.directory,
                    let next = try state.child(LinkName(name), of: parent, body)
                else { return }
                parent = next
            }
            guard let body = parent.directory, body.links[LinkName(last)] == nil,
                let index = try state.lower(of: body)?.index(of: last)
            else { return }
            inode.addPlace(LinkName(last), in: parent)
            body.know(inode, as: LinkName(last), at: index)
        }
    }
}
