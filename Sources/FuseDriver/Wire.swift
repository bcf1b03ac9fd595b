internal import CFuse
internal import VirtualFS

extension CacheValidity {
    /// Seconds and nanoseconds as the kernel takes them. It caps seconds at 32 bits: 136 years.
    var wire: (seconds: UInt64, nanoseconds: UInt32) {
        switch self {
        case .forever: (UInt64(UInt32.max), 0)
        case .milliseconds(let count): (UInt64(count / 1000), count % 1000 * 1_000_000)
        case .none: (0, 0)
        }
    }
}

extension vitrine_attr {
    init(_ attributes: FileAttributes) {
        self.init(
            ino: attributes.serialNumber, size: attributes.sizeBytes, blocks: attributes.blocks,
            atime: UInt64(bitPattern: attributes.accessTime.seconds),
            mtime: UInt64(bitPattern: attributes.modificationTime.seconds),
            ctime: UInt64(bitPattern: attributes.changeTime.seconds),
            atimensec: attributes.accessTime.nanoseconds,
            mtimensec: attributes.modificationTime.nanoseconds,
            ctimensec: attributes.changeTime.nanoseconds, mode: attributes.mode,
            nlink: attributes.linkCount, uid: attributes.userID, gid: attributes.groupID,
            // The low half of makedev(3) is the kernel's own form (12 bits of major, 20 of minor).
            rdev: UInt32(truncatingIfNeeded: attributes.device), blksize: 4096, flags: 0)
    }
}

extension vitrine_attr_out {
    init(_ reply: AttributesReply) {
        let validity = reply.validity.wire
        self.init(
            attr_valid: validity.seconds, attr_valid_nsec: validity.nanoseconds, padding: 0,
            attr: vitrine_attr(reply.attributes))
    }
}

extension vitrine_entry_out {
    init(_ entry: Entry) {
        let name = entry.entryValidity.wire
        let attributes = entry.attributesValidity.wire
        self.init(
            nodeid: entry.attributes.inode.rawValue, generation: 0, entry_valid: name.seconds,
            attr_valid: attributes.seconds, entry_valid_nsec: name.nanoseconds,
            attr_valid_nsec: attributes.nanoseconds, attr: vitrine_attr(entry.attributes))
    }

    /// There is no such name: node id 0 and how long that holds.
    init(absentFor validity: CacheValidity) {
        self.init()
        let validity = validity.wire
        entry_valid = validity.seconds
        entry_valid_nsec = validity.nanoseconds
    }
}

extension FileSystemError {
    /// The errno the kernel accepts in a reply: it refuses what is not within 1 ... 511.
    var wire: Int32 {
        let number = errno
        return (1..<512).contains(number) ? number : 5
    }
}
