internal import FileTree
internal import ImageSpec
internal import LinuxIO
internal import Store
internal import Synchronization
internal import VirtualFS

/// Moving content: copy-up, truncation, and the settling of what was written.
extension WorkingTree {
    /// What has to happen outside the lock to get at an inode's content.
    enum ContentPlan: Sendable {
        /// It is open and as up to date as it can be.
        case ready(HostFile)
        /// It is open; nobody writes.
        case idle(HostFile, modificationTime: FileTime)
        /// Open the own file at the path.
        case openOwn(path: String, identity: UInt64, modificationTime: FileTime, isMapped: Bool)
        case openObject(FileContent)
        /// There is no byte.
        case empty(modificationTime: FileTime)
    }

    /// A new own file, open.
    struct NewFile: Sendable {
        var path: String
        var number: UInt64 = 0
        var host: HostFile
        var status: FileStatus
        var partial: PartialCopy?
    }

    /// Makes an own file with the first `keptBytes` of `object`.
    func newFile(
        from object: FileContent? = nil, keptBytes: UInt64 = .max, modificationTime: FileTime? = nil
    ) throws(FileSystemError) -> NewFile {
        let identity = nextIdentity.add(1, ordering: .relaxed).newValue
        let path: String
        let number: UInt64
        let host: HostFile
        if let reused = reuseFile(identity) {
            (path, number, host) = reused
        } else {
            (path, number, host) = try makeFile(identity)
        }
        do throws(FileSystemError) {
            var partial: PartialCopy?
            if let object, keptBytes > 0 {
                partial = try copyUp(
                    object, keptBytes: min(keptBytes, object.sizeBytes), to: host.descriptor)
            }
            if let modificationTime { try host.setModificationTime(modificationTime) }
            return NewFile(
                path: path, number: number, host: host, status: try host.status(),
                partial: partial)
        } catch {
            try? HostDirectory.unlink(path)  // the first error is the one to report
            throw error
        }
    }

    private func makeFile(
        _ identity: UInt64
    ) throws(FileSystemError) -> (path: String, number: UInt64, host: HostFile) {
        let (path, number) = newOwnPath()
        do throws(FileSystemError) {
            let host = try HostFile.open(
                path, [.readWrite, .create, .exclusive], permissions: 0o600, identity: identity)
            return (path, number, host)
        } catch {
            ViewLog.note(
                "a view could not make a file in \(lease.workDirectory): \(Errno(rawValue: error.errno))"
            )
            throw error
        }
    }

    /// One that is left over, as if it were made now; nil if there is none.
    private func reuseFile(
        _ identity: UInt64
    ) -> (path: String, number: UInt64, host: HostFile)? {
        guard let path = spareFiles.take() else { return nil }
        do {
            let host = try HostFile.open(path, .readWrite, identity: identity)
            try DescriptorIO.setModificationTimeToNow(host.descriptor)
            return (path, 0, host)
        } catch {
            try? HostDirectory.unlink(path)  // a new one is made, which tells what is wrong
            return nil
        }
    }

    private func newOwnPath() -> (path: String, number: UInt64) {
        guard let durability else { return (lease.newWorkPath("file"), 0) }
        let number = durability.newFileNumber()
        return (durability.container.place.file(number), number)
    }

    /// Copies content: by reference where the host's file system can, else a large file later, block
    /// by block.
    /// - Returns: what is still to be copied.
    private func copyUp(
        _ object: FileContent, keptBytes: UInt64, to target: Int32
    ) throws(FileSystemError) -> PartialCopy? {
        do throws(Errno) {
            let source = try objects.open(object)
            if (try? DescriptorIO.clone(source.rawValue, into: target)) != nil {
                if keptBytes < object.sizeBytes {
                    try DescriptorIO.truncate(target, to: keptBytes)
                }
                return nil
            }
            // Not every file system can.
            try DescriptorIO.truncate(target, to: keptBytes)
            if keptBytes >= PartialCopy.minimumBytes && durability?.tellsHoles != false {
                try durability?.beginBlocks()
                return PartialCopy(of: object, keptBytes: keptBytes)
            }
            try DescriptorIO.copyData(from: source.rawValue, to: target, in: 0..<keptBytes)
            return nil
        } catch {
            throw FileSystemError(host: error)
        }
    }

