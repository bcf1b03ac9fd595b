internal import CLinux
internal import Glibc

/// System calls on an open descriptor, with EINTR handled and short transfers finished.
///
/// They take the number, not the owner, since views and drivers pass borrowed descriptors around.
package enum DescriptorIO {
    /// Reads at most `buffer.count` bytes at the descriptor's position.
    /// - Returns: 0 at the end.
    package static func read(
        _ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer
    ) throws(Errno) -> Int {
        try retrying { unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count) }
    }

    /// Reads at `offset` until the buffer is full or the file ends.
    /// - Returns: the bytes read; fewer than asked only at the file's end.
    package static func readFully(
        _ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64
    ) throws(Errno) -> Int {
        var done = 0
        while done < buffer.count {
            let count = try retrying {
                unsafe pread(
                    descriptor, buffer.baseAddress.map { unsafe $0 + done }, buffer.count - done,
                    off_t(clamping: offset) + off_t(done))
            }
            if count == 0 { break }
            done += count
        }
        return done
    }

    /// Reads the rest of the file from its position.
    /// - Parameter limit: EFBIG past that many bytes.
    package static func readAll(_ descriptor: Int32, limit: Int) throws(Errno) -> [UInt8] {
        let chunkBytes = 1 << 16
        // One read for a regular file. It may grow meanwhile, and files of /proc have no size.
        let size = Int(clamping: (try? FileStatus(of: descriptor))?.sizeBytes ?? 0)
        var result = try read(descriptor, atMost: size > 0 ? min(size, limit) : chunkBytes)
        while result.count <= limit {
            let chunk = try read(descriptor, atMost: chunkBytes)
            if chunk.isEmpty { return result }
            result += chunk
        }
        throw .tooLarge
    }

    /// - Returns: nothing at the end.
    private static func read(
        _ descriptor: Int32, atMost count: Int
    ) throws(Errno) -> [UInt8] {
        var failure: Errno?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            do throws(Errno) {
                filled = try unsafe read(descriptor, into: UnsafeMutableRawBufferPointer(buffer))
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// Blocks the thread until one of the descriptors has something to read, its end or an error
    /// included (poll(2)).
    /// - Returns: for each whether it is one of those.
    package static func waitForInput(_ descriptors: [Int32]) throws(Errno) -> [Bool] {
        var entries = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        try retrying { unsafe poll(&entries, nfds_t(entries.count), -1) }
        return entries.map { $0.revents != 0 }
    }

    /// Writes all of `bytes` at the descriptor's position.
    package static func writeAll(
        _ descriptor: Int32, _ bytes: UnsafeRawBufferPointer
    ) throws(Errno) {
        var done = 0
        while done < bytes.count {
            done += try retrying {
                unsafe Glibc.write(
                    descriptor, bytes.baseAddress.map { unsafe $0 + done }, bytes.count - done)
            }
        }
    }

    package static func writeAll(_ descriptor: Int32, _ bytes: [UInt8]) throws(Errno) {
        let outcome: Result<Void, Errno> = unsafe bytes.withUnsafeBytes { buffer in
            do throws(Errno) {
                return .success(try unsafe writeAll(descriptor, buffer))
            } catch {
                return .failure(error)
            }
        }
        try outcome.get()
    }

    /// Writes at `offset` until all is written or an error comes after at least one byte.
    /// - Returns: the bytes written.
    package static func write(
        _ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, at offset: UInt64
    ) throws(Errno) -> Int {
        var done = 0
        while done < bytes.count {
            do throws(Errno) {
                done += try retrying {
                    unsafe pwrite(
                        descriptor, bytes.baseAddress.map { unsafe $0 + done },
                        bytes.count - done, off_t(clamping: offset) + off_t(done))
                }
            } catch {
                if done > 0 { return done }
                throw error
            }
        }
        return done
    }

    /// Writes all of `bytes` at `offset`.
    /// - Throws: ENOSPC if only some of it could be written.
    package static func writeAll(
        _ descriptor: Int32, _ bytes: [UInt8], at offset: UInt64
    ) throws(Errno) {
        let outcome: Result<Int, Errno> = unsafe bytes.withUnsafeBytes { buffer in
            do throws(Errno) {
                return .success(try unsafe write(descriptor, buffer, at: offset))
            } catch {
                return .failure(error)
            }
        }
        guard try outcome.get() == bytes.count else { throw .noSpace }
    }

    /// Another descriptor of the same open file.
    package static func duplicate(_ descriptor: Int32) throws(Errno) -> OwnedDescriptor {
        OwnedDescriptor(
            adopting: try retrying { vitrine_fcntl(descriptor, F_DUPFD_CLOEXEC, 3) })
    }

    /// Writes all of `bytes` at `offset`.
    /// - Throws: ENOSPC if only some of it could be written.
    package static func writeAll(
        _ descriptor: Int32, _ bytes: Span<UInt8>, at offset: UInt64
    ) throws(Errno) {
        let outcome: Result<Int, Errno> = unsafe bytes.withUnsafeBytes { buffer in
            do throws(Errno) {
                return .success(try unsafe write(descriptor, buffer, at: offset))
            } catch {
                return .failure(error)
            }
        }
        guard try outcome.get() == bytes.count else { throw .noSpace }
    }

    package static func synchronize(_ descriptor: Int32, dataOnly: Bool = false) throws(Errno) {
        try retrying { dataOnly ? fdatasync(descriptor) : fsync(descriptor) }
    }

    /// Writes out everything of the file system that holds the descriptor (syncfs(2)).
    package static func synchronizeFileSystem(of descriptor: Int32) throws(Errno) {
        try retrying { vitrine_syncfs(descriptor) }
    }

    package static func truncate(_ descriptor: Int32, to sizeBytes: UInt64) throws(Errno) {
        try retrying { ftruncate(descriptor, off_t(clamping: sizeBytes)) }
    }

    package static func setPermissions(_ descriptor: Int32, _ mode: UInt32) throws(Errno) {
        try retrying { fchmod(descriptor, mode) }
    }

    /// fallocate(2).
    package static func allocate(
        _ descriptor: Int32, mode: Int32, offset: UInt64, length: UInt64
    ) throws(Errno) {
        try retrying {
            vitrine_fallocate(descriptor, mode, off_t(clamping: offset), off_t(clamping: length))
        }
    }

    /// The `whence` that looks for data.
    package static let seekingData = Int32(SEEK_DATA)

    /// lseek(2) with any `whence`, `SEEK_DATA` and `SEEK_HOLE` among them.
    package static func seek(
        _ descriptor: Int32, offset: Int64, whence: Int32
    ) throws(Errno) -> UInt64 {
        UInt64(try retrying { lseek(descriptor, off_t(offset), whence) })
    }

    /// copy_file_range(2).
    package static func copyRange(
        from source: Int32, at sourceOffset: UInt64, to target: Int32, at targetOffset: UInt64,
        length: UInt64
    ) throws(Errno) -> UInt64 {
        var from = off_t(clamping: sourceOffset)
        var to = off_t(clamping: targetOffset)
        return UInt64(
            try retrying {
                unsafe vitrine_copy_file_range(source, &from, target, &to, Int(clamping: length))
            })
    }

    /// Has a file system that copies on write (btrfs) write the blocks of an empty file in place.
    package static func writeInPlace(_ descriptor: Int32) throws(Errno) {
        try retrying { vitrine_write_in_place(descriptor) }
    }

    /// Makes `target` share the blocks of `source` (FICLONE; ioctl_ficlone(2)).
    /// - Throws: EOPNOTSUPP, EXDEV, EINVAL where the file system cannot.
    package static func clone(_ source: Int32, into target: Int32) throws(Errno) {
        try retrying { vitrine_clone_file(target, source) }
    }

    /// Fills `target` (empty) with the content of `source`: shares blocks where the file system
    /// can, else copies data and keeps holes.
    package static func copyContent(from source: Int32, to target: Int32) throws(Errno) {
        if (try? clone(source, into: target)) != nil { return }  // not every file system can
        try copyData(from: source, to: target)
    }

    /// Copies what is data and leaves the rest as holes, by copy_file_range(2) where that works.
    static func copyData(from source: Int32, to target: Int32) throws(Errno) {
        let size = try FileStatus(of: source).sizeBytes
        try truncate(target, to: size)
        try copyData(from: source, to: target, in: 0..<size)
    }

    /// Copies a range between two files, to the same place, and leaves out holes of the source.
    package static func copyData(
        from source: Int32, to target: Int32, in range: Range<UInt64>
    ) throws(Errno) {
        let end = try copyPresentData(from: source, to: target, in: range)
        guard end == range.upperBound else { throw .inputOutput }
    }

    /// ``copyData(from:to:in:)`` of a file that may become shorter meanwhile.
    /// - Returns: where it ended, or the end of the range.
    package static func copyPresentData(
        from source: Int32, to target: Int32, in range: Range<UInt64>
    ) throws(Errno) -> UInt64 {
        var offset = range.lowerBound
        while offset < range.upperBound {
            let data = try nextData(source, from: offset, sizeBytes: range.upperBound)
            if data.isEmpty {
                // A hole, or the end.
                let size = try FileStatus(of: source).sizeBytes
                return min(max(offset, size), range.upperBound)
            }
            offset = data.lowerBound
            let end = min(data.upperBound, range.upperBound)
            while offset < end {
                do throws(Errno) {
                    let count = try copyRange(
                        from: source, at: offset, to: target, at: offset, length: end - offset)
                    if count == 0 { return offset }
                    offset += count
                } catch {
                    // Between file systems, and where one has no such call.
                    guard
                        [.crossDevice, .invalidArgument, .unsupported, .notImplemented]
                            .contains(error)
                    else { throw error }
                    let reached = try copyBytes(from: source, to: target, offset..<end)
                    if reached < end { return reached }
                    offset = end
                }
            }
        }
        return range.upperBound
    }

    /// The next range that is no hole (`SEEK_DATA` and `SEEK_HOLE` of lseek(2)), within `sizeBytes`;
    /// empty at the end.
    package static func nextData(
        _ descriptor: Int32, from position: UInt64, sizeBytes: UInt64
    ) throws(Errno) -> Range<UInt64> {
        do throws(Errno) {
            let start = try seek(descriptor, offset: Int64(position), whence: Int32(SEEK_DATA))
            let end = try seek(descriptor, offset: Int64(start), whence: Int32(SEEK_HOLE))
            let clamped = min(start, sizeBytes)
            return clamped..<max(clamped, min(end, sizeBytes))
        } catch .deviceOffset {
            return sizeBytes..<sizeBytes
        } catch .invalidArgument {
            // A file system that knows no holes.
            return position..<sizeBytes
        }
    }

    /// - Returns: where the source ended, or the end of the range.
    static func copyBytes(
        from source: Int32, to target: Int32, _ range: Range<UInt64>
    ) throws(Errno) -> UInt64 {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
        defer { unsafe buffer.deallocate() }
        var offset = range.lowerBound
        while offset < range.upperBound {
            let part = unsafe UnsafeMutableRawBufferPointer(
                rebasing: buffer[0..<Int(min(UInt64(buffer.count), range.upperBound - offset))])
            let count = try unsafe readFully(source, into: part, at: offset)
            if count == 0 { return offset }
            let bytes = unsafe UnsafeRawBufferPointer(rebasing: part[0..<count])
            guard try unsafe write(target, bytes, at: offset) == count else { throw .noSpace }
            offset += UInt64(count)
        }
        return offset
    }

    /// The bytes of a range; fewer only at the file's end.
    package static func bytes(
        _ descriptor: Int32, in range: Range<UInt64>
    ) throws(Errno) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: range.count)
        let outcome: Result<Int, Errno> = unsafe bytes.withUnsafeMutableBytes { buffer in
            do throws(Errno) {
                return .success(
                    try unsafe readFully(descriptor, into: buffer, at: range.lowerBound))
            } catch {
                return .failure(error)
            }
        }
        bytes.removeSubrange(try outcome.get()...)
        return bytes
    }

    package enum LockMode: Sendable { case shared, exclusive }

    /// flock(2).
    /// - Returns: false if another open file holds it and `waits` is false.
    package static func lock(
        _ descriptor: Int32, _ mode: LockMode, waits: Bool = true
    ) throws(Errno) -> Bool {
        let operation = (mode == .shared ? LOCK_SH : LOCK_EX) | (waits ? 0 : LOCK_NB)
        do throws(Errno) {
            try retrying { flock(descriptor, operation) }
            return true
        } catch .wouldBlock {
            return false
        }
    }
}

