package import FileTree
internal import ImageSpec
internal import LinuxIO

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
            do throws(Errno) {
                try DescriptorIO.setModificationTime(
                    file.rawValue, ObjectStamp.time(of: content.digest))
            } catch {
                throw ingest.failure(error, temporary)
            }
            try ingest.place(temporary, as: content)
        }
        return content
    }
}
