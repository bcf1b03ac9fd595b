internal import Glibc

/// Directories in memory (tmpfs(5)), for what is never to reach a disk.
package enum MemoryMount {
    /// Mounts an empty one over a directory. Unless other permissions are given, nobody but the
    /// caller's user may enter it.
    /// - Parameter sizeBytes: how much it may hold; nil leaves that to the kernel.
    /// - Throws: EPERM without CAP_SYS_ADMIN.
    package static func make(
        at path: String, permissions: UInt16 = 0o700, sizeBytes: Int64? = nil,
        allowsExecution: Bool = true
    ) throws(Errno) {
        var flags = UInt(MS_NOSUID) | UInt(MS_NODEV)
        if !allowsExecution { flags |= UInt(MS_NOEXEC) }
        var options = "mode=\(String(permissions, radix: 8))"
        if let sizeBytes { options += ",size=\(sizeBytes)" }
        try retrying { unsafe mount("tmpfs", path, "tmpfs", flags, options) }
    }

    /// Takes it away, with what it holds as soon as nobody uses it.
    package static func remove(_ path: String) throws(Errno) {
        try retrying { unsafe umount2(path, Int32(MNT_DETACH) | Int32(UMOUNT_NOFOLLOW)) }
    }
}