    /// The inode's own file, open; made by copying up if there is none. The gate is held.
    /// - Parameter keptBytes: how much of lower content is still wanted.
    func ownFile(
        of inode: InodeNumber, keptBytes: UInt64 = .max
    ) throws(FileSystemError) -> HostFile {
        if let shared = locked({ $0.find(inode)?.ownFile.flatMap { $0.isShared ? $0.path : nil } })
        {
            return try unshare(inode, shared)
        }
        let (plan, partial) = try perform { (state) throws(Interruption) in
            (
                try state.contentPlan(of: inode, forWriting: true),
                state.find(inode)?.ownFile?.partial
            )
        }
        switch plan {
        case .ready(let file): return file
        case .idle(let file, let modificationTime):
            try file.begin(at: modificationTime)
            return file
        case .openOwn(let path, let identity, var modificationTime, let isMapped):
            if isMapped {
                // What a mapping wrote shows in the time that is about to be set.
                let reply = try attributes(of: inode, handle: nil)
                modificationTime = reply.attributes.modificationTime
            }
            if partial?.isMostlyCopied == true { try completeCopyGated(of: inode) }
            let file = try HostFile.open(path, .readWrite, identity: identity)
            try file.begin(at: modificationTime)
            locked { $0.install(file, in: inode) }
            return file
        case .openObject(let content):
            let time = try modificationTime(of: inode)
            let made = try newFile(from: content, keptBytes: keptBytes, modificationTime: time)
            locked { $0.install(made, in: inode) }
            return made.host
        case .empty(let modificationTime):
            let made = try newFile(modificationTime: modificationTime)
            locked { $0.install(made, in: inode) }
            return made.host
        }
    }

    /// Gives the inode another own file, with a copy of what is in the present one: that is an object
    /// of the store by now.
    private func unshare(
        _ inode: InodeNumber, _ path: String
    ) throws(FileSystemError) -> HostFile {
        let shared = try HostFile.open(path, .readOnly, identity: 0)
        let made = try newFile()
        do throws(Errno) {
            try DescriptorIO.copyContent(from: shared.descriptor, to: made.host.descriptor)
        } catch {
            try? HostDirectory.unlink(made.path)  // the first error is the one to report
            throw FileSystemError(host: error)
        }
        try made.host.setModificationTime(try modificationTime(of: inode))
        var copy = made
        copy.status = try made.host.status()
        locked { [copy] state in
            guard let found = state.find(inode) else { return }
            state.discardContent(of: found)
            state.install(copy, in: inode)
        }
        return made.host
    }

    private func modificationTime(of inode: InodeNumber) throws(FileSystemError) -> FileTime {
        try perform { (state) throws(Interruption) in try state.inode(inode).modificationTime }
    }

    /// The inode's present content, open for reading; nil if it has no byte. The gate is held.
    func readableFile(of inode: InodeNumber) throws(FileSystemError) -> HostFile? {
        let plan = try perform { (state) throws(Interruption) in
            try state.contentPlan(of: inode, forWriting: false)
        }
        let file: HostFile
        switch plan {
        case .ready(let open), .idle(let open, _): return open
        case .empty: return nil
        case .openOwn(let path, let identity, _, _):
            let isShared = locked { $0.find(inode)?.ownFile?.isShared == true }
            file = try HostFile.open(path, isShared ? .readOnly : .readWrite, identity: identity)
        case .openObject(let content):
            let identity = HostFile.identity(ofObject: content)
            if let program = programs.file(identity) {
                file = program
                break
            }
            do throws(Errno) {
                file = HostFile(try objects.open(content), identity: identity)
            } catch {
                throw FileSystemError(host: error)
            }
        }
        locked { $0.install(file, in: inode) }
        return file
    }

    // MARK: - Size

    /// truncate(2).
    ///
    /// The times change although the size does not, as on ext4.
    func resize(
        _ inode: InodeNumber, to size: UInt64, clearSetIDs: Bool
    ) throws(FileSystemError) {
        guard size <= UInt64(Int64.max) else { throw .fileTooLarge }
        try changing(size == 0 ? .removal : .growth) { () throws(FileSystemError) in
            try gated(inode) { () throws(FileSystemError) in
                try resizeGated(inode, to: size, clearSetIDs: clearSetIDs)
            }
        }
    }

    private func resizeGated(
        _ inode: InodeNumber, to size: UInt64, clearSetIDs: Bool
    ) throws(FileSystemError) {
        let now = clock()
        let done = try perform { (state) throws(Interruption) in
            try state.resizeWithoutFile(
                inode, to: size, clearSetIDs: clearSetIDs, at: now)
        }
        if done { return }
        try commitCompletion(of: inode)
        let file = try ownFile(of: inode, keptBytes: size)
        let partial = locked { $0.find(inode)?.ownFile?.partial }
        if let partial { try cut(file, partial, at: size) }
        try file.truncate(to: size)
        let status = try file.status()
        locked { $0.resized(inode, status, clearSetIDs: clearSetIDs) }
        // What the file gets when it grows again must not be taken from the object.
        if partial != nil { try commit(whole: false) }
    }

    // MARK: - Settling

    /// Takes over what was written, of all files that may be written to.
    func settleAll() {
        for number in locked({ $0.unsettledInodes() }) {
            _ = try? attributes(of: number, handle: nil)  // gone meanwhile: nothing to settle
        }
    }
}

