internal import CFuse
internal import Glibc
internal import VirtualFS

// Open files and their content.

extension Worker {
    /// `FUSE_OPEN_KILL_SUIDGID` and `FUSE_WRITE_KILL_SUIDGID`: the caller may not keep set ids.
    private static let openClearsSetIDs: UInt32 = 1 << 0
    private static let writeClearsSetIDs: UInt32 = 1 << 2
    /// Where two splices beat a copy through memory, by a fifth: below, the system calls cost more
    /// than the copy; above, the answer no longer fits a pipe (/proc/sys/fs/pipe-max-size is 1 MiB).
    private static let splicedBytes = (64 << 10)...(512 << 10)

    func open(
        _ inode: InodeNumber, flags: OpenFlags, _ context: RequestContext,
        _ reply: consuming Reply
    ) {
        guard connection.profile == .writable else {
            if connection.capabilities.openWithoutRequest {
                return reply.failure(.notImplemented)
            }
            reply.value(vitrine_open_out(OpenedFile(handle: FileHandle(0))))
            return
        }
        do throws(FileSystemError) {
            let file = try fileSystem.open(
                inode, flags: flags, clearSetIDs: openClearsSetIDs(context), context: context)
            guard let answer = answer(inode, file) else {
                // The kernel looks the path up again, and comes back with the new number.
                throw FileSystemError.stale
            }
            if !reply.value(answer) { undoOpen(inode, file.handle) }
        } catch {
            reply.failure(error)
        }
    }

    /// Whether a truncating open drops set ids: the kernel tells, if that was agreed on.
    private func openClearsSetIDs(_ context: RequestContext) -> Bool {
        guard connection.capabilities.clearsSetIDs else { return context.userID != 0 }
        return buffer.argument(vitrine_open_in.self).open_flags & Self.openClearsSetIDs != 0
    }

    /// The answer to an open; nil if the kernel cannot serve the file under this number.
    private func answer(_ inode: InodeNumber, _ file: OpenedFile) -> vitrine_open_out? {
        guard let openFiles = connection.openFiles else { return vitrine_open_out(file) }
        if let answer = openFiles.open(inode, file) { return answer }
        fileSystem.release(inode, handle: file.handle)
        fileSystem.renew(inode)
        return nil
    }

    func create(_ request: NodeCreation, flags: OpenFlags, _ reply: consuming Reply) {
        do throws(FileSystemError) {
            let (entry, file) = try createFile(request, flags)
            let inode = entry.attributes.inode
            guard let opened = answer(inode, file) else {
                // The name was there already.
                takeBack(entry)
                throw FileSystemError.stale
            }
            let answer = vitrine_create_out(entry: vitrine_entry_out(entry), open: opened)
            if !reply.value(answer) {
                undoOpen(inode, file.handle)
                takeBack(entry)
            }
        } catch {
            reply.failure(error)
        }
    }

    private func createFile(
        _ request: NodeCreation, _ flags: OpenFlags
    ) throws(FileSystemError) -> (entry: Entry, file: OpenedFile) {
        guard buffer.isUnnamedCreation else { return try fileSystem.create(request, flags: flags) }
        var request = request
        // The kernel calls it "/".
        request.place.name = []
        return try fileSystem.createUnnamed(request, flags: flags)
    }

    private func undoOpen(_ inode: InodeNumber, _ handle: FileHandle) {
        connection.openFiles?.close(inode)
        fileSystem.release(inode, handle: handle)
    }

    func release(_ inode: InodeNumber, handle: FileHandle?, _ reply: consuming Reply) {
        if let handle, connection.profile == .writable {
            connection.openFiles?.close(inode)
            fileSystem.release(inode, handle: handle)
        }
        reply.success()
    }

