internal import CLinux
internal import Glibc

/// What stat(2) tells of a file of the host.
package struct FileStatus: Hashable, Sendable {
    package var device: UInt64
    package var inode: UInt64
    /// Type and permission bits.
    package var mode: UInt32
    package var linkCount: UInt64
    package var userID: UInt32
    package var groupID: UInt32
    /// `st_rdev`, for device nodes.
    package var specialDevice: UInt64
    package var sizeBytes: UInt64
    /// In units of 512 bytes.
    package var blocks: UInt64
    package var accessTime: FileTimestamp
    package var modificationTime: FileTimestamp
    package var changeTime: FileTimestamp

    private init(_ value: stat) {
        device = UInt64(value.st_dev)
        inode = UInt64(value.st_ino)
        mode = value.st_mode
        linkCount = UInt64(value.st_nlink)
        userID = value.st_uid
        groupID = value.st_gid
        specialDevice = UInt64(value.st_rdev)
        sizeBytes = UInt64(max(0, value.st_size))
        blocks = UInt64(max(0, value.st_blocks))
        accessTime = FileTimestamp(value.st_atim)
        modificationTime = FileTimestamp(value.st_mtim)
        changeTime = FileTimestamp(value.st_ctim)
    }

    package init(of descriptor: Int32) throws(Errno) {
        var value = stat()
        try retrying { unsafe fstat(descriptor, &value) }
        self.init(value)
    }

    /// The status of `name` in a directory; of a symbolic link itself unless `followsLinks`.
    package init(
        of name: [UInt8], in directory: Int32, followsLinks: Bool = false
    ) throws(Errno) {
        var value = stat()
        _ = try unsafe withCString(name) { (text) throws(Errno) in
            try retrying {
                unsafe fstatat(directory, text, &value, followsLinks ? 0 : AT_SYMLINK_NOFOLLOW)
            }
        }
        self.init(value)
    }

    package init(ofPath path: String, followsLinks: Bool = true) throws(Errno) {
        try self.init(of: Array(path.utf8), in: AT_FDCWD, followsLinks: followsLinks)
    }

    package enum Kind: UInt32, Sendable {
        case fifo = 0o010000
        case characterDevice = 0o020000
        case directory = 0o040000
        case blockDevice = 0o060000
        case regular = 0o100000
        case symbolicLink = 0o120000
        case socket = 0o140000
    }

    package var kind: Kind? { Kind(rawValue: mode & 0o170000) }
}

/// Seconds since 1970 and nanoseconds, as the host's file system keeps them.
package struct FileTimestamp: Hashable, Comparable, Sendable {
    package var seconds: Int64
    package var nanoseconds: UInt32
    package init(seconds: Int64, nanoseconds: UInt32 = 0) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }
    init(_ value: timespec) {
        seconds = Int64(value.tv_sec)
        nanoseconds = UInt32(clamping: value.tv_nsec)
    }
    package static func < (a: Self, b: Self) -> Bool {
        (a.seconds, a.nanoseconds) < (b.seconds, b.nanoseconds)
    }

    /// The wall clock now.
    package static func now() -> FileTimestamp { reading(CLOCK_REALTIME) }

    /// The wall clock at its last tick, as file systems stamp changes: a file changed after this
    /// call never has an earlier time. It lags behind ``now()`` by up to 10 ms.
    package static func tick() -> FileTimestamp { reading(CLOCK_REALTIME_COARSE) }

    private static func reading(_ clock: clockid_t) -> FileTimestamp {
        var value = timespec()
        unsafe clock_gettime(clock, &value)
        return FileTimestamp(value)
    }
}

/// Room on the file system that holds a descriptor, statvfs(3).
package struct FileSystemRoom: Hashable, Sendable {
    package var blockSizeBytes: UInt64
    package var blocks: UInt64
    package var freeBlocks: UInt64
    package var availableBlocks: UInt64
    package var files: UInt64
    package var freeFiles: UInt64
    /// Nothing can be changed, by nobody.
    package var isReadOnly: Bool

    package init(of descriptor: Int32) throws(Errno) {
        var value = statvfs()
        try retrying { unsafe fstatvfs(descriptor, &value) }
        blockSizeBytes = UInt64(value.f_frsize)
        blocks = UInt64(value.f_blocks)
        freeBlocks = UInt64(value.f_bfree)
        availableBlocks = UInt64(value.f_bavail)
        files = UInt64(value.f_files)
        freeFiles = UInt64(value.f_ffree)
        isReadOnly = value.f_flag & UInt(ST_RDONLY) != 0
    }
}
