package import FileTree
internal import ImageSpec
package import LinuxIO
internal import Synchronization

/// Puts file contents into the object store. Thread-safe.
///
/// While an ingest lives, the collector unlinks no object: it waits for the sweep lock. What an
/// ingest wrote or found is newer than the mark of its lease, which protects it until a transaction
/// refers to it. What was written is durable after ``synchronize()``.
package final class ObjectIngest: Sendable {
    private let store: Store
    private let lease: Lease
    /// Held, not read.
    private let sweepLock: OwnedDescriptor
    private let readsPresent: Bool
    /// Bytes that were really written, not found.
    private let written = Atomic<UInt64>(0)

    init(store: Store, lease: Lease, readsPresent: Bool) throws(StoreError) {
        self.store = store
        self.readsPresent = readsPresent
        self.lease = lease
        try lease.markIngesting()
        sweepLock = try store.lockSweep(.shared)
    }

    package var writtenBytes: UInt64 { written.load(ordering: .relaxed) }

    /// Stores `bytes`.
    package func insert(_ bytes: [UInt8]) throws(StoreError) -> FileContent {
        let outcome: Result<FileContent, StoreError> = unsafe bytes.withUnsafeBytes { buffer in
            do throws(StoreError) {
                return .success(try unsafe insert(buffer))
            } catch {
                return .failure(error)
            }
        }
        return try outcome.get()
    }

    /// Stores the bytes of a buffer.
    package func insert(_ buffer: UnsafeRawBufferPointer) throws(StoreError) -> FileContent {
        if buffer.count == 0 { return .empty }
        var hasher = SHA256Hasher()
        unsafe hasher.update(buffer)
        let content = FileContent(digest: hasher.finalize(), sizeBytes: UInt64(buffer.count))
        if try isPresent(content) { return content }
        let temporary = lease.newWorkPath("object")
        do throws(Errno) {
            let file = try OwnedDescriptor(
                opening: temporary, [.writeOnly, .create, .exclusive], permissions: 0o444)
            try unsafe DescriptorIO.writeAll(file.rawValue, buffer)
            try DescriptorIO.setModificationTime(
                file.rawValue, ObjectStamp.time(of: content.digest))
        } catch {
            throw failure(error, temporary)
        }
        try place(temporary, as: content)
        return content
    }

    /// A writer for content that arrives in pieces.
    package func writer() throws(StoreError) -> ObjectWriter {
        try ObjectWriter(ingest: self, temporary: lease.newWorkPath("object"))
    }

    /// Hashes the file at `path`, which lies in a work directory of this store, and moves it into
    /// the store. The file is gone from its place, also when its content was there already. Of a
    /// file that somebody may still write to, a copy is stored.
    package func adopt(_ path: String) throws(StoreError) -> FileContent {
        let source: OwnedDescriptor
        do throws(Errno) {
            source = try OwnedDescriptor(opening: path, .readOnly)
        } catch {
            throw failure(error, path)
        }
        guard DescriptorIO.hasWriters(source.rawValue) else {
            return try adopt(path, open: source.rawValue)
        }
        let content = try copy(source.rawValue)
        discard(path)
        return content
    }

    private func adopt(_ path: String, open descriptor: Int32) throws(StoreError) -> FileContent {
        let content: FileContent
        do throws(Errno) {
            content = try Self.hash(descriptor)
            if content.sizeBytes > 0 {
                try DescriptorIO.setPermissions(descriptor, 0o444)
                // What has another name is a container's file, which has a time of its own.
                if try FileStatus(of: descriptor).linkCount == 1 {
                    try DescriptorIO.setModificationTime(
                        descriptor, ObjectStamp.time(of: content.digest))
                }
            }
        } catch {
            throw failure(error, path)
        }
        if content.sizeBytes == 0 {
            discard(path)
        } else if try isPresent(content) {
            discard(path)
        } else {
            try place(path, as: content)
        }
        return content
    }

    /// Stores the content of the file at `path`, which lies on the file system of this store, and
    /// leaves the file where it is. From here on the two may be one file, which nobody may write to:
    /// `st_nlink` tells.
    package func share(_ path: String) throws(StoreError) -> FileContent {
        let source: OwnedDescriptor
        do throws(Errno) {
            source = try OwnedDescriptor(opening: path, .readOnly)
        } catch {
            throw failure(error, path)
        }
        guard !DescriptorIO.hasWriters(source.rawValue) else { return try copy(source.rawValue) }
        let temporary = lease.newWorkPath("object")
        do throws(Errno) {
            try DescriptorIO.setPermissions(source.rawValue, 0o444)
            try HostDirectory.link(path, as: temporary)
        } catch {
            // More names than a file can have, or a file system without them.
            return try copy(source.rawValue)
        }
        return try adopt(temporary, open: source.rawValue)
    }

    /// Stores a copy of an open file; shares its blocks where the file system can.
    package func copy(_ descriptor: Int32) throws(StoreError) -> FileContent {
        let temporary = lease.newWorkPath("object")
        do throws(Errno) {
            let file = try OwnedDescriptor(
                opening: temporary, [.writeOnly, .create, .exclusive], permissions: 0o444)
            try DescriptorIO.copyContent(from: descriptor, to: file.rawValue)
        } catch {
            throw failure(error, temporary)
        }
        return try adopt(temporary)
    }

    /// Makes all that was stored so far survive a power cut (syncfs(2)).
    package func synchronize() throws(StoreError) {
        try store.synchronizeFiles()
    }

    /// The digest and size of an open file.
    package static func hash(_ descriptor: Int32) throws(Errno) -> FileContent {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
        defer { unsafe buffer.deallocate() }
        var hasher = SHA256Hasher()
        var offset: UInt64 = 0
        while true {
            let count = try unsafe DescriptorIO.readFully(descriptor, into: buffer, at: offset)
            if count == 0 { break }
            unsafe hasher.update(UnsafeRawBufferPointer(rebasing: buffer[0..<count]))
            offset += UInt64(count)
        }
        return FileContent(digest: hasher.finalize(), sizeBytes: offset)
    }

    /// Whether the content is there. Being asked for renews it, so that the collector keeps it.
    ///
    /// An object of another size or other bytes is damaged, and as good as none: it will be replaced.
    /// What changed on the disk by itself is noticed only by an ingest that reads what is there.
    package func isPresent(_ content: FileContent) throws(StoreError) -> Bool {
        let path = store.layout.object(content.digest)
        do throws(Errno) {
            let status = try FileStatus(ofPath: path, followsLinks: false)
            guard status.sizeBytes == content.sizeBytes else { return false }
            let isTrusted = ObjectStamp.isOn(status, of: content.digest)
            if readsPresent || !isTrusted {
                let file = try OwnedDescriptor(opening: path, [.readOnly, .noFollow])
                guard try Self.hash(file.rawValue) == content else { return false }
                if !isTrusted { ObjectStamp.put(on: path, status, of: content.digest) }
            }
            try HostDirectory.renew(path)
            return true
        } catch .notFound {
            return false
        } catch {
            throw failure(error, path)
        }
    }

    func place(_ temporary: String, as content: FileContent) throws(StoreError) {
        let path = store.layout.object(content.digest)
        do throws(Errno) {
            try HostDirectory.renameToNew(temporary, to: path)
        } catch .exists {
            // Another ingest was quicker: its file may be durable already, and stays.
            if try isPresent(content) { return discard(temporary) }
            do throws(Errno) {
                try HostDirectory.rename(temporary, to: path)
            } catch {
                throw failure(error, temporary)
            }
        } catch {
            throw failure(error, temporary)
        }
        written.add(content.sizeBytes, ordering: .relaxed)
    }

    func discard(_ path: String) {
        try? HostDirectory.unlink(path)  // left in the work directory, which goes with the lease
    }

    func failure(_ error: Errno, _ path: String) -> StoreError {
        StoreError(.inputOutput, "could not store a file's content", path: path, cause: error)
    }
}
