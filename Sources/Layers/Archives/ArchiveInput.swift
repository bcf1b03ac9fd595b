internal import FileTree
internal import Glibc
internal import LinuxIO
internal import Store

/// Where an archive is read from.
package enum ArchiveInput: Hashable, Sendable {
    /// A file, or a directory with an OCI image layout.
    case path(String)
    /// An open file, pipe or socket, from where it stands; borrowed. The name is for messages.
    case descriptor(Int32, name: String)

    package var name: String {
        switch self {
        case .path(let path): path
        case .descriptor(_, let name): name
        }
    }
}

/// An open file that is shared by those who read ranges of it.
final class SharedFile: Sendable {
    let descriptor: OwnedDescriptor
    init(_ descriptor: consuming OwnedDescriptor) { self.descriptor = descriptor }
}

/// A run of bytes of an open file.
struct FileRange: Sendable {
    let file: SharedFile
    var offset: UInt64
    var sizeBytes: UInt64

    /// All of its bytes.
    /// - Throws: `tooLarge` past `limit`, `invalidArchive` when the file got shorter, `Errno`.
    func bytes(limit: Int) throws -> [UInt8] {
        guard sizeBytes <= UInt64(limit) else {
            throw LayerError(
                .tooLarge, "it has \(sizeBytes) bytes, more than the \(limit) allowed")
        }
        return try bytes(at: 0, count: Int(sizeBytes))
    }

    /// The bytes from `position` on; fewer than `count` only at the range's end.
    func bytes(at position: UInt64, count: Int) throws -> [UInt8] {
        let count = Int(min(UInt64(count), sizeBytes - min(position, sizeBytes)))
        let bytes = try unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = try unsafe DescriptorIO.readFully(
                file.descriptor.rawValue, into: UnsafeMutableRawBufferPointer(buffer),
                at: offset + position)
        }
        guard bytes.count == count else { throw Self.shortened }
        return bytes
    }

    static var shortened: LayerError {
        LayerError(.invalidArchive, "the file became shorter while it was read")
    }
}

/// Reads a range from its beginning to its end.
struct FileRangeSource: ByteSource, Sendable {
    private let range: FileRange
    private var position: UInt64 = 0

    init(_ range: FileRange) { self.range = range }

    mutating func read(into buffer: inout OutputSpan<UInt8>) throws {
        let wanted = min(UInt64(buffer.freeCapacity), range.sizeBytes - position)
        guard wanted > 0 else { return }
        let start = range.offset + position
        let descriptor = range.file.descriptor.rawValue
        let count = try unsafe buffer.withUnsafeMutableBufferPointer { bytes, filled in
            let target = unsafe UnsafeMutableRawBufferPointer(
                rebasing: UnsafeMutableRawBufferPointer(bytes)[filled..<(filled + Int(wanted))])
            let count = try unsafe DescriptorIO.readFully(descriptor, into: target, at: start)
            filled += count
            return count
        }
        guard count == Int(wanted) else { throw FileRange.shortened }
        position += wanted
    }
}

extension ArchiveInput {
    /// What an input turned out to be.
    enum Opened {
        case directory(String)
        /// An uncompressed seekable file, which may be a copy of the input.
        case file(FileRange)
    }

    /// Opens the input; what is compressed or cannot be seeked in is copied to the lease's work
    /// directory, uncompressed.
    /// - Parameter progress: told how many bytes of the input have been copied.
    func open(
        lease: Lease, limits: ArchiveLimits, progress: (Int64) -> Void
    ) throws -> Opened {
        let file: SharedFile
        switch self {
        case .path(let path):
            do throws(Errno) {
                if try FileStatus(ofPath: path).kind == .directory { return .directory(path) }
                file = SharedFile(try OwnedDescriptor(opening: path, .readOnly))
            } catch {
                throw LayerError(
                    .inputOutput, "the archive cannot be opened", path: path, cause: error)
            }
        case .descriptor(let descriptor, let name):
            do throws(Errno) {
                file = SharedFile(try Self.duplicate(descriptor))
            } catch {
                throw LayerError(
                    .inputOutput, "the archive cannot be read", path: name, cause: error)
            }
        }
        if let range = try seekableRange(of: file), try isUncompressed(range) {
            guard range.sizeBytes > 0 else { throw Self.empty(name) }
            return .file(range)
        }
        return .file(try spool(file, lease: lease, limits: limits, progress: progress))
    }

