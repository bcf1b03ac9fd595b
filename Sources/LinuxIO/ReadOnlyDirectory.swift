internal import CLinux
internal import Glibc

/// A directory of the host as a place to read from, kept open.
///
/// Where the caller may (`CAP_SYS_ADMIN`), it is reached through a read-only mount of its own that no
/// path leads to (open_tree(2), mount_setattr(2)). Files opened through it cannot be written to by
/// anybody who gets hold of them, not even by a kernel driver that opens them a second time.
package struct ReadOnlyDirectory: ~Copyable, Sendable {
    private let directory: OwnedDescriptor

    package init(opening path: String) throws(Errno) {
        let mount = unsafe vitrine_open_read_only_tree(path)
        if mount >= 0 {
            directory = OwnedDescriptor(adopting: mount)
        } else {
            directory = try OwnedDescriptor(opening: path, [.pathOnly, .directory])
        }
    }

    /// Opens a file below the directory for reading.
    package func open(_ path: [UInt8]) throws(Errno) -> OwnedDescriptor {
        try OwnedDescriptor(opening: path, in: directory.rawValue, .readOnly)
    }
}
