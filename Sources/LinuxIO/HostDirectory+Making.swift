internal import CLinux
internal import Glibc

/// Making names in a directory that is open, one step at a time: no path is walked and no symbolic
/// link followed.
extension HostDirectory {
    package static func make(
        _ name: [UInt8], in directory: Int32, permissions: UInt32
    ) throws(Errno) {
        try unsafe withName(name) { unsafe mkdirat(directory, $0, permissions) }
    }

    package static func removeEmpty(_ name: [UInt8], in directory: Int32) throws(Errno) {
        try unsafe withName(name) { unsafe unlinkat(directory, $0, AT_REMOVEDIR) }
    }

    package static func makeSymbolicLink(
        _ name: [UInt8], in directory: Int32, to target: [UInt8]
    ) throws(Errno) {
        try unsafe withCString(target) { (target) throws(Errno) in
            try unsafe withName(name) { unsafe symlinkat(target, directory, $0) }
        }
    }

    /// A further name for the file that is called `existing` in `source`.
    package static func link(
        _ existing: [UInt8], in source: Int32, as name: [UInt8], in directory: Int32
    ) throws(Errno) {
        try unsafe withCString(existing) { (existing) throws(Errno) in
            try unsafe withName(name) { unsafe linkat(source, existing, directory, $0, 0) }
        }
    }

    /// Gives a file that was opened `unnamed` its name (linkat(2), by `/proc/self/fd`).
    /// - Throws: EEXIST.
    package static func link(
        _ descriptor: Int32, as name: [UInt8], in directory: Int32
    ) throws(Errno) {
        try unsafe withName(name) {
            unsafe linkat(
                AT_FDCWD, "/proc/self/fd/\(descriptor)", directory, $0, AT_SYMLINK_FOLLOW)
        }
    }

    /// A device, FIFO or socket.
    /// - Parameter mode: type and permissions (inode(7)).
    package static func makeNode(
        _ name: [UInt8], in directory: Int32, mode: UInt32, device: UInt64
    ) throws(Errno) {
        try unsafe withName(name) { unsafe mknodat(directory, $0, mode, UInt(device)) }
    }

    package static func rename(
        _ name: [UInt8], in directory: Int32, to target: [UInt8]
    ) throws(Errno) {
        try rename(name, in: directory, to: target, in: directory)
    }

    package static func rename(
        _ name: [UInt8], in directory: Int32, to target: [UInt8], in targetDirectory: Int32
    ) throws(Errno) {
        try unsafe withCString(target) { (target) throws(Errno) in
            try unsafe withName(name) { unsafe renameat(directory, $0, targetDirectory, target) }
        }
    }

    /// Of the name itself, a symbolic link too.
    package static func setOwner(
        _ name: [UInt8], in directory: Int32, userID: UInt32, groupID: UInt32
    ) throws(Errno) {
        try unsafe withName(name) {
            unsafe fchownat(directory, $0, userID, groupID, AT_SYMLINK_NOFOLLOW)
        }
    }

    /// Both times of the name itself.
    package static func setTimes(
        _ name: [UInt8], in directory: Int32, _ time: FileTimestamp
    ) throws(Errno) {
        let value = timespec(tv_sec: Int(time.seconds), tv_nsec: Int(time.nanoseconds))
        let times: InlineArray<2, timespec> = [value, value]
        try unsafe withName(name) { text in
            unsafe times.span.withUnsafeBufferPointer {
                unsafe utimensat(directory, text, $0.baseAddress, AT_SYMLINK_NOFOLLOW)
            }
        }
    }

    /// Of what is no symbolic link: the caller made it.
    package static func setPermissions(
        _ name: [UInt8], in directory: Int32, _ permissions: UInt32
    ) throws(Errno) {
        try unsafe withName(name) { unsafe fchmodat(directory, $0, permissions, 0) }
    }

    private static func withName(
        _ name: [UInt8], _ call: (UnsafePointer<CChar>) -> Int32
    ) throws(Errno) {
        _ = try unsafe withCString(name) { (text) throws(Errno) in
            try retrying { unsafe call(text) }
        }
    }
}

extension DescriptorIO {
    package static func setOwner(
        _ descriptor: Int32, userID: UInt32, groupID: UInt32
    ) throws(Errno) {
        try retrying { fchown(descriptor, userID, groupID) }
    }
}
