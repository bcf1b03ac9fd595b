/// The most that is taken from an archive that is not trusted.
package struct ArchiveLimits: Hashable, Sendable {
    /// A layer, or a whole archive of images or files, uncompressed. Registries stop at some 10 GiB a layer, the
    /// largest machine-learning images have some 100 GiB; 1 TiB leaves room and still ends.
    package var uncompressedBytes: Int64 = 1 << 40

    /// How many bytes may come out of each that went in, once ``ratioGraceBytes`` have. File
    /// systems compress two- to tenfold and logs a hundredfold; gzip cannot pass 1032, where only
    /// bombs and images of empty disks are.
    package var ratio: Int64 = 250

    /// A stream that stays below this may compress as well as it likes: an empty disk image of a
    /// few GiB is none that hurts.
    package var ratioGraceBytes: Int64 = 4 << 30

    /// The holes of a layer's sparse files, which cost no room but must be hashed: 128 GiB are
    /// about a minute and a half. `lastlog` files of large user ids reach some 100 GiB.
    package var holeBytes: UInt64 = 128 << 30

    /// The entries of one layer, or of an archive of files. The largest images have one or two million files. Reading a million
    /// empty ones in one directory takes 680 MB of memory, so that these take less than 6 GB.
    package var layerEntries = 8 << 20

    /// The names, link targets and extended attributes of a layer's entries, which are in memory
    /// while it is read. Two million files with 400 bytes each (a long path, a label, a signature)
    /// have 800 MB.
    package var layerMetadataBytes = 1 << 30

    /// The members of an image archive: a hundred layers for each of a thousand images take
    /// 300,000 in Docker's old layout.
    package var members = 1 << 20

    /// The images of one archive, the indexes on the way to them counted.
    package var documents = 10_000

    /// The indexes, manifests and configs of one archive, each counted as often as it is read. They
    /// stay in memory until their layers are read; a thousand images have some 20 MB.
    package var documentBytes = 256 << 20

    package init() {}

    /// - Throws: `tooLarge` when what came out of a stream is past the limits.
    package func check(
        uncompressedBytes: Int64, compressedBytes: Int64
    ) throws(LayerError) {
        if uncompressedBytes > self.uncompressedBytes {
            throw LayerError(
                .tooLarge,
                "it holds more than \(self.uncompressedBytes) bytes uncompressed, the limit")
        }
        if uncompressedBytes > ratioGraceBytes, uncompressedBytes / ratio > compressedBytes {
            throw LayerError(
                .tooLarge,
                "\(compressedBytes) bytes became more than \(uncompressedBytes) uncompressed, as "
                    + "only a decompression bomb does",
                hint: "unpack it by another tool first if it is none")
        }
    }
}
