internal import FileTree
internal import ImageSpec
internal import LinuxIO
internal import Store

/// The draft of a container at rest, as the process that had it last wrote it down in the file `draft`:
/// who asks for its changes need not replay the journal and look at each of its files.
///
///     magic | length | hash | version, boot, journal's status | tree | directories | own contents
///
/// The file is there only while nobody uses the container: whoever opens it removes the file first. It
/// may be missing, and what is wrong with it does not matter: the journal says the same.
enum SavedDraft {
    private static let magic = Array("VITRDRF\n".utf8)
    private static let version: UInt64 = 2

    /// Of how many inodes that changed. Fewer are read from a journal as fast; the end of a container
    /// should not wait for more.
    static let worthwhileCounts = 256...100_000

    // MARK: - Writing

    /// - Throws: Errno; nothing is left behind.
    static func write(
        _ draft: ContainerDraft, to place: ContainerPlace, boot: String
    ) throws(Errno) {
        var payload: [UInt8] = []
        LEB128.append(version, to: &payload)
        JournalEncoding.append(block: Array(boot.utf8), to: &payload)
        append(try FileStatus(ofPath: place.journal), to: &payload)
        for tree in [draft.base, draft.tree] {
            JournalEncoding.append(
                block: TreeEncoding.encode(
                    attributes: tree.attributes, directory: tree.directory), to: &payload)
        }
        let directories = draft.directories.reachable(from: draft.tree)
        LEB128.append(UInt64(directories.count), to: &payload)
        for (_, encoding) in directories {
            JournalEncoding.append(block: encoding, to: &payload)
        }
        draft.own.append(to: &payload)
        guard payload.count <= JournalFormat.maximumBatchBytes else { return }
        var bytes = magic
        JournalFormat.frame(payload[...], number: 0, key: JournalFormat.headerKey, into: &bytes)
        do throws(Errno) {
            let file = try OwnedDescriptor(
                opening: place.newDraft, [.writeOnly, .create, .truncate], permissions: 0o600)
            try DescriptorIO.writeAll(file.rawValue, bytes)
            try HostDirectory.rename(place.newDraft, to: place.draft)
        } catch {
            try? HostDirectory.unlink(place.newDraft)  // the first error is the one to report
            throw error
        }
    }

    private static func append(_ status: FileStatus, to bytes: inout [UInt8]) {
        for word in words(of: status) { LEB128.append(word, to: &bytes) }
    }

    private static func words(of status: FileStatus) -> [UInt64] {
        [
            status.device, status.inode, status.sizeBytes,
            UInt64(bitPattern: status.modificationTime.nanosecondsSinceEpoch),
            UInt64(bitPattern: status.changeTime.nanosecondsSinceEpoch),
        ]
    }

    // MARK: - Reading

    /// - Returns: nil if there is none, or none that is certain to be right.
    static func load(
        _ container: ContainerID, in store: Store, found: [Digest: Digest]
    ) -> ContainerDraft? {
        let place = store.layout.container(container)
        guard let file = try? OwnedDescriptor(opening: place.draft, [.readOnly, .noFollow]),
            let status = try? FileStatus(of: file.rawValue),
            let bytes = try? DescriptorIO.readAll(
                file.rawValue, limit: magic.count + JournalFormat.maximumBatchBytes * 2),
            bytes.starts(with: magic),
            let (payload, _) = JournalFormat.batch(
                in: bytes, at: magic.count, number: 0, key: JournalFormat.headerKey),
            let journal = try? FileStatus(ofPath: place.journal)
        else { return nil }
        var stamp = DraftStamp(place: place, journal: journal)
        stamp.saved = status
        return try? decode(payload, stamp, store, found)
    }

    private static func decode(
        _ payload: ArraySlice<UInt8>, _ stamp: DraftStamp, _ store: Store,
        _ found: [Digest: Digest]
    ) throws -> ContainerDraft? {
        var input = JournalInput(payload)
        guard try input.integer() == version, try input.text() == store.bootID else { return nil }
        for word in words(of: stamp.journal) {
            guard try input.integer() == word else { return nil }
        }
        let base = try TreeEncoding.decodeTree(Array(try input.block()))
        let tree = try TreeEncoding.decodeTree(Array(try input.block()))
        let directories = PendingDirectories(base: store)
        for _ in 0..<(try input.integer()) {
            _ = directories.insert(
                try TreeEncoding.decodeDirectory(Array(try input.block())))
        }
        return ContainerDraft(
            tree: tree, base: base, store: store, directories: directories,
            own: try OwnFileTable(&input, in: stamp.place.files),
            stamp: stamp, found: found)
    }
}
