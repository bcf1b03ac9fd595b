/// Writes a stream compressed, to a descriptor or any other sink.
///
/// The same bytes and settings give the same stream, however the bytes were cut into writes: a gzip
/// header has no time and no name. A writer that is dropped without `finish` leaves an incomplete
/// stream, which no reader takes for a complete one.
package struct CompressingWriter: ~Copyable {
    /// How many bytes went in so far.
    package private(set) var uncompressedBytes: Int64 = 0

    private let output: SinkHolder
    /// `nil` for an uncompressed stream.
    private let archive: ArchiveWriter?

    /// - Throws: `CompressionError.unsupported` for a compression that is only read, or a level that
    ///   the format does not have.
    package init(_ sink: any ByteSink, settings: CompressionSettings) throws {
        let output = SinkHolder(sink)
        archive =
            settings.compression == .none
            ? nil : try ArchiveWriter.open(output, settings: settings)
        self.output = output
    }

    /// Writes to a file, pipe or socket, which stays the caller's to close.
    package init(fileDescriptor: Int32, settings: CompressionSettings) throws {
        try self.init(FileDescriptorSink(fileDescriptor), settings: settings)
    }

    /// - Throws: what the sink throws, or `CompressionError`.
    package mutating func write(_ bytes: Span<UInt8>) throws {
        if archive != nil {
            try archive?.write(bytes)
        } else {
            output.write(bytes)
            try output.check()
        }
        uncompressedBytes += Int64(bytes.count)
    }

    /// Completes the stream.
    ///
    /// - Returns: how many bytes the sink was given.
    package consuming func finish() throws -> Int64 {
        try archive?.finish()
        try output.check()
        return output.writtenBytes
    }
}
