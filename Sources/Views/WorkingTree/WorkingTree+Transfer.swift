internal import FileTree
internal import LinuxIO
package import VirtualFS

/// Reading and writing, for what the kernel does not do by itself.
extension WorkingTree {
    package func read(
        _ inode: InodeNumber, handle: FileHandle?, offset: UInt64, size: Int,
        deliver: (ReadSource) -> Void
    ) throws(FileSystemError) {
        // The inode's present content, not what was there when the file was opened.
        guard let content = try content(of: inode) else { return deliver(.bytes([])) }
        if let partial = content.partial {
            let (end, overflows) = offset.addingReportingOverflow(UInt64(size))
            try read(
                offset..<(overflows ? .max : end), from: content.file, partial, deliver: deliver)
        } else {
            deliver(.descriptor(content.file.descriptor, offset: offset, size: size))
        }
        withExtendedLifetime(content) {}
    }

    private struct OpenContent: Sendable {
        var file: HostFile
        var partial: PartialCopy?
    }

    /// The inode's content, open; nil if it has no byte.
    private func content(of inode: InodeNumber) throws(FileSystemError) -> OpenContent? {
        let (plan, partial) = try perform { (state) throws(Interruption) in
            (
                try state.contentPlan(of: inode, forWriting: false),
                state.find(inode)?.ownFile?.partial
            )
        }
        switch plan {
        case .ready(let file), .idle(let file, _): return OpenContent(file: file, partial: partial)
        case .empty: return nil
        case .openOwn, .openObject:
            return try gated(inode) { () throws(FileSystemError) in
                guard let file = try readableFile(of: inode) else { return nil }
                let partial = locked { $0.find(inode)?.ownFile?.partial }
                return OpenContent(file: file, partial: partial)
            }
        }
    }

    /// The inode's content in one file.
    private func wholeContent(of inode: InodeNumber) throws(FileSystemError) -> HostFile? {
        if try content(of: inode)?.partial != nil { try completeCopy(of: inode) }
        return try content(of: inode)?.file
    }

    /// The own file behind a handle that may write.
    private func writableFile(
        _ inode: InodeNumber, _ handle: FileHandle
    ) throws(FileSystemError) -> HostFile {
        try perform { (state) throws(Interruption) in
            guard let found = state.handles[handle.rawValue], found.isWritable,
                try state.inode(inode) === found.inode, let host = found.inode.opened?.host
            else { throw .failed(.badHandle) }
            return host
        }
    }

    package func write(
        _ inode: InodeNumber, handle: FileHandle, offset: UInt64, data: UnsafeRawBufferPointer,
        clearSetIDs: Bool
    ) throws(FileSystemError) -> Int {
        let file = try writableFile(inode, handle)
        let count: Int
        if let partial = locked({ $0.find(inode)?.ownFile?.partial }) {
            count = unsafe try write(data, at: offset, to: file, partial, of: inode)
        } else {
            do throws(Errno) {
                count = try unsafe DescriptorIO.write(file.descriptor, data, at: offset)
            } catch {
                throw FileSystemError(host: error)
            }
        }
        if clearSetIDs { clearPrivileges(of: inode) }
        if durability != nil, locked({ $0.handles[handle.rawValue]?.isSynchronous == true }) {
            try synchronize(inode, handle: handle, dataOnly: true)
        }
        return count
    }

    private func clearPrivileges(of inode: InodeNumber) {
        let now = clock()
        locked { state in
            guard let found = state.find(inode),
                found.attributes.permissions & 0o6000 != 0
            else { return }
            state.dropPrivileges(of: found)
            state.touchChangeTime(found, at: now)
        }
    }

    package func allocate(
        _ inode: InodeNumber, handle: FileHandle, mode: Int32, offset: UInt64, length: UInt64,
        context: RequestContext
    ) throws(FileSystemError) {
        let file = try writableFile(inode, handle)
        try completeCopy(of: inode)
        try commitCompletion(of: inode)
        do throws(Errno) {
            try DescriptorIO.allocate(
                file.descriptor, mode: mode, offset: offset, length: length)
        } catch {
            throw FileSystemError(host: error)
        }
        if context.userID != 0 { clearPrivileges(of: inode) }
    }

    package func seek(
        _ inode: InodeNumber, handle: FileHandle?, offset: UInt64, whence: Int32
    ) throws(FileSystemError) -> UInt64 {
        // The kernel does not write out a mapping's pages first: where there may be some, the file has
        // no hole that is known of.
        if locked({ ($0.find(inode)?.opened?.cachedMapperCount ?? 0) > 0 }) {
            let size = try attributes(of: inode, handle: handle).attributes.sizeBytes
            guard offset < size else { throw .deviceOffset }
            return whence == DescriptorIO.seekingData ? offset : size
        }
        guard let file = try wholeContent(of: inode) else { throw .deviceOffset }
        do throws(Errno) {
            return try DescriptorIO.seek(
                file.descriptor, offset: Int64(clamping: offset), whence: whence)
        } catch {
            throw FileSystemError(host: error)
        }
    }

    package func copyRange(
        from source: FileRange, to target: FileRange, length: UInt64, context: RequestContext
    ) throws(FileSystemError) -> UInt64 {
        let to = try writableFile(target.inode, target.handle)
        try completeCopy(of: target.inode)
        guard let from = try wholeContent(of: source.inode) else { return 0 }
        let count = try copy(
            from: from.descriptor, at: source.offset, to: to.descriptor, at: target.offset,
            length: length)
        if context.userID != 0 && count > 0 { clearPrivileges(of: target.inode) }
        return count
    }

    /// How much is copied before it is asked whether anybody waits: some 10 ms of work.
    private static let copyPieceBytes: UInt64 = 16 << 20

    /// - Returns: how much was copied; less than `length` at the end, and when the caller was killed.
    private func copy(
        from source: Int32, at sourceOffset: UInt64, to target: Int32, at targetOffset: UInt64,
        length: UInt64
    ) throws(FileSystemError) -> UInt64 {
        var done: UInt64 = 0
        while done < length {
            do throws(Errno) {
                let count = try DescriptorIO.copyRange(
                    from: source, at: sourceOffset + done, to: target, at: targetOffset + done,
                    length: min(length - done, Self.copyPieceBytes))
                if count == 0 { break }
                done += count
            } catch {
                if done > 0 { break }
                throw FileSystemError(host: error)
            }
            if isCallerKilled { break }
        }
        return done
    }
}
