internal import Glibc

/// Directories in memory (tmpfs(5)), for what is never to reach a disk.
package enum MemoryMount {
    /// Mounts an empty one over a directory. Nobody but the caller's user may enter it.
    /// - Throws: EPERM without CAP_SYS_ADMIN.
    package static func make(at path: String) throws(Errno) {
        let flags = UInt(MS_NOSUID) | UInt(MS_NODEV)
        try retrying { unsafe mount("tmpfs", path, "tmpfs", flags, "mode=0700") }
    }

    /// Takes it away, with what it holds as soon as nobody uses it.
    package static func remove(_ path: String) throws(Errno) {
        try retrying { unsafe umount2(path, Int32(MNT_DETACH) | Int32(UMOUNT_NOFOLLOW)) }
    }
}
