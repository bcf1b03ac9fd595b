internal import FileTree
internal import ImageSpec
internal import LinuxIO
internal import Store

/// Which blocks of a container's large files were copied up, written down for copies of the store
/// (docs/journal.md, "Copied blocks"). Where the files were written their holes tell it; a copy may
/// have filled these, and made others.
///
///     magic | the table's own inode | 1 if complete | files | a hash over all before
///     files: count | number, count of blocks, a byte for each: 1 copied
///
/// The file is written in place, so that its two times are equal: what copies it, or gives it another
/// owner, leaves it with another inode or another change time.
struct BlockTable {
    private static let magic = Array("VITRBLK\n".utf8)

    /// By number, of the files that are partly their objects'.
    private let files: [UInt64: [Bool]]

    /// What a table says of the files beside it.
    enum Verdict {
        /// They are where they were written: holes tell.
        case original
        case copied(BlockTable)
        /// They were copied while a process had them, or after it was killed: nothing tells.
        case unknown

        /// Which blocks of a file are its own, by its number; nil where its holes tell.
        /// - Throws: ``JournalError`` where nobody can tell.
        func blocks(of file: UInt64, _ place: ContainerPlace) throws(JournalError) -> [Bool]? {
            switch self {
            case .original: return nil
            case .copied(let table):
                guard let blocks = table.files[file] else { throw BlockTable.lost(place) }
                return blocks
            case .unknown: throw BlockTable.lost(place)
            }
        }
    }

    // MARK: - Reading

    static func verdict(at place: ContainerPlace) throws(Errno) -> Verdict {
        let (status, bytes): (FileStatus, [UInt8])
        do throws(Errno) {
            let file = try OwnedDescriptor(opening: place.blocks, [.readOnly, .noFollow])
            status = try FileStatus(of: file.rawValue)
            bytes = try DescriptorIO.readAll(file.rawValue, limit: 1 << 30)
        } catch .notFound {
            return .original
        }
        // One that a power cut took is of files that are where they were.
        guard var input = content(of: bytes), let inode = try? input.integer(),
            let isComplete = try? input.integer()
        else { return .original }
        if inode == status.inode, status.changeTime == status.modificationTime { return .original }
        guard isComplete == 1, let table = BlockTable(&input) else { return .unknown }
        return .copied(table)
    }

    /// What stands between the magic and the hash, if they are right.
    private static func content(of bytes: [UInt8]) -> JournalInput? {
        let end = bytes.count - Digest.byteCount
        guard end >= magic.count, bytes.starts(with: magic),
            Digest(of: Array(bytes[..<end])) == Digest(bytes: bytes[end...])
        else { return nil }
        return JournalInput(bytes[magic.count..<end])
    }

    private init?(_ input: inout JournalInput) {
        var files: [UInt64: [Bool]] = [:]
        do {
            for _ in 0..<(try input.integer()) {
                let number = try input.integer()
                files[number] = try input.block().map { $0 == 1 }
            }
        } catch {
            return nil
        }
        self.files = files
    }

    private static func lost(_ place: ContainerPlace) -> JournalError {
        JournalError(
            .damaged,
            "\(place.files) was copied from elsewhere while the container was in use, or after the "
                + "process that had it was killed: which parts of its large files are the image's "
                + "cannot be told any more; start it once where it was, and copy it again")
    }

    /// The next range within `range` whose blocks are all copied; empty at its end.
    static func next(_ blocks: [Bool], in range: Range<UInt64>) -> Range<UInt64> {
        let size = PartialCopy.blockBytes
        var first = Int(range.lowerBound / size)
        while first < blocks.count, !blocks[first] { first += 1 }
        var last = first
        while last < blocks.count, blocks[last] { last += 1 }
        let start = min(max(UInt64(first) * size, range.lowerBound), range.upperBound)
        if first >= blocks.count { return range.upperBound..<range.upperBound }
        return start..<max(start, min(UInt64(last) * size, range.upperBound))
    }

    /// Makes the holes of a file that was copied say again what they said.
    static func restoreHoles(
        _ blocks: [Bool], of file: Int32, keptBytes: UInt64, object: Int32
    ) throws(Errno) {
        for (index, isCopied) in blocks.enumerated() {
            let start = UInt64(index) * PartialCopy.blockBytes
            guard start < keptBytes else { break }
            let block = start..<min(start + PartialCopy.blockBytes, keptBytes)
            if isCopied {
                try fillHoles(of: file, in: block)
                continue
            }
            do throws(Errno) {
                // FALLOC_FL_PUNCH_HOLE and FALLOC_FL_KEEP_SIZE, of the last page, too: nobody wrote
                // behind the object's end in this block, or it would have been copied.
                try DescriptorIO.allocate(
                    file, mode: 3, offset: start, length: PartialCopy.blockBytes)
            } catch {
                // Where there are no holes the file has the bytes itself.
                guard [.unsupported, .notImplemented].contains(error) else { throw error }
                try DescriptorIO.copyData(from: object, to: file, in: block)
            }
        }
        try DescriptorIO.synchronize(file)
    }

    private static func fillHoles(
        of file: Int32, in block: Range<UInt64>
    ) throws(Errno) {
        var position = block.lowerBound
        while position < block.upperBound {
            let data = try DescriptorIO.nextData(
                file, from: position, sizeBytes: block.upperBound)
            if position < data.lowerBound {
                let zeros = [UInt8](repeating: 0, count: Int(data.lowerBound - position))
                try DescriptorIO.writeAll(file, zeros, at: position)
            }
            position = max(data.upperBound, data.lowerBound)
        }
    }

    // MARK: - Writing

    /// That there are such files, which a process works with.
    static func begin(at place: ContainerPlace) throws(Errno) {
        try write([:], isComplete: false, at: place, isDurable: false)
    }

    /// As ``begin(at:)``, on the disk before anything is written to the files.
    static func reopen(at place: ContainerPlace) throws(Errno) {
        try write([:], isComplete: false, at: place, isDurable: true)
    }

    /// What a process leaves that ends.
    static func complete(_ files: [UInt64: [Bool]], at place: ContainerPlace) throws(Errno) {
        try write(files, isComplete: true, at: place, isDurable: true)
    }

    /// There are no such files.
    static func remove(at place: ContainerPlace) throws(Errno) {
        do throws(Errno) {
            try HostDirectory.unlink(place.blocks)
        } catch .notFound {
            return
        }
        try HostDirectory.synchronize(place.directory)
    }

    private static func write(
        _ files: [UInt64: [Bool]], isComplete: Bool, at place: ContainerPlace, isDurable: Bool
    ) throws(Errno) {
        let file = try OwnedDescriptor(
            opening: place.blocks, [.writeOnly, .create, .truncate], permissions: 0o600)
        var bytes = magic
        LEB128.append(try FileStatus(of: file.rawValue).inode, to: &bytes)
        LEB128.append(isComplete ? 1 : 0, to: &bytes)
        LEB128.append(UInt64(files.count), to: &bytes)
        for (number, blocks) in files.sorted(by: { $0.key < $1.key }) {
            LEB128.append(number, to: &bytes)
            JournalEncoding.append(block: blocks.map { $0 ? 1 : 0 }, to: &bytes)
        }
        unsafe Digest(of: bytes).withBytes { unsafe bytes.append(contentsOf: $0) }
        try DescriptorIO.writeAll(file.rawValue, bytes)
        if isDurable { try DescriptorIO.synchronize(file.rawValue) }
    }
}
