internal import CArchive

/// The owner of a `struct archive` that reads through one decompression filter.
///
/// libarchive's own detection is not used: it would go on through up to 25 filters, one in another,
/// where a layer has one. What libarchive leaves unsaid is checked here: it takes anything behind a
/// gzip, bzip2 or lz4 stream that is not such a stream for the end.
@safe
struct ArchiveReader: ~Copyable {
    private let archive: OpaquePointer
    private let input: SourceBuffer
    private let compression: Compression
    private var isFinished = false
    /// Of a gzip stream, unless the caller compares a digest.
    private var checksum: GzipChecksum?

    /// What may follow a compressed stream as padding; tapes and block devices pad to some MiB.
    private static let paddingLimitBytes: Int64 = 64 << 20

    /// Starts to read what `input` has.
    ///
    /// - Throws: `CompressionError`, or what the source throws.
    static func open(
        _ input: SourceBuffer, compression: Compression, verifiesChecksum: Bool
    ) throws -> ArchiveReader {
        guard let archive = unsafe archive_read_new() else {
            throw CompressionError(.unsupported, "no memory for a decompressor")
        }
        var reader = unsafe ArchiveReader(archive, input, compression)
        if verifiesChecksum, compression == .gzip {
            reader.checksum = GzipChecksum()
            input.memberScan = GzipMemberScan()
        }
        try reader.start()
        return reader
    }

    private init(_ archive: OpaquePointer, _ input: SourceBuffer, _ compression: Compression) {
        unsafe self.archive = unsafe archive
        self.input = input
        self.compression = compression
    }

    deinit {
        unsafe archive_read_free(archive)
    }

    private func start() throws {
        // Set, not left to be found: the search takes a stream that fails in its first 64 KiB for an
        // empty one, and refuses one that is empty.
        let format = unsafe archive_read_set_format(archive, ARCHIVE_FORMAT_RAW)
        let filter = unsafe archive_read_append_filter(archive, Self.filterCode(of: compression))
        guard format == ARCHIVE_OK, filter == ARCHIVE_OK else {
            throw CompressionError(
                .unsupported, "libarchive was built without it", compression: compression)
        }
        let context = unsafe Unmanaged.passUnretained(input).toOpaque()
        let opened = unsafe archive_read_open(archive, context, nil, readPiece, nil)
        var entry: OpaquePointer?
        guard opened == ARCHIVE_OK,
            unsafe archive_read_next_header(archive, &entry) == ARCHIVE_OK
        else { throw failure() }
    }

    /// The next decompressed bytes, empty at the end. They stay valid until the next call.
    mutating func next() throws -> UnsafeBufferPointer<UInt8> {
        while !isFinished {
            var block: UnsafeRawPointer?
            var count = 0
            var offset: Int64 = 0
            let result = unsafe archive_read_data_block(archive, &block, &count, &offset)
            switch result {
            case ARCHIVE_OK where count > 0:
                let bytes = unsafe UnsafeBufferPointer(
                    start: block?.assumingMemoryBound(to: UInt8.self), count: count)
                unsafe checksum?.update(bytes)
                return unsafe bytes
            case ARCHIVE_OK: continue
            case ARCHIVE_EOF: try finish()
            default: throw failure()
            }
        }
        return unsafe UnsafeBufferPointer(start: nil, count: 0)
    }

    /// Checks the end that libarchive has found.
    private mutating func finish() throws {
        isFinished = true
        let consumed = unsafe archive_filter_bytes(archive, -1)
        if let checksum, input.memberScan?.mayHaveSeveral == false,
            let trailer = input.recent((consumed - 8)..<consumed),
            !checksum.agrees(withTrailer: trailer)
        {
            throw CompressionError(
                .corrupt, "the checksum is wrong: the stream is damaged", compression: compression)
        }
        try expectPadding(after: consumed)
    }

    /// Checks that nothing but zeros is left, in what libarchive was given and in the source.
    private func expectPadding(after consumed: Int64) throws {
        while !input.wasExhausted {
            _ = unsafe try input.next()
            guard input.deliveredBytes - consumed <= Self.paddingLimitBytes else {
                throw CompressionError(
                    .trailingData,
                    "more than \(Self.paddingLimitBytes) bytes of padding follow the stream",
                    compression: compression)
            }
            if input.lastNonZeroEnd > consumed { break }
        }
        guard input.lastNonZeroEnd > consumed else { return }
        if input.wasExhausted, input.endsInPart(of: compression, from: consumed) {
            throw failure()
        }
        throw CompressionError(
            .trailingData,
            "what begins at byte \(consumed) is neither padding nor another stream",
            compression: compression)
    }

    /// Why the last call failed. A decoder that asked for more than there was met a stream cut short.
    private func failure() -> any Error {
        if let failure = input.failure { return failure }
        if input.wasExhausted {
            return CompressionError(
                .truncated, "the stream is cut short after \(input.deliveredBytes) bytes",
                compression: compression)
        }
        let text = unsafe archive_error_string(archive).map { unsafe String(cString: $0) }
        return CompressionError(
            .corrupt, text ?? "the stream is damaged", compression: compression)
    }

    private static func filterCode(of compression: Compression) -> Int32 {
        switch compression {
        case .none: ARCHIVE_FILTER_NONE
        case .gzip: ARCHIVE_FILTER_GZIP
        case .zstd: ARCHIVE_FILTER_ZSTD
        case .xz: ARCHIVE_FILTER_XZ
        case .bzip2: ARCHIVE_FILTER_BZIP2
        case .lz4: ARCHIVE_FILTER_LZ4
        }
    }
}

/// libarchive's read callback: lends it the source's next piece.
private func readPiece(
    archive: OpaquePointer?, context: UnsafeMutableRawPointer?,
    buffer: UnsafeMutablePointer<UnsafeRawPointer?>?
) -> Int {
    guard let context = unsafe context, let buffer = unsafe buffer else { return -1 }
    let input = unsafe Unmanaged<SourceBuffer>.fromOpaque(context).takeUnretainedValue()
    do {
        let piece = unsafe try input.next()
        unsafe buffer.pointee = unsafe UnsafeRawPointer(piece.baseAddress)
        return piece.count
    } catch {
        // The error itself waits in the SourceBuffer.
        unsafe carchive_set_error(archive, -1, "the source failed")
        return -1
    }
}
