/// How a `CompressingWriter` compresses. Equal settings and equal bytes give equal streams.
package struct CompressionSettings: Equatable, Sendable {
    package var compression: Compression
    /// The format's own scale (gzip 1 to 9, zstd 1 to 22); `nil` for its default (gzip 6, zstd 3).
    package var level: Int?
    /// How many threads zstd works on. Their number does not change the stream.
    package var threads: Int

    package init(_ compression: Compression, level: Int? = nil, threads: Int = 1) {
        self.compression = compression
        self.level = level
        self.threads = threads
    }
}
