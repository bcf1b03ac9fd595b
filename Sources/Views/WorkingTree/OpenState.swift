/// What the handles of one inode share.
final class OpenState {
    /// Serves the inode's present content; nil until something needs it. Invariant: the own file
    /// while `isUnsettled`.
    var host: HostFile?
    var handleCount = 0
    /// Handles that may write.
    var writerCount = 0
    /// Handles that were answered without a backing: the kernel caches pages for them.
    var cachedCount = 0
    /// Those of them that may read and write: a mapping of one may have written pages that the kernel
    /// has not handed over yet.
    var cachedMapperCount = 0
    /// Writes may have happened that this inode's attributes do not show yet: the host file's size
    /// and modification time are the true ones.
    var isUnsettled = false
    /// Counts how often the host file's status was taken over.
    var statusGeneration: UInt64 = 0
}

/// An open file of the kernel.
struct OpenHandle {
    let inode: WorkingInode
    /// What the kernel may do I/O on by itself, kept open for it.
    let backing: HostFile?
    var isWritable: Bool
    /// Counted as one of ``OpenState/cachedMapperCount``.
    var isCachedMapper = false
    /// Writes through it are on the disk when they return (`O_DSYNC`, `O_SYNC`).
    var isSynchronous = false
}
