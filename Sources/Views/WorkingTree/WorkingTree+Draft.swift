internal import FileTree
internal import ImageSpec
internal import LinuxIO
internal import Store
internal import VirtualFS

/// Writing down what a container changed.
extension WorkingTree {
    /// For those who ask while nobody uses the container: see ``SavedDraft``. Nothing uses the view any
    /// more, and all is committed.
    func saveDraft() {
        guard let durability, !durability.journal.hasFailed,
            SavedDraft.worthwhileCounts.contains(locked { $0.recordedNumbers.count })
        else { return }
        do {
            let container = durability.container
            try SavedDraft.write(
                try draft(of: container), to: container.place, boot: container.bootID)
        } catch {
            // The journal says the same, and what is wrong with it.
        }
    }

    /// The view as a draft. Nobody writes to its own files, other than those of `copies`, before that is
    /// gone.
    /// - Parameter copies: what stands for the contents of some files, by their inodes.
    func draft(
        of container: OpenContainer, copies: [UInt64: FileContent] = [:]
    ) throws -> ContainerDraft {
        let place = container.place
        var own = OwnContents(container.record.id, place)
        for file in try ownFiles() where copies[file.inode.rawValue] == nil {
            let status = try FileStatus(ofPath: file.path, followsLinks: false)
            own.note(file.inode, file.number, partial: file.partial, status, moment: 0)
        }
        let directories = PendingDirectories(base: store)
        let contents = own.contents.merging(copies) { _, copy in copy }
        let snapshot = try perform { (state) throws(Interruption) in
            try FrozenState(state, copies: contents, leavesOutSockets: false)
        }
        return ContainerDraft(
            tree: try snapshot.draft(in: directories), base: locked { $0.base }, store: store,
            directories: directories, own: OwnFileTable(own.files),
            stamp: DraftStamp(place: place, journal: try FileStatus(ofPath: place.journal)),
            found: [:])
    }

    private struct OwnFilePlace: Sendable {
        var inode: InodeNumber
        var path: String
        var number: UInt64
        var partial: JournalOwnFile.Partial?
    }

    private func ownFiles() throws -> [OwnFilePlace] {
        let changed = try survey().files
        return locked { state in
            changed.compactMap { number in
                guard let file = state.find(number)?.ownFile else { return nil }
                return OwnFilePlace(
                    inode: number, path: file.path, number: file.number,
                    partial: file.journalState.partial)
            }
        }
    }
}
