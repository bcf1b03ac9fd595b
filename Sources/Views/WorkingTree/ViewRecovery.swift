internal import FileTree
internal import LinuxIO
internal import Store
internal import VirtualFS

/// Makes the state of a durable view out of its journal and its own files.
struct ViewRecovery: ~Copyable {
    let replay: JournalReplay
    let place: ContainerPlace
    let store: Store
    let objects: ObjectReader
    /// The running one.
    let boot: String
    /// What is known of the blocks of files that are partly their objects'.
    let blocks: BlockTable.Verdict
    /// The numbers of the own files that are in use.
    private(set) var used: Set<UInt64> = []
    private(set) var lastIdentity: UInt64 = 0

    init(
        replay: JournalReplay, place: ContainerPlace, store: Store, objects: consuming ObjectReader,
        boot: String, blocks: BlockTable.Verdict
    ) {
        self.replay = replay
        self.place = place
        self.store = store
        self.objects = objects
        self.boot = boot
        self.blocks = blocks
    }

    /// - Throws: ``JournalError``; Errno.
    mutating func state() throws -> WorkingTreeState {
        var files: [UInt64: WorkingTreeState.FoundFile] = [:]
        for record in replay.inodes.values {
            guard case .own(let own) = record.body else { continue }
            guard used.insert(own.number).inserted else {
                throw JournalError(
                    .damaged, "\(place.journal) is damaged: two inodes have file \(own.number)")
            }
            files[record.number.rawValue] = try find(own, of: record)
        }
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
            throw JournalError(error.code, "\(place.journal) is damaged: \(error.message)")
        }
        return state
    }

    private mutating func find(
        _ own: JournalOwnFile, of record: JournalInode
    ) throws -> WorkingTreeState.FoundFile {
        let path = place.file(own.number)
        let descriptor: OwnedDescriptor
        var status: FileStatus
        do throws(Errno) {
            status = try FileStatus(ofPath: path, followsLinks: false)
            guard status.kind == .regular else { throw .invalidArgument }
            let isShared = status.linkCount > 1 || status.mode & 0o200 == 0
            descriptor = try OwnedDescriptor(opening: path, isShared ? .readOnly : .readWrite)
        } catch {
            throw JournalError(
                .damaged, "\(place.journal) names a file that cannot be used: \(path): \(error)")
        }
        var partial: PartialCopy?
        if let recorded = own.partial {
            partial = try restorePartial(recorded, own.number, descriptor.rawValue, status)
            status.blocks = try FileStatus(of: descriptor.rawValue).blocks
        }
        lastIdentity += 1
        let file = OwnFile(
            path: path, number: own.number,
            identity: lastIdentity,
            sizeBytes: status.sizeBytes, blocks: status.blocks, partial: partial)
        file.isShared = status.linkCount > 1 || status.mode & 0o200 == 0
        file.hostTime = FileTime(status.modificationTime)
        return WorkingTreeState.FoundFile(
            file: file, modificationTime: file.hostTime,
            isNewer: own.isOutdated(by: status, record, isOfThisBoot: replay.boot == boot))
    }

    /// Which blocks of a file were copied up. One that is only partly there, after a power cut, gets
    /// the rest from the object: pages that did not reach the disk are as they were before.
    private func restorePartial(
        _ recorded: JournalOwnFile.Partial, _ number: UInt64, _ file: Int32, _ status: FileStatus
    ) throws -> PartialCopy? {
        let kept = min(recorded.keptBytes, status.sizeBytes)
        guard kept > 0 else { return nil }
        let object = try objects.open(recorded.object)
        if let blocks = try blocks.blocks(of: number, place) {
            try BlockTable.restoreHoles(
                blocks, of: file, keptBytes: kept, object: object.rawValue)
        }
        let partial = PartialCopy(of: recorded.object, keptBytes: kept)
        var position: UInt64 = 0
        while position < kept {
            let data = try DescriptorIO.nextData(file, from: position, sizeBytes: kept)
            if data.isEmpty { break }
            // The blocks at both ends may begin and end with holes.
            let blocks =
                data.lowerBound / PartialCopy.blockBytes
                * PartialCopy.blockBytes..<min(
                    kept,
                    (data.upperBound + PartialCopy.blockBytes - 1)
                        / PartialCopy.blockBytes * PartialCopy.blockBytes)
            try fill(blocks, of: file, from: object.rawValue)
            partial.copied(blocks)
            position = blocks.upperBound
        }
        try DescriptorIO.setModificationTime(file, status.modificationTime)
        return partial
    }

    private func fill(
        _ range: Range<UInt64>, of file: Int32, from object: Int32
    ) throws(Errno) {
        var position = range.lowerBound
        while position < range.upperBound {
            let data = try DescriptorIO.nextData(
                file, from: position, sizeBytes: range.upperBound)
            if position < data.lowerBound {
                try DescriptorIO.copyData(
                    from: object, to: file, in: position..<data.lowerBound)
            }
            position = max(data.upperBound, data.lowerBound)
            if data.isEmpty { break }
        }
    }
}

extension JournalOwnFile {
    /// Whether the host's file was written to after the record was made.
    func isOutdated(
        by status: FileStatus, _ record: JournalInode, isOfThisBoot: Bool
    ) -> Bool {
        let found = FileTime(status.modificationTime)
        let recorded = FileTime(record.attributes.modificationTime)
        if status.sizeBytes != sizeBytes && found >= recorded { return true }
        // Of another boot: the file's times may be behind the journal.
        if !isOfThisBoot && found < hostTime { return false }
        return found != hostTime && found != recorded
    }
}