    func flush(_ inode: InodeNumber, handle: FileHandle?, _ reply: consuming Reply) {
        guard let handle, connection.profile == .writable else {
            return reply.failure(.notImplemented)
        }
        do throws(FileSystemError) {
            try fileSystem.flush(inode, handle: handle)
            reply.success()
        } catch {
            reply.failure(error)
        }
    }

    func read(
        _ inode: InodeNumber, handle: FileHandle?, offset: UInt64, size: Int,
        _ reply: consuming Reply
    ) {
        var pending: Reply? = reply
        let handle = connection.profile == .writable ? handle : nil
        do throws(FileSystemError) {
            try fileSystem.read(inode, handle: handle, offset: offset, size: size) { source in
                guard let reply = pending.take() else { return }
                switch source {
                case .bytes(let bytes):
                    reply.slice(bytes.prefix(size))
                case .descriptor(let descriptor, let offset, let count):
                    answer(descriptor, offset: offset, size: min(count, size), reply)
                }
            }
        } catch {
            pending.take()?.failure(error)
        }
    }

    private func answer(
        _ descriptor: Int32, offset: UInt64, size: Int, _ reply: consuming Reply
    ) {
        if Self.splicedBytes.contains(size) {
            return reply.fileRange(descriptor, offset: offset, size: size)
        }
        let target = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer.scratch.prefix(size))
        var filled = 0
        while filled < target.count {
            let got = unsafe pread(
                descriptor, target.baseAddress?.advanced(by: filled), target.count - filled,
                off_t(truncatingIfNeeded: offset) + filled)
            if got > 0 {
                filled += got
            } else if got == 0 {
                break
            } else if errno != EINTR {
                return reply.failure(FileSystemError(errno: errno))
            }
        }
        unsafe reply.bytes(UnsafeRawBufferPointer(rebasing: target.prefix(filled)))
    }

    func write(
        _ inode: InodeNumber, handle: FileHandle, offset: UInt64, data: UnsafeRawBufferPointer,
        _ reply: consuming Reply
    ) {
        do throws(FileSystemError) {
            let flags = buffer.argument(vitrine_write_in.self).write_flags
            let written = unsafe try fileSystem.write(
                inode, handle: handle, offset: offset, data: data,
                clearSetIDs: flags & Self.writeClearsSetIDs != 0)
            reply.written(written)
        } catch {
            reply.failure(error)
        }
    }

    func synchronize(
        _ inode: InodeNumber, handle: FileHandle?, dataOnly: Bool, _ reply: consuming Reply
    ) {
        do throws(FileSystemError) {
            try fileSystem.synchronize(
                inode, handle: connection.profile == .writable ? handle : nil, dataOnly: dataOnly)
            reply.success()
        } catch {
            reply.failure(error)
        }
    }

    func seek(
        _ inode: InodeNumber, handle: FileHandle?, offset: UInt64, whence: Int32,
        _ reply: consuming Reply
    ) {
        do throws(FileSystemError) {
            let handle = connection.profile == .writable ? handle : nil
            reply.offset(
                try fileSystem.seek(inode, handle: handle, offset: offset, whence: whence))
        } catch {
            reply.failure(error)
        }
    }

    func allocate(
        _ inode: InodeNumber, handle: FileHandle, mode: Int32, offset: UInt64, length: UInt64,
        _ context: RequestContext, _ reply: consuming Reply
    ) {
        do throws(FileSystemError) {
            try fileSystem.allocate(
                inode, handle: handle, mode: mode, offset: offset, length: length,
                context: context)
            reply.success()
        } catch {
            reply.failure(error)
        }
    }

    func copyRange(
        from source: FileRange, to target: FileRange, length: UInt64,
        _ context: RequestContext, _ reply: consuming Reply
    ) {
        do throws(FileSystemError) {
            // The kernel takes the count as 32 bits.
            let limit = min(length, 1 << 30)
            reply.written(
                Int(
                    try fileSystem.copyRange(
                        from: source, to: target, length: limit, context: context)))
        } catch {
            reply.failure(error)
        }
    }
}
