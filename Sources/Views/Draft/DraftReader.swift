internal import FileTree
internal import ImageSpec
internal import LinuxIO
internal import Store
internal import VirtualFS

/// Reads a container's journal and looks at its own files, of which it opens and changes none.
struct DraftReader {
    private let store: Store
    private let place: ContainerPlace
    private var own: OwnContents

    init(_ container: ContainerID, store: Store) {
        self.store = store
        place = store.layout.container(container)
        own = OwnContents(container, place)
    }

    /// - Parameter journal: how the journal's file looked before this.
    mutating func read(
        journal: FileStatus?, found: [Digest: Digest]
    ) throws -> ContainerDraft {
        let replay = try WorkingTree.replay(place, bootID: store.bootID)
        guard let journal else { throw damaged("it vanished while it was read") }
        var stamp = DraftStamp(place: place, journal: journal)
        let files = try look(replay, &stamp)
        let state = WorkingTreeState(base: replay.header.base)
        do throws(JournalError) {
            try state.restore(replay, files: files) { [store] (id) throws(JournalError) in
                do throws(FileTreeError) {
                    return try store.directory(id)
                } catch {
                    throw JournalError(.damaged, "a directory of its lower tree: \(error)")
                }
            }
        } catch {
            throw damaged(error.message)
        }
        let directories = PendingDirectories(base: store)
        let tree = try encode(state, in: directories)
        return ContainerDraft(
            tree: tree, base: replay.header.base, store: store, directories: directories,
            own: OwnFileTable(own.files), stamp: stamp, found: found)
    }

    private func damaged(_ what: String) -> JournalError {
        JournalError(.damaged, "\(place.journal) is damaged: \(what)")
    }

    // MARK: - Own files

    private mutating func look(
        _ replay: JournalReplay, _ stamp: inout DraftStamp
    ) throws -> [UInt64: WorkingTreeState.FoundFile] {
        var files: [UInt64: WorkingTreeState.FoundFile] = [:]
        // Most of what a journal tells of are files.
        files.reserveCapacity(replay.inodes.count)
        own.reserveCapacity(replay.inodes.count)
        stamp.files.reserveCapacity(replay.inodes.count)
        let directory = try OwnedDescriptor(opening: place.files, [.readOnly, .directory])
        let now = Store.now()
        let verdict = try BlockTable.verdict(at: place)
        for record in replay.inodes.values {
            guard case .own(let file) = record.body else { continue }
            let name = Array(String(file.number).utf8)
            let status: FileStatus
            do throws(Errno) {
                status = try FileStatus(of: name, in: directory.rawValue)
                guard status.kind == .regular else { throw .invalidArgument }
            } catch {
                throw JournalError(
                    .damaged,
                    "\(place.journal) names a file that cannot be used: "
                        + "\(place.file(file.number)): \(error)")
            }
            stamp.files.append((name, status))
            let age = now - status.changeTime.nanosecondsSinceEpoch
            let isUnsettled =
                age < DraftStamp.settlingNanoseconds(after: status.changeTime)
            if isUnsettled { stamp.isUnsettled = true }
            let blocks = file.partial == nil ? nil : try verdict.blocks(of: file.number, place)
            own.note(
                record.number, file.number, partial: file.partial, blocks: blocks, status,
                moment: isUnsettled ? now : 0)
            let time = FileTime(status.modificationTime)
            // Nothing opens it by this path.
            files[record.number.rawValue] = WorkingTreeState.FoundFile(
                file: OwnFile(
                    path: place.files, number: file.number, identity: 0,
                    sizeBytes: status.sizeBytes, blocks: status.blocks, partial: nil),
                modificationTime: time,
                isNewer: file.isOutdated(
                    by: status, record, isOfThisBoot: replay.boot == store.bootID))
        }
        return files
    }

    // MARK: - Encoding

    /// As a freeze does it, but that contents are not moved.
    private func encode(
        _ state: WorkingTreeState, in directories: PendingDirectories
    ) throws -> Tree {
        while true {
            let survey = state.survey()
            if survey.isTooDeep {
                throw FileTreeError(
                    .tooDeep, "a changed directory lies deeper than \(TreePath.maximumDepth) names")
            }
            if survey.directories.isEmpty { break }
            var loaded: [DirectoryID: Directory] = [:]
            for id in survey.directories { loaded[id] = try store.directory(id) }
            state.pin(loaded)
        }
        let snapshot: FrozenState
        do throws(Interruption) {
            snapshot = try FrozenState(state, copies: own.contents, leavesOutSockets: false)
        } catch {
            throw damaged("a directory of its lower tree is missing")
        }
        return try snapshot.draft(in: directories)
    }
}

extension FrozenState {
    /// The tree, when nothing goes on with it.
    func draft(in directories: PendingDirectories) throws(FileTreeError) -> Tree {
        let tree = try encode(in: directories)
        guard touchedHardLinks else { return tree }
        return try FrozenLinks(tree, changed: changedGroups, in: directories).apply(to: tree)
    }
}
