internal import CArchive

/// The owner of a `struct archive` that writes through one compression filter.
@safe
struct ArchiveWriter: ~Copyable {
    private let archive: OpaquePointer
    private let output: SinkHolder

    /// Starts to write to `output`.
    ///
    /// - Throws: `CompressionError.unsupported` for what libarchive cannot write or a level it refuses.
    static func open(
        _ output: SinkHolder, settings: CompressionSettings
    ) throws -> ArchiveWriter {
        guard let archive = unsafe archive_write_new() else {
            throw CompressionError(.unsupported, "no memory for a compressor")
        }
        let writer = unsafe ArchiveWriter(archive, output)
        try writer.start(settings)
        return writer
    }

    private init(_ archive: OpaquePointer, _ output: SinkHolder) {
        unsafe self.archive = unsafe archive
        self.output = output
    }

    deinit {
        // Freeing an archive that was not finished closes it, which writes, and frees the compressor
        // only so.
        output.detach()
        unsafe archive_write_free(archive)
    }

    private func start(_ settings: CompressionSettings) throws {
        try configure(settings)
        let context = unsafe Unmanaged.passUnretained(output).toOpaque()
        guard unsafe archive_write_open(archive, context, nil, writePiece, nil) == ARCHIVE_OK,
            let entry = unsafe archive_entry_new()
        else { throw failure() }
        defer { unsafe archive_entry_free(entry) }
        // The raw format writes one entry, its data alone.
        unsafe carchive_entry_make_regular(entry)
        guard unsafe archive_write_header(archive, entry) == ARCHIVE_OK else { throw failure() }
    }

    func write(_ bytes: Span<UInt8>) throws {
        try unsafe bytes.withUnsafeBufferPointer { buffer in
            var written = 0
            while written < buffer.count {
                let count = unsafe archive_write_data(
                    archive, buffer.baseAddress?.advanced(by: written), buffer.count - written)
                try output.check()
                guard count > 0 else { throw failure() }
                written += count
            }
        }
    }

    /// Writes what is left and the stream's end.
    func finish() throws {
        let result = unsafe archive_write_close(archive)
        try output.check()
        guard result == ARCHIVE_OK else { throw failure() }
    }

    private func configure(_ settings: CompressionSettings) throws {
        unsafe archive_write_set_format_raw(archive)
        // Pieces reach the sink as the filter makes them; by default they are cut and padded to 10 KiB.
        unsafe archive_write_set_bytes_per_block(archive, 0)
        unsafe archive_write_set_bytes_in_last_block(archive, 1)
        let name = settings.compression.rawValue
        let added: Int32
        switch settings.compression {
        case .gzip:
            added = unsafe archive_write_add_filter_gzip(archive)
            // No value: no time in the header, where the default is now.
            try setOption(name, "timestamp", nil)
        case .zstd:
            added = unsafe archive_write_add_filter_zstd(archive)
            // Without worker threads zstd makes another stream than with them; with them, their
            // number makes no difference.
            try setOption(name, "threads", String(max(1, settings.threads)))
        case .none, .xz, .bzip2, .lz4:
            throw CompressionError(
                .unsupported, "layers are written as gzip or zstd, or uncompressed",
                compression: settings.compression)
        }
        guard added == ARCHIVE_OK else {
            throw CompressionError(
                .unsupported, "libarchive was built without it", compression: settings.compression)
        }
        if let level = settings.level {
            try setOption(name, "compression-level", String(level))
        }
    }

    private func setOption(_ filter: String, _ option: String, _ value: String?) throws {
        let result = unsafe archive_write_set_filter_option(archive, filter, option, value)
        guard result == ARCHIVE_OK else {
            throw CompressionError(
                .unsupported, "\(filter) has no \(option) \(value ?? "")",
                compression: Compression(rawValue: filter))
        }
    }

    private func failure() -> any Error {
        let text = unsafe archive_error_string(archive).map { unsafe String(cString: $0) }
        return CompressionError(.unsupported, text ?? "libarchive failed")
    }
}

/// libarchive's write callback: gives the piece to the sink.
///
/// It always says that it went well: after a failure libarchive would not free its compressor. What the
/// sink threw waits in the SinkHolder.
private func writePiece(
    archive: OpaquePointer?, context: UnsafeMutableRawPointer?,
    bytes: UnsafeRawPointer?, count: Int
) -> Int {
    guard let context = unsafe context else { return -1 }
    let output = unsafe Unmanaged<SinkHolder>.fromOpaque(context).takeUnretainedValue()
    let piece = unsafe UnsafeBufferPointer(
        start: bytes?.assumingMemoryBound(to: UInt8.self), count: count)
    output.write(unsafe piece.span)
    return count
}