    private static func duplicate(_ descriptor: Int32) throws(Errno) -> OwnedDescriptor {
        let borrowed = OwnedDescriptor(adopting: descriptor)
        let outcome = Result { () throws(Errno) in try borrowed.duplicate().release() }
        _ = borrowed.release()
        return OwnedDescriptor(adopting: try outcome.get())
    }

    /// From where the file stands to its end; nil for what is no regular file.
    private func seekableRange(of file: SharedFile) throws(Errno) -> FileRange? {
        let status = try FileStatus(of: file.descriptor.rawValue)
        guard status.kind == .regular else { return nil }
        let start = try DescriptorIO.seek(
            file.descriptor.rawValue, offset: 0, whence: Int32(SEEK_CUR))
        return FileRange(
            file: file, offset: start, sizeBytes: status.sizeBytes - min(start, status.sizeBytes))
    }

    private func isUncompressed(_ range: FileRange) throws -> Bool {
        let prefix = try range.bytes(at: 0, count: Compression.detectionBytes)
        return Compression.detect(prefix.span) == .none
    }

    private func spool(
        _ file: SharedFile, lease: Lease, limits: ArchiveLimits, progress: (Int64) -> Void
    ) throws -> FileRange {
        let copy = SharedFile(try TemporaryFile.make(lease))
        var reader = try DecompressingReader(fileDescriptor: file.descriptor.rawValue)
        try Self.expectArchive(try reader.peek(TarLayout.blockBytes), name)
        var sink = FileDescriptorSink(copy.descriptor.rawValue)
        var isMore = true
        while isMore {
            isMore = try reader.withNextChunk { bytes in
                do {
                    try sink.write(bytes)
                } catch {
                    throw LayerError(
                        .inputOutput, "it cannot be copied into the store", path: name,
                        hint: "an uncompressed file is read where it is", cause: error)
                }
            }
            try limits.check(
                uncompressedBytes: reader.uncompressedBytes,
                compressedBytes: reader.compressedBytes)
            progress(reader.compressedBytes)
        }
        let sizeBytes = UInt64(reader.uncompressedBytes)
        return FileRange(file: copy, offset: 0, sizeBytes: sizeBytes)
    }

    static func empty(_ name: String) -> LayerError {
        LayerError(.invalidArchive, "it is empty", path: name)
    }

    /// Looks at the first block, before a device or another endless stream fills the disk.
    private static func expectArchive(_ start: [UInt8], _ name: String) throws {
        guard !start.isEmpty else { throw empty(name) }
        guard start.count == TarLayout.blockBytes else {
            throw TarError(.truncated, "the archive is cut short", byteOffset: Int64(start.count))
        }
        guard !TarHeaderBlock.isZero(start.span) else {
            throw TarError(.invalidHeader, "the archive begins with its end", byteOffset: 0)
        }
        do throws(TarError) {
            _ = try TarHeaderBlock(start.span)
        } catch {
            throw error.located(entryPath: nil, byteOffset: 0)
        }
    }
}

/// Files without a name, whose room is free again when they are closed.
enum TemporaryFile {
    static func make(_ lease: Lease) throws(LayerError) -> OwnedDescriptor {
        let path = lease.newWorkPath("archive")
        do throws(Errno) {
            let file = try OwnedDescriptor(
                opening: path, [.readWrite, .create, .exclusive], permissions: 0o600)
            try HostDirectory.unlink(path)
            return file
        } catch {
            throw LayerError(
                .inputOutput, "could not make a temporary file", path: path, cause: error)
        }
    }
}
