/// The number of an inode within one mounted file system; 1 is the root.
package struct InodeNumber: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let rawValue: UInt64
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }

    package static let root = InodeNumber(1)
    package static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
    package var description: String { "#\(rawValue)" }
}

/// What the file system gave an open file or directory; opaque to the kernel.
package struct FileHandle: Hashable, Sendable {
    package let rawValue: UInt64
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
}

/// A point in time: seconds since 1970 (negative before) and nanoseconds, 0 ..< 1,000,000,000.
package struct FileTime: Hashable, Comparable, Sendable {
    package var seconds: Int64
    package var nanoseconds: UInt32
    package init(seconds: Int64, nanoseconds: UInt32 = 0) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }
    package static func < (a: Self, b: Self) -> Bool {
        (a.seconds, a.nanoseconds) < (b.seconds, b.nanoseconds)
    }
}

/// What `stat(2)` tells of an inode.
package struct FileAttributes: Hashable, Sendable {
    package var inode: InodeNumber
    /// What programs see as `st_ino`. Usually ``inode``; a view of several trees gives equal files
    /// of different trees the same one.
    package var serialNumber: UInt64
    /// Type and permission bits, `st_mode` of inode(7).
    package var mode: UInt32
    package var linkCount: UInt32
    package var userID: UInt32
    package var groupID: UInt32
    /// `st_rdev` in the kernel's `makedev(3)` form, for device nodes.
    package var device: UInt64
    package var sizeBytes: UInt64
    /// In units of 512 bytes.
    package var blocks: UInt64
    package var accessTime: FileTime
    package var modificationTime: FileTime
    package var changeTime: FileTime

    package init(
        inode: InodeNumber, serialNumber: UInt64? = nil, mode: UInt32, linkCount: UInt32 = 1,
        userID: UInt32 = 0,
        groupID: UInt32 = 0, device: UInt64 = 0, sizeBytes: UInt64 = 0, blocks: UInt64 = 0,
        accessTime: FileTime, modificationTime: FileTime, changeTime: FileTime
    ) {
        self.inode = inode
        self.serialNumber = serialNumber ?? inode.rawValue
        self.mode = mode
        self.linkCount = linkCount
        self.userID = userID
        self.groupID = groupID
        self.device = device
        self.sizeBytes = sizeBytes
        self.blocks = blocks
        self.accessTime = accessTime
        self.modificationTime = modificationTime
        self.changeTime = changeTime
    }

    /// The `S_IFMT` bits of ``mode``, as in ``FileType``.
    package var type: FileType? { FileType(rawValue: mode & 0o170000) }
}

/// The file type bits of `st_mode`, inode(7).
package enum FileType: UInt32, Sendable {
    case fifo = 0o010000
    case characterDevice = 0o020000
    case directory = 0o040000
    case blockDevice = 0o060000
    case regular = 0o100000
    case symbolicLink = 0o120000
    case socket = 0o140000
}

/// How long the kernel may answer from its own memory.
package enum CacheValidity: Hashable, Sendable {
    /// Only this file system changes it, and it tells the kernel.
    case forever
    case milliseconds(UInt32)
    /// Ask every time.
    case none
}

/// An inode under a name: what a successful lookup answers.
package struct Entry: Hashable, Sendable {
    package var attributes: FileAttributes
    package var entryValidity: CacheValidity
    package var attributesValidity: CacheValidity
    package init(
        attributes: FileAttributes, entryValidity: CacheValidity = .forever,
        attributesValidity: CacheValidity = .forever
    ) {
        self.attributes = attributes
        self.entryValidity = entryValidity
        self.attributesValidity = attributesValidity
    }
}

/// The answer to a lookup: the entry, or that there is none and how long that may be believed.
package enum LookupResult: Hashable, Sendable {
    case found(Entry)
    case absent(CacheValidity)
}

/// Attributes and how long the kernel may believe them.
package struct AttributesReply: Hashable, Sendable {
    package var attributes: FileAttributes
    package var validity: CacheValidity
    package init(attributes: FileAttributes, validity: CacheValidity = .forever) {
        self.attributes = attributes
        self.validity = validity
    }
}

/// What `statvfs(3)` tells of the file system.
package struct FileSystemStatistics: Hashable, Sendable {
    package var blockSizeBytes: UInt32
    package var blocks: UInt64
    package var freeBlocks: UInt64
    package var availableBlocks: UInt64
    package var files: UInt64
    package var freeFiles: UInt64
    package var maximumNameBytes: UInt32
    package init(
        blockSizeBytes: UInt32 = 4096, blocks: UInt64 = 0, freeBlocks: UInt64 = 0,
        availableBlocks: UInt64 = 0, files: UInt64 = 0, freeFiles: UInt64 = 0,
        maximumNameBytes: UInt32 = 255
    ) {
        self.blockSizeBytes = blockSizeBytes
        self.blocks = blocks
        self.freeBlocks = freeBlocks
        self.availableBlocks = availableBlocks
        self.files = files
        self.freeFiles = freeFiles
        self.maximumNameBytes = maximumNameBytes
    }
}
