/// A file system answers what it does not implement: changes with `EROFS`, the rest with the
/// errno that makes the kernel stop asking or do the work itself.
extension FileSystem {
    package func mounted(notifier: any KernelNotifier, passthrough: Bool) {}
    package func unmounted() {}

    package func setAttributes(
        of inode: InodeNumber, handle: FileHandle?, to changes: AttributeChanges
    ) throws(FileSystemError) -> AttributesReply { throw .readOnly }

    package func makeNode(_ request: NodeCreation) throws(FileSystemError) -> Entry {
        throw .readOnly
    }
    package func makeDirectory(_ request: NodeCreation) throws(FileSystemError) -> Entry {
        throw .readOnly
    }
    package func makeSymbolicLink(
        _ request: NodeCreation, target: [UInt8]
    ) throws(FileSystemError) -> Entry { throw .readOnly }
    package func link(
        _ inode: InodeNumber, to place: DirectoryPlace
    ) throws(FileSystemError) -> Entry { throw .readOnly }
    package func unlink(_ name: [UInt8], in parent: InodeNumber) throws(FileSystemError) {
        throw .readOnly
    }
    package func removeDirectory(
        _ name: [UInt8], in parent: InodeNumber
    ) throws(FileSystemError) { throw .readOnly }
    package func rename(
        _ source: DirectoryPlace, to target: DirectoryPlace, mode: RenameMode
    ) throws(FileSystemError) { throw .readOnly }
    package func create(
        _ request: NodeCreation, flags: OpenFlags
    ) throws(FileSystemError) -> (entry: Entry, file: OpenedFile) { throw .readOnly }
    package func createUnnamed(
        _ request: NodeCreation, flags: OpenFlags
    ) throws(FileSystemError) -> (entry: Entry, file: OpenedFile) { throw .notImplemented }
    package func write(
        _ inode: InodeNumber, handle: FileHandle, offset: UInt64, data: UnsafeRawBufferPointer,
        clearSetIDs: Bool
    ) throws(FileSystemError) -> Int { throw .readOnly }
    package func flush(_ inode: InodeNumber, handle: FileHandle) throws(FileSystemError) {
        throw .notImplemented
    }
    /// Opens without a backing never conflict.
    package func renew(_ inode: InodeNumber) {}
    package func release(_ inode: InodeNumber, handle: FileHandle) {}
    package func synchronize(
        _ inode: InodeNumber, handle: FileHandle?, dataOnly: Bool
    ) throws(FileSystemError) {}
    package func allocate(
        _ inode: InodeNumber, handle: FileHandle, mode: Int32, offset: UInt64, length: UInt64,
        context: RequestContext
    ) throws(FileSystemError) { throw .readOnly }
    package func seek(
        _ inode: InodeNumber, handle: FileHandle?, offset: UInt64, whence: Int32
    ) throws(FileSystemError) -> UInt64 { throw .notImplemented }
    package func copyRange(
        from source: FileRange, to target: FileRange, length: UInt64, context: RequestContext
    ) throws(FileSystemError) -> UInt64 { throw .notImplemented }
    package func openDirectory(_ inode: InodeNumber) throws(FileSystemError) -> FileHandle {
        throw .notImplemented
    }
    package func releaseDirectory(_ inode: InodeNumber, handle: FileHandle) {}
    package func extendedAttribute(
        _ name: [UInt8], of inode: InodeNumber
    ) throws(FileSystemError) -> [UInt8] { throw .notImplemented }
    package func extendedAttributeNames(
        of inode: InodeNumber
    ) throws(FileSystemError) -> [[UInt8]] { throw .notImplemented }
    package func setExtendedAttribute(
        _ name: [UInt8], of inode: InodeNumber, to value: [UInt8], mode: ExtendedAttributeMode,
        clearSetGroupID: Bool
    ) throws(FileSystemError) { throw .readOnly }
    package func removeExtendedAttribute(
        _ name: [UInt8], of inode: InodeNumber
    ) throws(FileSystemError) { throw .readOnly }
}
