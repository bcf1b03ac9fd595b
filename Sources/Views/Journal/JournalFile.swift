internal import LinuxIO

/// A journal that is open for writing.
struct JournalFile: ~Copyable, Sendable {
    let descriptor: OwnedDescriptor
    private let salt: KeyedHash.Key
    /// Where the next batch goes.
    private(set) var end: UInt64
    private(set) var nextBatch: UInt64
    /// Room up to here was promised by the file system.
    private(set) var reservedEnd: UInt64
    /// Kept for its memory.
    private var framed: [UInt8] = []

    /// How much room is asked for at once.
    static let reservationBytes: UInt64 = 1 << 20

    /// A new one, whose end is after its header.
    init(creating path: String, _ header: JournalHeader) throws(Errno) {
        let file = try OwnedDescriptor(
            opening: path, [.readWrite, .create, .truncate], permissions: 0o600)
        let bytes = JournalFormat.encode(header)
        try DescriptorIO.writeAll(file.rawValue, bytes)
        descriptor = file
        salt = header.salt
        end = UInt64(bytes.count)
        nextBatch = 0
        reservedEnd = end
    }

    /// One that was replayed; what is behind its valid part is cut off.
    init(continuing path: String, _ replay: JournalReplay) throws(Errno) {
        let file = try OwnedDescriptor(opening: path, .readWrite)
        try DescriptorIO.truncate(file.rawValue, to: UInt64(replay.end))
        descriptor = file
        salt = replay.salt
        end = UInt64(replay.end)
        nextBatch = replay.nextBatch
        reservedEnd = end
    }

    /// Writes batches, each with its length before it (four bytes, little-endian).
    mutating func write(_ batches: [UInt8]) throws(Errno) {
        framed.removeAll(keepingCapacity: true)
        var position = 0
        while position < batches.count {
            var length = 0
            for byte in 0..<4 { length |= Int(batches[position + byte]) << (8 * byte) }
            let payload = batches[(position + 4)..<(position + 4 + length)]
            JournalFormat.frame(payload, number: nextBatch, key: salt, into: &framed)
            nextBatch += 1
            position += 4 + length
        }
        try DescriptorIO.writeAll(descriptor.rawValue, framed, at: end)
        end += UInt64(framed.count)
    }

    /// Has the file system promise room for more (fallocate(2)).
    /// - Throws: ENOSPC.
    mutating func reserve(_ bytes: UInt64 = reservationBytes) throws(Errno) {
        /// FALLOC_FL_KEEP_SIZE.
        let keepsSize: Int32 = 1
        let start = max(end, reservedEnd)
        do throws(Errno) {
            try DescriptorIO.allocate(
                descriptor.rawValue, mode: keepsSize, offset: start,
                length: bytes)
        } catch  where error == .unsupported || error == .notImplemented {
            // A file system that promises nothing: writes may fail.
        }
        reservedEnd = start + bytes
    }
}
