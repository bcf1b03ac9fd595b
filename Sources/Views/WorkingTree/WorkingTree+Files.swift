internal import FileTree
internal import Glibc
internal import LinuxIO
package import VirtualFS

/// Open files.
extension WorkingTree {
    package func open(
        _ inode: InodeNumber, flags: OpenFlags, clearSetIDs: Bool, context: RequestContext
    ) throws(FileSystemError) -> OpenedFile {
        // What cannot be opened is not emptied either.
        if flags.writes { try checkRoomToOpen(inode) }
        if flags.contains(.truncate) { try resize(inode, to: 0, clearSetIDs: clearSetIDs) }
        guard flags.writes else { return try openForReading(inode) }
        let opened = try changing { () throws(FileSystemError) in
            try gated(inode) { () throws(FileSystemError) in
                let file = try ownFile(of: inode)
                return try perform { (state) throws(Interruption) in
                    try state.open(inode, file: file, flags)
                }
            }
        }
        try commitBeforeWrites(inode, flags, opened)
        return opened
    }

    /// What a synchronous handle writes is to be found after a power cut: so is its file.
    private func commitBeforeWrites(
        _ inode: InodeNumber, _ flags: OpenFlags, _ opened: OpenedFile
    ) throws(FileSystemError) {
        guard flags.contains(.synchronous), durability != nil else { return }
        do throws(FileSystemError) {
            try synchronize(inode, handle: opened.handle, dataOnly: true)
        } catch {
            release(inode, handle: opened.handle)
            throw error
        }
    }

    /// - Throws: `ENFILE`: the limit is this process's, not the calling program's.
    private func checkRoomToOpen(_ inode: InodeNumber) throws(FileSystemError) {
        // What is open already takes no further descriptor.
        if OpenFileBudget.hasRoom || locked({ $0.find(inode)?.opened?.host != nil }) { return }
        throw .other(errno: ENFILE)
    }

