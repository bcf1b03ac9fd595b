/// Reads a stream that may be compressed, as what it is uncompressed.
///
/// A stream of several gzip members, zstd frames, or xz, bzip2 or lz4 streams is read to the end of
/// the last. A stream that is cut short is an error at whatever byte it is cut, except between two
/// members, frames or streams, where no format says that one is missing, and except inside the first
/// `Compression.magicBytes`, where it looks uncompressed. Zeros may follow a gzip, bzip2 or lz4
/// stream. Uncompressed streams, empty ones too, come through as they are.
///
/// Checksums are verified, with one gap: libarchive does not check gzip's, and where a file has several
/// gzip members it cannot be checked from outside either. Whoever needs to know compares a digest.
package struct DecompressingReader: ~Copyable {
    /// What the stream turned out to be.
    package let compression: Compression
    /// How many bytes have come out so far, those being peeked at among them.
    package private(set) var uncompressedBytes: Int64 = 0
    /// How many bytes were taken from the source so far.
    package var compressedBytes: Int64 { input.deliveredBytes }

    private let input: SourceBuffer
    private let maximumSizeBytes: Int64
    /// `nil` for an uncompressed stream.
    private var archive: ArchiveReader?
    /// What was peeked at and not read yet.
    private var lookahead: [UInt8] = []
    private var failure: (any Error)?

    /// Reads the stream's first bytes and tells its compression by them.
    ///
    /// - Parameter maximumSizeBytes: how much may come out; beyond it, reading throws `tooLarge`.
    /// - Parameter verifiesChecksum: whether to check a gzip stream's sum, which costs a seventh of the
    ///   time and finds nothing where the caller compares a digest anyway.
    /// - Throws: `CompressionError`, or what the source throws.
    package init(
        _ source: any ByteSource, maximumSizeBytes: Int64 = .max, verifiesChecksum: Bool = true
    ) throws {
        let input = SourceBuffer(source)
        try input.readAhead(Compression.detectionBytes)
        let compression = input.withPiece { Compression.detect($0) }
        let archive =
            compression == .none
            ? nil
            : try ArchiveReader.open(
                input, compression: compression, verifiesChecksum: verifiesChecksum)
        self.input = input
        self.compression = compression
        self.archive = archive
        self.maximumSizeBytes = maximumSizeBytes
    }

    /// Reads from a file, pipe or socket, which stays the caller's to close.
    package init(
        fileDescriptor: Int32, maximumSizeBytes: Int64 = .max, verifiesChecksum: Bool = true
    ) throws {
        try self.init(
            FileDescriptorSource(fileDescriptor), maximumSizeBytes: maximumSizeBytes,
            verifiesChecksum: verifiesChecksum)
    }

    /// Lends the next bytes to `body`, without a copy; at the end it does not call it.
    ///
    /// - Returns: `false` at the end of the stream, which was complete then.
    /// - Throws: `CompressionError`, what the source throws, or what `body` throws.
    package mutating func withNextChunk(_ body: (Span<UInt8>) throws -> Void) throws -> Bool {
        if !lookahead.isEmpty {
            let chunk = lookahead
            lookahead = []
            try body(chunk.span)
            return true
        }
        let chunk = unsafe try next()
        guard !chunk.isEmpty else { return false }
        try body(unsafe chunk.span)
        return true
    }

    /// Replaces the buffer's content by the next bytes: at least `minimumBytes` unless the stream ends
    /// before, and at most one chunk of 256 KiB more.
    ///
    /// - Returns: `false` at the end of the stream, with an empty buffer.
    package mutating func read(
        into buffer: inout [UInt8], minimumBytes: Int = 1 << 20
    ) throws -> Bool {
        buffer.removeAll(keepingCapacity: true)
        while buffer.count < minimumBytes {
            let isMore = try withNextChunk { buffer.append(copying: $0) }
            if !isMore { break }
        }
        return !buffer.isEmpty
    }

    /// The next `count` bytes, fewer only at the stream's end, which stay to be read.
    package mutating func peek(_ count: Int) throws -> [UInt8] {
        while lookahead.count < count {
            let chunk = unsafe try next()
            guard !chunk.isEmpty else { break }
            lookahead.append(copying: unsafe chunk.span)
        }
        return Array(lookahead.prefix(count))
    }

    /// The next bytes from the source or the filter, empty at the end; valid until the next call.
    private mutating func next() throws -> UnsafeBufferPointer<UInt8> {
        if let failure { throw failure }
        do {
            let chunk = unsafe try archive?.next() ?? input.next()
            guard Int64(chunk.count) <= maximumSizeBytes - uncompressedBytes else {
                throw CompressionError(
                    .tooLarge, "the stream holds more than \(maximumSizeBytes) bytes uncompressed",
                    compression: compression)
            }
            uncompressedBytes += Int64(chunk.count)
            return unsafe chunk
        } catch {
            failure = error
            throw error
        }
    }
}