extension DescriptorIO {
    /// Gives a lock of flock(2) back; that of a closed file is gone anyway.
    package static func unlock(_ descriptor: Int32) { _ = flock(descriptor, LOCK_UN) }

    /// ``read(_:into:)`` into an array, from its beginning.
    package static func read(
        _ descriptor: Int32, into buffer: inout [UInt8]
    ) throws(Errno) -> Int {
        let outcome: Result<Int, Errno> = unsafe buffer.withUnsafeMutableBytes { bytes in
            do throws(Errno) {
                return .success(try unsafe read(descriptor, into: bytes))
            } catch {
                return .failure(error)
            }
        }
        return try outcome.get()
    }

    /// Reads at `offset` into an array, from its beginning, `limit` bytes at most.
    /// - Returns: zero at the end.
    package static func read(
        _ descriptor: Int32, into buffer: inout [UInt8], at offset: UInt64, limit: Int = .max
    ) throws(Errno) -> Int {
        let outcome: Result<Int, Errno> = unsafe buffer.withUnsafeMutableBytes { bytes in
            do throws(Errno) {
                return .success(
                    try retrying {
                        unsafe pread(
                            descriptor, bytes.baseAddress, min(bytes.count, limit),
                            off_t(clamping: offset))
                    })
            } catch {
                return .failure(error)
            }
        }
        return try outcome.get()
    }
}
