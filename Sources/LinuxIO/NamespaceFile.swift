internal import Glibc

/// A namespace under a name of the file system, by which programs find it that may not look into this
/// process (namespaces(7)).
package enum NamespaceFile {
    /// Makes the file and mounts the namespace on it.
    /// - Throws: EPERM without CAP_SYS_ADMIN.
    package static func make(_ path: String, of namespace: Int32) throws(Errno) {
        _ = try OwnedDescriptor(opening: path, [.writeOnly, .create, .exclusive])
        do throws(Errno) {
            try retrying {
                unsafe mount(
                    "/proc/thread-self/fd/\(namespace)", path, nil, UInt(MS_BIND), nil)
            }
        } catch {
            try? HostDirectory.unlink(path)  // the first error is the one to report
            throw error
        }
    }

    /// The namespace goes with its last user.
    package static func remove(_ path: String) throws(Errno) {
        try retrying { unsafe umount2(path, Int32(MNT_DETACH) | Int32(UMOUNT_NOFOLLOW)) }
        try HostDirectory.unlink(path)
    }
}
