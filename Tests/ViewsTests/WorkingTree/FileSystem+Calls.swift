import VirtualFS

extension FileSystem {
    /// As the kernel calls it: a truncation by anybody but root drops set ids.
    func open(
        _ inode: InodeNumber, flags: OpenFlags, context: RequestContext
    ) throws(FileSystemError) -> OpenedFile {
        try open(inode, flags: flags, clearSetIDs: context.userID != 0, context: context)
    }
}
