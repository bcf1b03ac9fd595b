internal import CLinux
internal import Glibc

/// Makes entries of host directories and sets their attributes, without ever following a symbolic
/// link: relative to the descriptor of the directory.
package enum HostNode {
    package static func makeDirectory(
        _ name: [UInt8], in directory: Int32, permissions: UInt32
    ) throws(Errno) {
        _ = try unsafe withCString(name) { (text) throws(Errno) in
            try retrying { unsafe mkdirat(directory, text, permissions) }
        }
    }

    package static func makeSymbolicLink(
        _ name: [UInt8], in directory: Int32, to target: [UInt8]
    ) throws(Errno) {
        _ = try unsafe withCString(name) { (text) throws(Errno) in
            try unsafe withCString(target) { (target) throws(Errno) in
                try retrying { unsafe symlinkat(target, directory, text) }
            }
        }
    }

    /// A fifo or a device node.
    /// - Parameter mode: type and permission bits.
    package static func makeSpecial(
        _ name: [UInt8], in directory: Int32, mode: UInt32, device: UInt64
    ) throws(Errno) {
        _ = try unsafe withCString(name) { (text) throws(Errno) in
            try retrying { unsafe mknodat(directory, text, mode, dev_t(device)) }
        }
    }

    /// A further name for a file.
    package static func link(
        _ source: [UInt8], in sourceDirectory: Int32, as name: [UInt8], in directory: Int32
    ) throws(Errno) {
        _ = try unsafe withCString(source) { (source) throws(Errno) in
            try unsafe withCString(name) { (text) throws(Errno) in
                try retrying { unsafe linkat(sourceDirectory, source, directory, text, 0) }
            }
        }
    }

    package static func setOwner(
        _ name: [UInt8], in directory: Int32, userID: UInt32, groupID: UInt32
    ) throws(Errno) {
        _ = try unsafe withCString(name) { (text) throws(Errno) in
            try retrying {
                unsafe fchownat(directory, text, userID, groupID, AT_SYMLINK_NOFOLLOW)
            }
        }
    }

    /// For what is no symbolic link.
    package static func setPermissions(
        _ name: [UInt8], in directory: Int32, _ permissions: UInt32
    ) throws(Errno) {
        _ = try unsafe withCString(name) { (text) throws(Errno) in
            try retrying { unsafe fchmodat(directory, text, permissions, 0) }
        }
    }

    /// For what was opened `pathOnly` and is no symbolic link, whatever has its name by now (by
    /// `/proc/self/fd`).
    package static func setPermissions(
        ofPlace descriptor: Int32, _ permissions: UInt32
    ) throws(Errno) {
        try retrying { unsafe chmod("/proc/self/fd/\(descriptor)", permissions) }
    }

    /// Both times.
    package static func setTime(
        _ name: [UInt8], in directory: Int32, _ time: FileTimestamp
    ) throws(Errno) {
        let value = timespec(tv_sec: Int(time.seconds), tv_nsec: Int(time.nanoseconds))
        let times: InlineArray<2, timespec> = [value, value]
        _ = try unsafe withCString(name) { (text) throws(Errno) in
            try retrying {
                unsafe times.span.withUnsafeBufferPointer {
                    unsafe utimensat(directory, text, $0.baseAddress, AT_SYMLINK_NOFOLLOW)
                }
            }
        }
    }

    /// Sets an extended attribute of an open file or directory.
    package static func setAttribute(
        _ name: [UInt8], _ value: [UInt8], on descriptor: Int32
    ) throws(Errno) {
        _ = try unsafe withCString(name) { (text) throws(Errno) in
            try retrying { unsafe fsetxattr(descriptor, text, value, value.count, 0) }
        }
    }
}
