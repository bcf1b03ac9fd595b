package import FileTree
internal import ImageSpec
internal import LinuxIO
internal import Synchronization

/// Puts file contents into the object store. Thread-safe.
///
/// While an ingest lives, the collector removes nothing (it takes the sweep lock between ingests),
/// and what an ingest wrote or found is newer than its lease, which protects it until a transaction
/// refers to it. What was written is durable after ``synchronize()``.
package final class ObjectIngest: Sendable {
    private let store: Store
    private let lease: Lease
    private let sweepLock: Mutex<SharedLock>
    /// Bytes that were really written, not found.
    private let written = Atomic<UInt64>(0)

    private struct SharedLock: ~Copyable, Sendable {
        var descriptor: OwnedDescriptor?
    }

    init(store: Store, lease: Lease) throws(StoreError) {
        self.store = store
        self.lease = lease
        let path = store.layout.sweepLock
        do throws(Errno) {
            let descriptor = try OwnedDescriptor(opening: path, [.readWrite, .create])
            _ = try DescriptorIO.lock(descriptor.rawValue, .shared)
            sweepLock = Mutex(SharedLock(descriptor: descriptor))
        } catch {
            throw StoreError(
                .inputOutput, "could not lock the object store", path: path, cause: error)
        }
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
            if content.sizeBytes > 0 { try DescriptorIO.setPermissions(descriptor, 0o444) }
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
    static func hash(_ descriptor: Int32) throws(Errno) -> FileContent {
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
    func isPresent(_ content: FileContent) throws(StoreError) -> Bool {
        let path = store.layout.object(content.digest)
        do throws(Errno) {
            try HostDirectory.touch(path)
            return true
        } catch .notFound {
            return false
        } catch {
            throw failure(error, path)
        }
    }

    func place(_ temporary: String, as content: FileContent) throws(StoreError) {
        do throws(Errno) {
            try HostDirectory.rename(temporary, to: store.layout.object(content.digest))
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

/// Content of unknown digest on its way into the store. One thread at a time.
package final class ObjectWriter {
    private let ingest: ObjectIngest
    private let temporary: String
    private let file: OwnedDescriptor
    private var hasher = SHA256Hasher()
    private var sizeBytes: UInt64 = 0
    private var finished = false

    init(ingest: ObjectIngest, temporary: String) throws(StoreError) {
        self.ingest = ingest
        self.temporary = temporary
        do throws(Errno) {
            file = try OwnedDescriptor(
                opening: temporary, [.writeOnly, .create, .exclusive], permissions: 0o444)
        } catch {
            throw ingest.failure(error, temporary)
        }
    }

    deinit {
        if !finished { ingest.discard(temporary) }
    }

    package func append(_ bytes: UnsafeRawBufferPointer) throws(StoreError) {
        unsafe hasher.update(bytes)
        do throws(Errno) {
            try unsafe DescriptorIO.writeAll(file.rawValue, bytes)
        } catch {
            throw ingest.failure(error, temporary)
        }
        sizeBytes += UInt64(bytes.count)
    }

    package func append(_ bytes: Span<UInt8>) throws(StoreError) {
        let outcome: Result<Void, StoreError> = unsafe bytes.withUnsafeBytes { buffer in
            do throws(StoreError) {
                return .success(try unsafe append(buffer))
            } catch {
                return .failure(error)
            }
        }
        try outcome.get()
    }

    /// Appends zeros as a hole: they are hashed, not written.
    package func appendHole(_ count: UInt64) throws(StoreError) {
        let zeros = [UInt8](repeating: 0, count: Int(min(count, 1 << 16)))
        var left = count
        while left > 0 {
            let step = min(left, UInt64(zeros.count))
            hasher.update(zeros[0..<Int(step)])
            left -= step
        }
        sizeBytes += count
        do throws(Errno) {
            try DescriptorIO.truncate(file.rawValue, to: sizeBytes)
            _ = try DescriptorIO.seek(file.rawValue, offset: 0, whence: 2)
        } catch {
            throw ingest.failure(error, temporary)
        }
    }

    /// Ends the content and gives it its name in the store.
    package func finish() throws(StoreError) -> FileContent {
        finished = true
        let content = FileContent(digest: hasher.finalize(), sizeBytes: sizeBytes)
        if sizeBytes == 0 {
            ingest.discard(temporary)
            return .empty
        }
        if try ingest.isPresent(content) {
            ingest.discard(temporary)
        } else {
            try ingest.place(temporary, as: content)
        }
        return content
    }
}
