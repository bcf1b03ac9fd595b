internal import FileTree
internal import ImageSpec
internal import LinuxIO
internal import Synchronization

/// Remembers the digests of a context's files, so that an unchanged file is not read again.
///
///     file = "VSTAT002" record…             ascending by (device, inode)
///     record = device 8 | inode 8 | ctime s 8, ns 4 | size 8 | hashed at s 8 | digest 32
///                                                                76 bytes, little-endian
///
/// A record counts only if device, inode, change time and size are what they were, and if the file
/// had been left alone for two seconds when it was hashed: a later write within the resolution of
/// the clock would not show ("racily clean", as git has it). The modification time says nothing
/// more: nobody sets it without the change time becoming now. Thread-safe.
final class StatCache: Sendable {
    private static let magic = Array("VSTAT002".utf8)
    private static let recordBytes = 76
    /// Larger files are not read: ten million records.
    private static let maximumBytes = 760_000_008
    /// How old a change must be to be trusted, in seconds.
    private static let settledSeconds: Int64 = 2

    private let path: String?
    /// The records as read.
    private let stored: [UInt8]
    private let fresh = Mutex<[Key: Record]>([:])
    /// Keys of stored records that were of use.
    private let used = Mutex<Set<Key>>([])

    private struct Key: Hashable, Comparable {
        var device: UInt64
        var inode: UInt64
        static func < (a: Key, b: Key) -> Bool { (a.device, a.inode) < (b.device, b.inode) }
    }

    private struct Record {
        var changeTime: FileTimestamp
        var sizeBytes: UInt64
        var hashedAt: Int64
        var digest: Digest
    }

    /// Reads what an earlier build left; a file that cannot be read is as good as none.
    /// - Parameter path: nil keeps nothing.
    init(path: String?) {
        self.path = path
        stored = path.flatMap(Self.read) ?? []
    }

    private static func read(_ path: String) -> [UInt8]? {
        guard let file = try? OwnedDescriptor(opening: path, .readOnly),  // none yet
            let bytes = try? DescriptorIO.readAll(file.rawValue, limit: maximumBytes),
            bytes.starts(with: magic), (bytes.count - magic.count) % recordBytes == 0
        else { return nil }
        // Those that are not used for long are removed. One that cannot be renewed is used as well.
        try? HostDirectory.touch(path)
        return bytes
    }

    /// The content of the file with this status, if it is known.
    func content(of status: FileStatus) -> FileContent? {
        let key = Key(device: status.device, inode: status.inode)
        let record: Record
        if let found = fresh.withLock({ $0[key] }) {
            record = found
        } else if let found = find(key) {
            record = found
        } else {
            return nil
        }
        guard record.changeTime == status.changeTime, record.sizeBytes == status.sizeBytes,
            status.changeTime.seconds < record.hashedAt - Self.settledSeconds
        else { return nil }
        used.withLock { _ = $0.insert(key) }
        return FileContent(digest: record.digest, sizeBytes: record.sizeBytes)
    }

    func insert(_ content: FileContent, for status: FileStatus, hashedAt: FileTimestamp) {
        let record = Record(
            changeTime: status.changeTime, sizeBytes: status.sizeBytes,
            hashedAt: hashedAt.seconds, digest: content.digest)
        fresh.withLock { $0[Key(device: status.device, inode: status.inode)] = record }
    }

    /// Writes what was found out, if anything was; records that were of no use this time stay as
    /// long as there are not more of them than of the others.
    func save() {
        let fresh = fresh.withLock { $0 }
        guard let path, !fresh.isEmpty else { return }
        let used = used.withLock { $0 }
        var records: [(key: Key, record: Record)] = fresh.map { ($0.key, $0.value) }
        let count = storedCount
        let keepsUnused = count - used.count <= fresh.count + used.count
        for index in 0..<count {
            let key = key(at: index)
            guard fresh[key] == nil, keepsUnused || used.contains(key) else { continue }
            records.append((key, record(at: index)))
        }
        records.sort { $0.key < $1.key }
        var bytes = Self.magic
        bytes.reserveCapacity(bytes.count + records.count * Self.recordBytes)
        for (key, record) in records { Self.append(key, record, to: &bytes) }
        // Losing the cache costs time only: nothing waits for the disk.
        let directory = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        try? HostDirectory.makeAll(directory, permissions: 0o700)
        try? HostDirectory.replaceFile(
            path, with: bytes, permissions: 0o600, durability: .deferred)
    }

    // MARK: - Records

    private var storedCount: Int {
        max(0, stored.count - Self.magic.count) / Self.recordBytes
    }

    private func find(_ key: Key) -> Record? {
        var (low, high) = (0, storedCount)
        while low < high {
            let middle = (low + high) / 2
            if self.key(at: middle) < key { low = middle + 1 } else { high = middle }
        }
        return low < storedCount && self.key(at: low) == key ? record(at: low) : nil
    }

    private func word(_ offset: Int) -> UInt64 {
        unsafe stored.withUnsafeBytes {
            unsafe UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        }
    }

    private func half(_ offset: Int) -> UInt32 {
        unsafe stored.withUnsafeBytes {
            unsafe UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        }
    }

    private func offset(_ index: Int) -> Int { Self.magic.count + index * Self.recordBytes }

    private func key(at index: Int) -> Key {
        Key(device: word(offset(index)), inode: word(offset(index) + 8))
    }

    private func record(at index: Int) -> Record {
        let start = offset(index)
        return Record(
            changeTime: FileTimestamp(
                seconds: Int64(bitPattern: word(start + 16)), nanoseconds: half(start + 24)),
            sizeBytes: word(start + 28), hashedAt: Int64(bitPattern: word(start + 36)),
            digest: Digest(bytes: stored[(start + 44)..<(start + 76)]) ?? Digest(of: []))
    }

    private static func append(_ key: Key, _ record: Record, to bytes: inout [UInt8]) {
        func append(_ value: some FixedWidthInteger) {
            var rest = UInt64(truncatingIfNeeded: value)
            for _ in 0..<(value.bitWidth / 8) {
                bytes.append(UInt8(truncatingIfNeeded: rest))
                rest >>= 8
            }
        }
        append(key.device)
        append(key.inode)
        append(record.changeTime.seconds)
        append(record.changeTime.nanoseconds)
        append(record.sizeBytes)
        append(record.hashedAt)
        bytes += record.digest.bytes
    }
}
