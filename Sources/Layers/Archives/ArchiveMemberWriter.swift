/// Writes the members of an image archive: owned by root, of the epoch's time, so that the same
/// members give the same bytes.
struct ArchiveMemberWriter {
    private let sink: BufferedSink

    init(_ sink: BufferedSink) { self.sink = sink }

    func directory(_ path: String) throws {
        try header(TarEntry(path: Array((path + "/").utf8), kind: .directory, mode: 0o755))
    }

    func file(_ path: String, _ bytes: [UInt8]) throws {
        try file(path, sizeBytes: UInt64(bytes.count)) { try sink.write(bytes.span) }
    }

    /// - Parameter body: writes exactly `sizeBytes` bytes to the sink.
    /// - Throws: `digestMismatch` when it wrote another number; the archive is of no use then.
    func file(_ path: String, sizeBytes: UInt64, _ body: () throws -> Void) throws {
        let size = Int64(clamping: sizeBytes)
        try header(
            TarEntry(path: Array(path.utf8), kind: .regular, mode: 0o644, sizeBytes: size))
        let start = sink.writtenBytes
        try body()
        let written = sink.writtenBytes - start
        guard written == sizeBytes else {
            throw LayerError(
                .digestMismatch, "\(written) bytes were written instead of \(sizeBytes)",
                path: path, hint: "\"vitrine fsck\" tells more")
        }
        let padding = TarWriter.padding(after: size)
        try sink.write(padding.span)
    }

    func end() throws {
        let marker = TarWriter.endMarker
        try sink.write(marker.span)
    }

    private func header(_ entry: TarEntry) throws {
        let bytes = try TarWriter.header(for: entry)
        try sink.write(bytes.span)
    }
}
