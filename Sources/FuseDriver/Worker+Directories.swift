internal import CFuse
internal import Synchronization
internal import VirtualFS

// Directories.

extension Worker {
    func openDirectory(_ inode: InodeNumber, _ reply: consuming Reply) {
        var handle = FileHandle(0)
        var flags: UInt32 = 0
        do throws(FileSystemError) {
            guard connection.profile == .writable else { throw FileSystemError.notImplemented }
            handle = try fileSystem.openDirectory(inode)
        } catch .notImplemented {
            connection.hasDirectoryHandles.store(false, ordering: .relaxed)
            if connection.capabilities.openDirectoryWithoutRequest {
                return reply.failure(.notImplemented)
            }
            flags = VITRINE_FOPEN_KEEP_CACHE | VITRINE_FOPEN_CACHE_DIR
        } catch {
            return reply.failure(error)
        }
        let answer = vitrine_open_out(fh: handle.rawValue, open_flags: flags, backing_id: 0)
        if !reply.value(answer), let handle = directoryHandle(handle) {
            fileSystem.releaseDirectory(inode, handle: handle)
        }
    }

    private func directoryHandle(_ handle: FileHandle?) -> FileHandle? {
        connection.hasDirectoryHandles.load(ordering: .relaxed) ? handle : nil
    }

    func readDirectory(
        _ inode: InodeNumber, handle: FileHandle?, offset: UInt64, size: Int,
        withAttributes: Bool, _ reply: consuming Reply
    ) {
        let encoder = DirectoryEncoder(withAttributes: withAttributes)
        var listing = DirectoryListing(
            capacityBytes: min(size, RequestBuffer.scratchBytes),
            overheadBytes: encoder.overheadBytes, wantsAttributes: withAttributes)
        do throws(FileSystemError) {
            try fileSystem.readDirectory(
                inode, handle: directoryHandle(handle), offset: offset, into: &listing)
        } catch {
            return reply.failure(error)
        }
        let scratch = unsafe buffer.scratch
        let length = unsafe encoder.encode(listing.items, into: scratch)
        let encoded = unsafe UnsafeRawBufferPointer(rebasing: scratch.prefix(length))
        if !(unsafe reply.bytes(encoded)), withAttributes {
            for entry in listing.items.compactMap(\.entry) { takeBack(entry) }
        }
    }

    func releaseDirectory(
        _ inode: InodeNumber, handle: FileHandle?, _ reply: consuming Reply
    ) {
        if let handle = directoryHandle(handle) {
            fileSystem.releaseDirectory(inode, handle: handle)
        }
        reply.success()
    }

    func synchronizeDirectory(
        _ inode: InodeNumber, handle: FileHandle?, dataOnly: Bool, _ reply: consuming Reply
    ) {
        do throws(FileSystemError) {
            try fileSystem.synchronize(
                inode, handle: directoryHandle(handle), dataOnly: dataOnly)
            reply.success()
        } catch {
            reply.failure(error)
        }
    }
}

/// Writes directory items as the kernel reads them: an optional entry, a dirent, the name, padding.
struct DirectoryEncoder {
    let withAttributes: Bool

    /// What an item takes besides its name.
    var overheadBytes: Int {
        withAttributes
            ? MemoryLayout<vitrine_direntplus>.size : MemoryLayout<vitrine_dirent>.size
    }

    /// - Parameter target: has room for the items, as a ``DirectoryListing`` made with
    ///   ``overheadBytes`` sees to.
    /// - Returns: the number of bytes written.
    func encode(
        _ items: [DirectoryListing.Item], into target: UnsafeMutableRawBufferPointer
    ) -> Int {
        var position = 0
        for item in items {
            let dirent = vitrine_dirent(
                ino: item.serialNumber, off: item.nextOffset,
                namelen: UInt32(truncatingIfNeeded: item.name.count),
                type: item.type.rawValue >> 12)
            if withAttributes {
                // Node id 0: no attributes, no lookup counted.
                let entry = item.entry.map(vitrine_entry_out.init) ?? vitrine_entry_out()
                unsafe target.storeBytes(
                    of: vitrine_direntplus(entry: entry, dirent: dirent), toByteOffset: position,
                    as: vitrine_direntplus.self)
            } else {
                unsafe target.storeBytes(
                    of: dirent, toByteOffset: position, as: vitrine_dirent.self)
            }
            position += overheadBytes
            let padded = (item.name.count + 7) & ~7
            let name = unsafe UnsafeMutableRawBufferPointer(
                rebasing: target[position..<position + padded])
            unsafe name.copyBytes(from: item.name)
            for index in item.name.count..<padded { unsafe name[index] = 0 }
            position += padded
        }
        return position
    }
}