    private func openForReading(_ inode: InodeNumber) throws(FileSystemError) -> OpenedFile {
        let opened = try perform { (state) throws(Interruption) -> OpenedFile? in
            try state.backingForReading(inode) == .none
                ? try state.open(inode, file: nil, .readOnly) : nil
        }
        if let opened { return opened }
        try checkRoomToOpen(inode)
        return try gated(inode) { () throws(FileSystemError) in
            let file = try readableFile(of: inode)
            let isProgram = file.map(programs.isProgram) == true
            return try perform { (state) throws(Interruption) in
                let wish = try state.backingForReading(inode)
                let isWanted = wish == .wanted || wish == .wantedByPrograms && isProgram
                return try state.open(inode, file: isWanted ? file : nil, .readOnly)
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
            let made = try changing { () throws(FileSystemError) in
                try createNew(request, as: name, flags)
            }
            if flags.writes {
                try commitBeforeWrites(made.entry.attributes.inode, flags, made.file)
            }
            return made
        } catch .exists where !flags.contains(.exclusive) {
            return try openExisting(request, flags)
        }
    }

    private func createNew(
        _ request: NodeCreation, as name: LinkName, _ flags: OpenFlags
    ) throws(FileSystemError) -> (entry: Entry, file: OpenedFile) {
        guard OpenFileBudget.hasRoom else { throw .other(errno: ENFILE) }
        // The kernel found no such name, so this seldom is in vain.
        return try withNewFile { (made) throws(FileSystemError) in
            let now = FileTime(made.status.modificationTime)
            return try perform { (state) throws(Interruption) in
                let inode = try state.make(request, as: name, at: now) { (_) in
                    .regular(.own(OwnFile(made)))
                }
                state.recorder?.madeFile()
                let opened = try state.open(inode.number, file: made.host, flags)
                return (state.entry(inode).answer, opened)
            }
        }
    }

    package func createUnnamed(
        _ request: NodeCreation, flags: OpenFlags
    ) throws(FileSystemError) -> (entry: Entry, file: OpenedFile) {
        guard OpenFileBudget.hasRoom else { throw .other(errno: ENFILE) }
        return try changing { () throws(FileSystemError) in
            try withNewFile { (made) throws(FileSystemError) in
                try perform { (state) throws(Interruption) in
                    let inode = try state.makeUnnamed(
                        request, OwnFile(made), isLinkable: !flags.contains(.exclusive),
                        at: FileTime(made.status.modificationTime))
                    state.recorder?.madeFile()
                    let opened = try state.open(inode.number, file: made.host, flags)
                    return (state.entry(inode).answer, opened)
                }
            }
        }
    }

    /// Makes an own file for `body`, and takes it away again if that fails.
    private func withNewFile<Answer>(
        _ body: (NewFile) throws(FileSystemError) -> Answer
    ) throws(FileSystemError) -> Answer {
        let made = try newFile()
        do throws(FileSystemError) {
            return try body(made)
        } catch {
            // What stays goes with the lease, or when the container is opened again.
            try? HostDirectory.unlink(made.path)
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

/// Whether reads go to the host's file directly.
enum BackingWish {
    case none
    case wanted
    /// If the file is a program, which only its first bytes tell.
    case wantedByPrograms
}

extension WorkingTreeState {
    /// How an inode that is to be opened for reading should be served.
    ///
    /// Of the lower tree only programs and libraries are read past the daemon: each step of a build
    /// begins with them, and they are replaced by others, not written. A file that is open so when it
    /// is first written to falls apart in two for the kernel (``renew(_:)``): its readers would miss
    /// what is written, and locks would not hold.
    func backingForReading(_ number: InodeNumber) throws(Interruption) -> BackingWish {
        let (inode, data) = try regular(number)
        guard offersBackings else { return .none }
        if inode.flags.contains(.mayBeMapped) { return .wanted }
        if let opened = inode.opened, opened.handleCount > 0 {
            // As the files that are open: the kernel serves an inode in one way at a time.
            return opened.cachedCount == 0 ? .wanted : .none
        }
        switch data {
        case .empty: return .none
        case .object(let content):
            let isLarge = content.sizeBytes >= WorkingTree.passthroughMinimumBytes
            return isLarge ? .wantedByPrograms : .none
        case .own(let file):
            let isLarge = file.sizeBytes >= WorkingTree.passthroughMinimumBytes
            return file.partial == nil && isLarge ? .wanted : .none
        }
    }

    /// Registers an open file.
    /// - Parameter file: the inode's present content; nil to read through the daemon.
    func open(
        _ number: InodeNumber, file: HostFile?, _ flags: OpenFlags
    ) throws(Interruption) -> OpenedFile {
        let inode = try regular(number).inode
        let opened = inode.withExtras().opened ?? OpenState()
        inode.extras?.opened = opened
        if let file { opened.host = file }
        let mayPass =
            offersBackings && opened.cachedCount == 0 && inode.ownFile?.partial == nil
        var backing = mayPass ? file?.backing : nil
        // Privileged files are rare, and in writes that reach us it is plain who may keep them so.
        if flags.writes && inode.losesPrivileges {
            if opened.handleCount == 0 { backing = nil }
            backing?.isObserved = true
        }
        opened.handleCount += 1
        if backing == nil { opened.cachedCount += 1 }
        if flags.writes {
            opened.writerCount += 1
            opened.isUnsettled = true
            recorder?.mayWrite(inode)
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
        let isCachedMapper = backing == nil && flags.reads && flags.writes
        if isCachedMapper { opened.cachedMapperCount += 1 }
        let handle = newHandle(
            OpenHandle(
                inode: inode, backing: backing == nil ? nil : file, isWritable: flags.writes,
                isCachedMapper: isCachedMapper, isSynchronous: flags.contains(.synchronous)))
        return OpenedFile(handle: handle, caching: caching, backing: backing)
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
        if found.isCachedMapper { opened.cachedMapperCount -= 1 }
        if opened.handleCount == 0 {
            retire(opened.host)
            found.inode.extras?.opened = nil
            release(found.inode)
            rest(found.inode)
        }
    }
}
