package import FileTree
internal import LinuxIO
package import Store
internal import Synchronization
package import VirtualFS

/// Durable views: making one, and opening one again.
extension WorkingTree {
    /// Puts into a new container's directory what its view begins with.
    package static func prepare(
        _ place: ContainerPlace, base: Tree, bootID: String
    ) throws(JournalError) {
        do throws(Errno) {
            var file = try JournalFile(
                creating: place.journal, JournalHeader(boot: bootID, base: base))
            try file.write(JournalSnapshot.end(boot: bootID))
            try DescriptorIO.synchronize(file.descriptor.rawValue)
        } catch {
            throw JournalError(.inputOutput, "could not write \(place.journal): \(error)")
        }
    }

    /// What a container's journal says, without its files.
    /// - Throws: ``JournalError`` with the file's path in it.
    package static func replay(
        _ place: ContainerPlace, bootID: String
    ) throws(JournalError) -> JournalReplay {
        let bytes: [UInt8]
        do throws(Errno) {
            let file = try OwnedDescriptor(opening: place.journal, .readOnly)
            bytes = try DescriptorIO.readAll(file.rawValue, limit: maximumJournalBytes)
        } catch {
            throw JournalError(.inputOutput, "could not read \(place.journal): \(error)")
        }
        do throws(JournalError) {
            return try JournalReplay(bytes, boot: bootID)
        } catch {
            throw JournalError(error.code, "\(place.journal) is damaged: \(error.message)")
        }
    }

    /// A journal is written anew when it is twice its state; the state of a hundred million files
    /// would fit.
    private static let maximumJournalBytes = 1 << 34

    /// Opens the view of a container, as the process that had it last left it, however it ended.
    /// - Throws: ``JournalError``; ``StoreError``; Errno if the files cannot be opened.
    package convenience init(
        container: OpenContainer, store: Store, lease: Lease,
        clock: (@Sendable () -> FileTime)? = nil
    ) throws {
        let place = container.place
        let replay = try Self.replay(place, bootID: container.bootID)
        if let remark = replay.remark { ViewLog.note("\(place.journal): \(remark)") }
        try Self.removeDraft(place)
        // One that was begun and never took the journal's place.
        try? HostDirectory.unlink(place.newJournal)
        guard try store.trees(of: container.record.id).contains(replay.header.base) else {
            throw JournalError(
                .damaged, "\(place.journal) is damaged: the container has no such lower tree")
        }
        let journal = ViewJournal(
            try JournalFile(continuing: place.journal, replay), place: place,
            boot: container.bootID)
        let names = try HostDirectory.names(ofPath: place.files)
            .compactMap { UInt64(String(decoding: $0, as: UTF8.self)) }
        let durability = ViewDurability(
            container: container, journal: journal, tellsHoles: try Self.tellsHoles(place),
            nextFile: (names.max() ?? 0) + 1)
        var recovery = ViewRecovery(
            replay: replay, place: place, store: store, objects: try ObjectReader(store.layout),
            boot: container.bootID, blocks: try BlockTable.verdict(at: place))
        let state = try recovery.state()
        let isPartial = state.inodes.values.contains { $0.ownFile?.partial != nil }
        if isPartial {
            try BlockTable.reopen(at: place)
            durability.noteBlocks()
        } else {
            try BlockTable.remove(at: place)
        }
        let recorder = JournalRecorder(journal)
        for number in names where !recovery.used.contains(number) {
            recorder.discard(place.file(number), sizeBytes: 0)
        }
        // Of what another process wrote it is not known how much is on the disk.
        let isUncertain = replay.hasTail || replay.boot != container.bootID
        recorder.isUncertain = isUncertain
        state.recorder = recorder
        try self.init(
            state: state, directories: store, store: store, lease: lease, clock: clock,
            durability: durability)
        nextIdentity.store(recovery.lastIdentity, ordering: .relaxed)
        if isUncertain {
            // Marks the batches that follow as this boot's.
            journal.append { _, bytes in
                JournalEncoding.append(
                    .commit(back: replay.hasTail ? .max : 1, boot: journal.boot), to: &bytes)
            }
            try journal.write(upTo: journal.appended)
        }
        // Sees that there will be a commit.
        locked { _ in }
        try container.settleBase(replay.header.base)
    }

    /// What was written down of the changes so far is not true any more from here on.
    private static func removeDraft(_ place: ContainerPlace) throws(Errno) {
        for path in [place.draft, place.newDraft] {
            do throws(Errno) {
                try HostDirectory.unlink(path)
            } catch  where error == .notFound {
                // Most containers have none.
            }
        }
    }

    /// Whether a block that is written to leaves its neighbours holes: not so where a file system has
    /// larger pages, or knows no holes.
    private static func tellsHoles(_ place: ContainerPlace) throws(Errno) -> Bool {
        let probe = place.files + "/probe"
        let file = try OwnedDescriptor(opening: probe, [.readWrite, .create], permissions: 0o600)
        defer { try? HostDirectory.unlink(probe) }  // as good as gone: no record names it
        let size = 32 * PartialCopy.blockBytes
        let block = 17 * PartialCopy.blockBytes..<18 * PartialCopy.blockBytes
        try DescriptorIO.truncate(file.rawValue, to: size)
        do throws(Errno) {
            try DescriptorIO.writeAll(file.rawValue, [1], at: block.lowerBound)
        } catch .noSpace {
            return false  // nothing will be copied up either
        }
        let data = try DescriptorIO.nextData(file.rawValue, from: 0, sizeBytes: size)
        guard !data.isEmpty, block.lowerBound <= data.lowerBound,
            data.upperBound <= block.upperBound
        else { return false }
        return try DescriptorIO.nextData(file.rawValue, from: data.upperBound, sizeBytes: size)
            .isEmpty
    }
}
