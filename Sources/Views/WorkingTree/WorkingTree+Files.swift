internal import FileTree
internal import LinuxIO
package import VirtualFS

/// Open files.
extension WorkingTree {
    package func open(
        _ inode: InodeNumber, flags: OpenFlags, clearSetIDs: Bool, context: RequestContext
    ) throws(FileSystemError) -> OpenedFile {
        if flags.contains(.truncate) { try resize(inode, to: 0, clearSetIDs: clearSetIDs) }
        guard flags.writes else { return try openForReading(inode) }
        return try changing { () throws(FileSystemError) in
            try gated(inode) { () throws(FileSystemError) in
                let file = try ownFile(of: inode)
                return try perform { (state) throws(Interruption) in
                    try state.open(inode, file: file, flags, by: context)
                }
            }
        }
    }

    private func openForReading(_ inode: InodeNumber) throws(FileSystemError) -> OpenedFile {
        let opened = try perform { (state) throws(Interruption) -> OpenedFile? in
            try state.wantsBacking(inode)
                ? nil : try state.open(inode, file: nil, .readOnly)
        }
        if let opened { return opened }
        return try gated(inode) { () throws(FileSystemError) in
            let file = try readableFile(of: inode)
            return try perform { (state) throws(Interruption) in
                try state.open(inode, file: file, .readOnly)
            }
        }
    }

    package func create(
        _ request: NodeCreation, flags: OpenFlags
    ) throws(FileSystemError) -> (entry: Entry, file: OpenedFile) {
        let name = try LinkName(request.place.name)
        var request = request
        request.mode = FileType.regular.rawValue | request.mode & 0o7777
        do throws(FileSystemError) {
            return try changing { () throws(FileSystemError) in
                try createNew(request, as: name, flags)
            }
        } catch .exists where !flags.contains(.exclusive) {
            return try openExisting(request, flags)
        }
    }

    private func createNew(
        _ request: NodeCreation, as name: LinkName, _ flags: OpenFlags
    ) throws(FileSystemError) -> (entry: Entry, file: OpenedFile) {
        // The kernel found no such name, so this seldom is in vain.
        let made = try newFile()
        let now = FileTime(made.status.modificationTime)
        do throws(FileSystemError) {
            return try perform { (state) throws(Interruption) in
                let inode = try state.make(request, as: name, at: now) { (_) in
                    .regular(.own(OwnFile(made)))
                }
                let opened = try state.open(
                    inode.number, file: made.host, flags, by: request.context)
                return (state.entry(inode).answer, opened)
            }
        } catch {
            try? HostDirectory.unlink(made.path)  // what stays goes with the lease
            throw error
        }
    }

    private func openExisting(
        _ request: NodeCreation, _ flags: OpenFlags
    ) throws(FileSystemError) -> (entry: Entry, file: OpenedFile) {
        guard
            case .found(var entry) = try lookup(request.place.name, in: request.place.parent)
        else { throw .notFound }
        do throws(FileSystemError) {
            let opened = try open(
                entry.attributes.inode, flags: flags, clearSetIDs: request.context.userID != 0,
                context: request.context)
            let reply = try attributes(of: entry.attributes.inode, handle: opened.handle)
            entry.attributes = reply.attributes
            entry.attributesValidity = reply.validity
            return (entry, opened)
        } catch {
            forget([(entry.attributes.inode, 1)])
            throw error
        }
    }

    package func flush(_ inode: InodeNumber, handle: FileHandle) throws(FileSystemError) {
        throw .notImplemented  // nothing is held back
    }

    package func release(_ inode: InodeNumber, handle: FileHandle) {
        // The last writer's attributes are taken from its file before that is closed.
        let lastWrite = locked { $0.endWriting(handle) }
        if lastWrite { _ = try? attributes(of: inode, handle: nil) }  // gone: nothing to settle
        locked { $0.close(handle, isSettled: lastWrite) }
    }
}

extension WorkingTreeState {
    /// Whether reads should go to the host's file directly.
    func wantsBacking(_ number: InodeNumber) throws(Interruption) -> Bool {
        let (inode, data) = try regular(number)
        guard offersBackings else { return false }
        if inode.flags.contains(.mayBeMapped) { return true }
        if let opened = inode.opened, opened.handleCount > 0 {
            // As the files that are open: the kernel serves an inode in one way at a time.
            return opened.cachedCount == 0
        }
        switch data {
        case .empty: return false
        case .object(let content):
            return content.sizeBytes >= WorkingTree.passthroughMinimumBytes
        case .own(let file):
            return file.partial == nil
                && file.sizeBytes >= WorkingTree.passthroughMinimumBytes
        }
    }

    /// Registers an open file.
    /// - Parameter file: the inode's present content; nil to read through the daemon.
    func open(
        _ number: InodeNumber, file: HostFile?, _ flags: OpenFlags,
        by context: RequestContext = RequestContext()
    ) throws(Interruption) -> OpenedFile {
        let inode = try regular(number).inode
        let opened = inode.withExtras().opened ?? OpenState()
        inode.extras?.opened = opened
        if let file { opened.host = file }
        let mayPass =
            offersBackings && opened.cachedCount == 0 && inode.ownFile?.partial == nil
        var backing = mayPass ? file?.backing : nil
        // The kernel does not drop privileges for writes that it passes through, we would.
        if flags.writes && losesPrivilegesWhenWritten(inode) {
            if opened.handleCount == 0 { backing = nil }
            backing?.isObserved = true
        }
        opened.handleCount += 1
        if backing == nil { opened.cachedCount += 1 }
        if flags.writes {
            opened.writerCount += 1
            opened.isUnsettled = true
            if context.userID != 0 { opened.writesClearSetIDs = true }
        }
        var caching = OpenedFile.Caching.keep
        if inode.flags.contains(.pagesStale) {
            caching = .discard
            if backing == nil { inode.flags.remove(.pagesStale) }
        }
        if flags.writes && backing != nil {
            inode.flags.insert(.pagesStale)
            // Only who may read as well can map what it may write.
            if flags.reads { setMayBeMapped(inode, true) }
        }
        let handle = newHandle(
            OpenHandle(
                inode: inode, backing: backing == nil ? nil : file, isWritable: flags.writes))
        return OpenedFile(handle: handle, caching: caching, backing: backing)
    }

    private func losesPrivilegesWhenWritten(_ inode: WorkingInode) -> Bool {
        inode.attributes.permissions & 0o6000 != 0
            || inode.attributes.extendedAttributes[XattrName.capability] != nil
    }

    /// - Returns: whether the handle was the last that could write.
    func endWriting(_ handle: FileHandle) -> Bool {
        guard let found = handles[handle.rawValue], found.isWritable,
            let opened = found.inode.opened
        else { return false }
        opened.writerCount -= 1
        handles[handle.rawValue]?.isWritable = false
        return opened.writerCount == 0
    }

    /// Ends a handle that no longer writes.
    /// - Parameter isSettled: its writes, the last ones, were taken over.
    func close(_ handle: FileHandle, isSettled: Bool) {
        guard let found = handles.removeValue(forKey: handle.rawValue),
            let opened = found.inode.opened
        else { return }
        retire(found.backing)
        if isSettled && opened.writerCount == 0 { opened.isUnsettled = false }
        opened.handleCount -= 1
        if found.backing == nil { opened.cachedCount -= 1 }
        if opened.handleCount == 0 {
            retire(opened.host)
            found.inode.extras?.opened = nil
            release(found.inode)
        }
    }
}