extension WorkingTreeState {
    func regular(_ number: InodeNumber) throws(Interruption) -> (
        inode: WorkingInode, data: WorkingInode.FileData
    ) {
        let inode = try inode(number)
        switch inode.body {
        case .regular(let data): return (inode, data)
        case .directory: throw .failed(.isDirectory)
        default: throw .failed(.invalidArgument)
        }
    }

    func contentPlan(
        of number: InodeNumber, forWriting: Bool
    ) throws(Interruption) -> WorkingTree.ContentPlan {
        let (inode, data) = try regular(number)
        switch data {
        case .empty: return .empty(modificationTime: inode.modificationTime)
        case .object(let content):
            if !forWriting, let host = inode.opened?.host { return .ready(host) }
            return .openObject(content)
        case .own(let file):
            let time = inode.modificationTime
            guard let opened = inode.opened, let host = opened.host else {
                return .openOwn(
                    path: file.path, identity: file.identity, modificationTime: time,
                    isMapped: inode.flags.contains(.mayBeMapped))
            }
            let mayChange = opened.isUnsettled || inode.flags.contains(.mayBeMapped)
            return mayChange ? .ready(host) : .idle(host, modificationTime: time)
        }
    }

    /// The open file that serves the inode's content from now on, if it is open at all.
    func install(_ file: HostFile, in number: InodeNumber) {
        guard let inode = find(number) else { return }
        inode.opened?.host = file
    }

    /// A file that was copied up. That alone is no change yet, but a freeze looks at it.
    func install(_ made: WorkingTree.NewFile, in number: InodeNumber) {
        guard let inode = find(number) else { return }
        let replacesContent = !(inode.body.isEmptyFile || made.status.sizeBytes == 0)
        inode.body = .regular(.own(OwnFile(made)))
        recorder?.madeFile()
        if replacesContent { recorder?.replaces(inode) } else { recorder?.mayWrite(inode) }
        if let opened = inode.opened {
            retire(opened.host)
            opened.host = made.host
        }
        if !inode.flags.contains(.synthesised) { markChanged(inode) }
    }

    /// Changes the size where no own file is needed for it.
    func resizeWithoutFile(
        _ number: InodeNumber, to size: UInt64, clearSetIDs: Bool, at now: FileTime
    ) throws(Interruption) -> Bool {
        let (inode, data) = try regular(number)
        switch data {
        case .own(let file):
            // See below.
            return inode.flags.contains(.synthesised) && size == 0 && file.sizeBytes == 0
        case .empty: if size > 0 { return false }
        case .object(let content):
            if size != 0 && size != content.sizeBytes { return false }
            if size == 0 {
                inode.body = .regular(.empty)
                recorder?.replaces(inode)
                retire(inode.opened?.host)
                inode.opened?.host = nil
            }
        }
        // Emptying a mount target that is shown empty is what a runtime does when it makes it.
        if inode.flags.contains(.synthesised) { return true }
        dropPrivileges(of: inode, setIDs: clearSetIDs)
        // Before the modification time: it is the access time of what has no extras yet.
        touchChangeTime(inode, at: now)
        inode.modificationTime = inode.changeTime
        return true
    }

    func resized(_ number: InodeNumber, _ status: FileStatus, clearSetIDs: Bool) {
        guard let inode = find(number) else { return }
        absorb(status, into: inode)
        if status.sizeBytes == 0 { recorder?.replaces(inode) }
        dropPrivileges(of: inode, setIDs: clearSetIDs)
        touchChangeTime(inode, at: FileTime(status.modificationTime))
    }

    func unsettledInodes() -> [InodeNumber] {
        mapped.values.map(\.number)
            + handles.values.compactMap {
                $0.inode.opened?.isUnsettled == true ? $0.inode.number : nil
            }
    }

    /// The kernel has forgotten every inode and handle.
    func dropKernelReferences() {
        for handle in handles.values { retire(handle.backing) }
        handles = [:]
        listed = InodeTable()
        for inode in inodes.values {
            inode.directory?.unlistAll()
            retire(inode.opened?.host)
            inode.extras?.opened = nil
            inode.lookupCount = 0
            inode.flags.remove(.mayBeMapped)
        }
        mapped = [:]
        for inode in Array(inodes.values) where inodes[inode.number.rawValue] === inode {
            release(inode)
        }
    }
}

extension OwnFile {
    convenience init(_ made: WorkingTree.NewFile) {
        self.init(
            path: made.path, number: made.number, identity: made.host.identity,
            sizeBytes: made.status.sizeBytes, blocks: made.status.blocks, partial: made.partial)
        hostTime = FileTime(made.status.modificationTime)
    }
}
