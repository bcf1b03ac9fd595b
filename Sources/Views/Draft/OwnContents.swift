internal import FileTree
internal import ImageSpec
internal import LinuxIO
internal import Store
internal import VirtualFS

/// The own files of a container, by the stand-ins that a draft names them with.
struct OwnContents {
    /// Their directory.
    private let directory: String
    /// See ``StandIn``.
    private let key: KeyedHash.Key
    private(set) var files: [Digest: OwnContent] = [:]
    /// Of inodes with own files.
    private(set) var contents: [UInt64: FileContent] = [:]

    init(_ container: ContainerID, _ place: ContainerPlace) {
        directory = place.files
        // An ID is hex digits.
        let digits = container.text
        key = KeyedHash.Key(
            first: UInt64(digits.prefix(16), radix: 16) ?? 0,
            second: UInt64(digits.suffix(16), radix: 16) ?? 0)
    }

    mutating func reserveCapacity(_ count: Int) {
        files.reserveCapacity(count)
        contents.reserveCapacity(count)
    }

    /// - Parameters:
    ///   - number: of the own file.
    ///   - blocks: see ``OwnContent/blocks``.
    ///   - moment: of a file that was changed just now, which makes its stand-in unlike all others;
    ///     else 0.
    mutating func note(
        _ inode: InodeNumber, _ number: UInt64, partial: JournalOwnFile.Partial?,
        blocks: [Bool]? = nil, _ status: FileStatus, moment: Int64
    ) {
        guard status.sizeBytes > 0 else {
            contents[inode.rawValue] = .empty
            return
        }
        var partial = partial
        if var kept = partial {
            kept.keptBytes = min(kept.keptBytes, status.sizeBytes)
            partial = kept.keptBytes > 0 ? kept : nil
        }
        let standIn = StandIn.digest(
            key,
            [
                number, status.device, status.inode, status.sizeBytes,
                UInt64(bitPattern: status.modificationTime.nanosecondsSinceEpoch),
                UInt64(bitPattern: status.changeTime.nanosecondsSinceEpoch),
                UInt64(bitPattern: moment),
            ])
        contents[inode.rawValue] = FileContent(digest: standIn, sizeBytes: status.sizeBytes)
        files[standIn] = OwnContent(
            files: directory, number: number, device: status.device, inode: status.inode,
            sizeBytes: status.sizeBytes, partial: partial, blocks: blocks)
    }
}
