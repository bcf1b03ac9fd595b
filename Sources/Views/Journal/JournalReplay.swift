internal import FileTree
internal import VirtualFS

/// What a journal says: the last state of each inode and of each name.
package struct JournalReplay: Sendable {
    package private(set) var header: JournalHeader
    package private(set) var inodes: [UInt64: JournalInode] = [:]
    /// By directory; nil for a name that is gone.
    private(set) var links: [UInt64: [LinkName: InodeNumber?]] = [:]
    /// Where the next batch goes.
    package private(set) var end: Int
    private(set) var nextBatch: UInt64 = 0
    /// Batches from here on are not known to be durable.
    private(set) var durableBatches: UInt64 = 0
    /// Of the last batches.
    package private(set) var boot: String
    /// What of the file was left out, for the log; nil if nothing was.
    package private(set) var remark: String?

    /// Replays the longest valid prefix of a journal; of one that was written in another boot, what
    /// was durable.
    /// - Throws: ``JournalError``.
    package init(_ bytes: [UInt8], boot running: String) throws(JournalError) {
        let (header, start) = try JournalFormat.header(of: bytes)
        self.header = header
        boot = header.boot
        end = start
        let batches = try Self.batches(bytes, from: start, header)
        guard batches.durable > 0 else {
            throw JournalError(.damaged, "it ends before the state that it begins with")
        }
        boot = batches.boot
        let whole = batches.boot == running
        let count = whole ? batches.payloads.count : batches.durable
        durableBatches = UInt64(batches.durable)
        nextBatch = UInt64(count)
        for payload in batches.payloads[..<count] {
            try JournalEncoding.decode(payload) { (record) throws(JournalError) in apply(record) }
            end = payload.endIndex
        }
        let rest = bytes[end...].lastIndex { $0 != 0 }.map { $0 + 1 - end } ?? 0
        if rest > 0 {
            remark =
                whole
                ? "the journal's last \(rest) bytes are no whole batch and were left out"
                : "\(batches.payloads.count - count) batches after the last commit were left out"
        }
    }

    private struct Batches {
        var payloads: [ArraySlice<UInt8>] = []
        /// The first ones, which are known to be durable.
        var durable = 0
        var boot: String
    }

    private static func batches(
        _ bytes: [UInt8], from start: Int, _ header: JournalHeader
    ) throws(JournalError) -> Batches {
        var result = Batches(boot: header.boot)
        var snapshotEnd = 0
        var position = start
        while let (payload, next) = JournalFormat.batch(
            in: bytes, at: position, number: UInt64(result.payloads.count), key: header.salt)
        {
            result.payloads.append(payload)
            position = next
            let count = result.payloads.count
            guard let kind = payload.first.flatMap(JournalEncoding.Kind.init(rawValue:)),
                kind == .commit || kind == .snapshotEnd
            else { continue }
            var input = JournalInput(payload)
            switch try input.record() {
            case .snapshotEnd(let boot):
                snapshotEnd = count
                result.durable = count
                result.boot = boot
            case .commit(let back, let boot) where snapshotEnd > 0:
                // One that reaches into the snapshot covers all of it.
                let covered = back <= 1 ? count : count - Int(clamping: min(back, UInt64(count)))
                result.durable = max(result.durable, snapshotEnd, covered)
                result.boot = boot
            default: break
            }
        }
        if snapshotEnd == 0 { result.durable = 0 }
        return result
    }

    private mutating func apply(_ record: JournalRecord) {
        switch record {
        case .inode(let inode): inodes[inode.number.rawValue] = inode
        case .link(let directory, let name, let inode):
            links[directory.rawValue, default: [:]][LinkName(name)] = .some(inode)
        case .whiteout(let directory, let name):
            links[directory.rawValue, default: [:]].updateValue(nil, forKey: LinkName(name))
        case .gone(let inode):
            inodes[inode.rawValue] = nil
            links[inode.rawValue] = nil
        case .commit, .snapshotEnd: break
        }
    }
}

extension JournalReplay {
    var salt: KeyedHash.Key { header.salt }
    /// Whether some of it is not known to be durable.
    var hasTail: Bool { nextBatch > durableBatches }
}
