internal import CLinux
internal import Glibc

/// Extended attributes of host files, xattr(7).
package enum HostAttributes {
    /// The largest list of names and the largest value that Linux keeps (XATTR_LIST_MAX).
    private static let maximumByteCount = 65_536

    /// The names on an open file.
    package static func names(_ descriptor: Int32) throws(Errno) -> [[UInt8]] {
        if try retrying({ flistxattr(descriptor, nil, 0) }) == 0 { return [] }
        return try unsafe filling(maximumByteCount) {
            unsafe flistxattr(descriptor, $0.assumingMemoryBound(to: CChar.self), $1)
        }.split(separator: 0).map(Array.init)
    }

    /// ``names(_:)`` of what was opened `pathOnly`, by `/proc/self/fd`: the calls on descriptors take
    /// none of those.
    package static func names(ofPlace descriptor: Int32) throws(Errno) -> [[UInt8]] {
        let path = "/proc/self/fd/\(descriptor)"
        if try retrying({ unsafe listxattr(path, nil, 0) }) == 0 { return [] }
        return try unsafe filling(maximumByteCount) {
            unsafe listxattr(path, $0.assumingMemoryBound(to: CChar.self), $1)
        }.split(separator: 0).map(Array.init)
    }

    /// ``value(of:on:)`` of what was opened `pathOnly`.
    /// - Throws: ENODATA if it is not there.
    package static func value(
        of name: [UInt8], onPlace descriptor: Int32
    ) throws(Errno) -> [UInt8] {
        let path = "/proc/self/fd/\(descriptor)"
        return try unsafe withCString(name) { (text) throws(Errno) in
            try unsafe filling(maximumByteCount) { unsafe getxattr(path, text, $0, $1) }
        }
    }

    /// The value of one attribute.
    /// - Throws: ENODATA if it is not there.
    package static func value(of name: [UInt8], on descriptor: Int32) throws(Errno) -> [UInt8] {
        try unsafe withCString(name) { (text) throws(Errno) in
            try unsafe filling(maximumByteCount) {
                unsafe fgetxattr(descriptor, text, $0, $1)
            }
        }
    }
}

/// The bytes that `call` put into a buffer of `capacity` bytes and whose number it returned.
func filling(
    _ capacity: Int, _ call: (UnsafeMutableRawPointer, Int) -> Int
) throws(Errno) -> [UInt8] {
    let buffer = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
    defer { unsafe buffer.deallocate() }
    let count = try retrying { unsafe call(buffer, capacity) }
    return unsafe Array(UnsafeRawBufferPointer(start: buffer, count: count))
}

extension HostAttributes {
    /// Sets an attribute of an open file.
    package static func set(
        _ name: [UInt8], to value: [UInt8], on descriptor: Int32
    ) throws(Errno) {
        let result = try unsafe withCString(name) { (text) throws(Errno) in
            unsafe value.withUnsafeBytes {
                unsafe fsetxattr(descriptor, text, $0.baseAddress, $0.count, 0)
            }
        }
        guard result == 0 else { throw Errno.current }
    }
}
