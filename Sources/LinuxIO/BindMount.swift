internal import Glibc

/// A file or directory shown at a second place (mount(2), `MS_BIND`), by descriptors: no path is
/// walked again.
package enum BindMount {
    /// Shows what `source` stands for over `target`; both may be opened `pathOnly`. Mounts below the
    /// source come along.
    /// - Throws: EPERM without CAP_SYS_ADMIN.
    package static func make(_ source: Int32, over target: Int32) throws(Errno) {
        try retrying {
            unsafe mount(
                "/proc/self/fd/\(source)", "/proc/self/fd/\(target)", nil,
                UInt(MS_BIND) | UInt(MS_REC), nil)
        }
    }

    /// - Parameter place: opened after ``make(_:over:)``, and so what is shown there.
    package static func makeReadOnly(_ place: Int32) throws(Errno) {
        let flags = UInt(MS_BIND) | UInt(MS_REMOUNT) | UInt(MS_RDONLY)
        try retrying { unsafe mount(nil, "/proc/self/fd/\(place)", nil, flags, nil) }
    }
}
