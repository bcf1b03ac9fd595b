/// A file system as a set of operations on inodes, independent of how it is mounted.
///
/// The contract is that of the kernel's virtual file system layer, one method a request:
///
/// - Methods are called concurrently from any number of threads and answer synchronously.
/// - Every ``Entry`` returned by ``lookup(_:in:)``, ``create(_:flags:)``,
///   ``createUnnamed(_:flags:)``, ``makeNode(_:)``, ``makeDirectory(_:)``, ``makeSymbolicLink(_:)``,
///   ``link(_:to:)``, and every entry that a
///   ``DirectoryListing`` accepted together with its attributes, counts as one lookup
///   of its inode. The inode number stays valid until ``forget(_:)`` took all of them back.
/// - Permission checks against mode, owner and ACLs are the caller's (the kernel's
///   `default_permissions`); ownership of new inodes and the clearing of setuid bits are the
///   file system's.
/// - Names are bytes without `/` and NUL, of any length: the file system answers
///   ``FileSystemError/nameTooLong`` past 255.
package protocol FileSystem: AnyObject, Sendable {
    /// How the file system wants its connection to the kernel set up. Constant.
    var profile: ConnectionProfile { get }

    /// The connection is up; `notifier` may be kept and used until ``unmounted()``.
    /// - Parameter passthrough: whether the kernel takes backings.
    func mounted(notifier: any KernelNotifier, passthrough: Bool)
    /// The connection is gone; every lookup count and handle is void.
    func unmounted()

    func lookup(_ name: [UInt8], in parent: InodeNumber) throws(FileSystemError) -> LookupResult
    func forget(_ lookups: [(inode: InodeNumber, count: UInt64)])
    func attributes(
        of inode: InodeNumber, handle: FileHandle?
    ) throws(FileSystemError) -> AttributesReply
    func setAttributes(
        of inode: InodeNumber, handle: FileHandle?, to changes: AttributeChanges
    ) throws(FileSystemError) -> AttributesReply
    func readSymbolicLink(_ inode: InodeNumber) throws(FileSystemError) -> [UInt8]

    func makeNode(_ request: NodeCreation) throws(FileSystemError) -> Entry
    func makeDirectory(_ request: NodeCreation) throws(FileSystemError) -> Entry
    func makeSymbolicLink(
        _ request: NodeCreation, target: [UInt8]
    ) throws(FileSystemError) -> Entry
    func link(
        _ inode: InodeNumber, to place: DirectoryPlace
    ) throws(FileSystemError) -> Entry
    func unlink(_ name: [UInt8], in parent: InodeNumber) throws(FileSystemError)
    func removeDirectory(_ name: [UInt8], in parent: InodeNumber) throws(FileSystemError)
    func rename(
        _ source: DirectoryPlace, to target: DirectoryPlace, mode: RenameMode
    ) throws(FileSystemError)

    /// - Parameter clearSetIDs: a truncating open drops setuid and setgid.
    func open(
        _ inode: InodeNumber, flags: OpenFlags, clearSetIDs: Bool, context: RequestContext
    ) throws(FileSystemError) -> OpenedFile
    /// The kernel cannot serve the inode's present content under this number while older opens are
    /// alive. The next lookup of each of its names has to answer another number, with the same
    /// ``FileAttributes/serialNumber``; this one stays valid until it is forgotten.
    func renew(_ inode: InodeNumber)
    /// Creates a regular file and opens it (`open(2)` with `O_CREAT`; the kernel already looked the
    /// name up, so an existing name is opened unless `O_EXCL` is set).
    func create(
        _ request: NodeCreation, flags: OpenFlags
    ) throws(FileSystemError) -> (entry: Entry, file: OpenedFile)
    /// Creates a regular file without a name and opens it (`open(2)` with `O_TMPFILE`). ``link(_:to:)`` may
    /// give it its first name, unless `O_EXCL` is set; else it goes with its last handle and lookup.
    /// - Parameter request: the name in its place is empty.
    func createUnnamed(
        _ request: NodeCreation, flags: OpenFlags
    ) throws(FileSystemError) -> (entry: Entry, file: OpenedFile)
    /// Hands at most `size` bytes from `offset` to `deliver`, once. Fewer only at the file's end.
    /// - Parameter handle: nil on a connection whose profile answers OPEN itself.
    func read(
        _ inode: InodeNumber, handle: FileHandle?, offset: UInt64, size: Int,
        deliver: (ReadSource) -> Void
    ) throws(FileSystemError)
    /// - Returns: the number of bytes written, all of `data` unless the device is full.
    func write(
        _ inode: InodeNumber, handle: FileHandle, offset: UInt64, data: UnsafeRawBufferPointer,
        clearSetIDs: Bool
    ) throws(FileSystemError) -> Int
    func flush(_ inode: InodeNumber, handle: FileHandle) throws(FileSystemError)
    func release(_ inode: InodeNumber, handle: FileHandle)
    func synchronize(
        _ inode: InodeNumber, handle: FileHandle?, dataOnly: Bool
    ) throws(FileSystemError)

    /// - Parameter context: of who writes, and so may have to lose setuid and setgid.
    func allocate(
        _ inode: InodeNumber, handle: FileHandle, mode: Int32, offset: UInt64, length: UInt64,
        context: RequestContext
    ) throws(FileSystemError)
    /// `lseek(2)` with `SEEK_DATA` or `SEEK_HOLE`.
    func seek(
        _ inode: InodeNumber, handle: FileHandle?, offset: UInt64, whence: Int32
    ) throws(FileSystemError) -> UInt64
    func copyRange(
        from source: FileRange, to target: FileRange, length: UInt64, context: RequestContext
    ) throws(FileSystemError) -> UInt64

    func openDirectory(_ inode: InodeNumber) throws(FileSystemError) -> FileHandle
    /// Appends entries that follow `offset` (0 starts; later values are those a listing carried)
    /// until the listing is full or the directory ends.
    func readDirectory(
        _ inode: InodeNumber, handle: FileHandle?, offset: UInt64,
        into listing: inout DirectoryListing
    ) throws(FileSystemError)
    func releaseDirectory(_ inode: InodeNumber, handle: FileHandle)

    func extendedAttribute(
        _ name: [UInt8], of inode: InodeNumber
    ) throws(FileSystemError) -> [UInt8]
    func extendedAttributeNames(of inode: InodeNumber) throws(FileSystemError) -> [[UInt8]]
    /// - Parameter clearSetGroupID: an access ACL that is set drops setgid: who sets it is not of
    ///   the file's group.
    func setExtendedAttribute(
        _ name: [UInt8], of inode: InodeNumber, to value: [UInt8], mode: ExtendedAttributeMode,
        clearSetGroupID: Bool
    ) throws(FileSystemError)
    func removeExtendedAttribute(
        _ name: [UInt8], of inode: InodeNumber
    ) throws(FileSystemError)

    func statistics() throws(FileSystemError) -> FileSystemStatistics
}
