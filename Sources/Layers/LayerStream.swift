package import ImageSpec

/// What a layer's blob must turn out to be, as far as that is known beforehand.
package struct LayerExpectation: Hashable, Sendable {
    /// The digest of the uncompressed tar.
    package var diffID: DiffID?
    /// The digest of the blob as it comes.
    package var blobDigest: Digest?
    package var blobSizeBytes: Int64?

    package init(
        diffID: DiffID? = nil, blobDigest: Digest? = nil, blobSizeBytes: Int64? = nil
    ) {
        self.diffID = diffID
        self.blobDigest = blobDigest
        self.blobSizeBytes = blobSizeBytes
    }
}

/// A layer's uncompressed bytes, read, decompressed and hashed by a thread of their own while
/// the caller's thread uses them.
///
///     source ──▶ hash of the blob ──▶ decompress ──▶ hash of the tar ──▶ queue ──▶ next()
///
/// One thread calls it. The thread behind ends when the stream does, at the latest with ``stop()``.
struct LayerStream: ~Copyable {
    struct Chunk: Sendable {
        var bytes: [UInt8]
        /// How much of the blob was read for this chunk and all before.
        var blobBytes: Int64
    }

    struct Summary: Sendable {
        var diffID: DiffID
        var tarSizeBytes: UInt64
    }

    /// Large enough that a handover costs nothing, small enough to stay in the CPU's cache.
    private static let chunkBytes = 256 << 10
    /// Evens out that a chunk of many small files takes longer than one of a large file.
    private static let queueLength = 16

    private let queue: HandoverQueue<Item>
    private let thread: WorkerThread
    /// Set once the last chunk was handed out.
    private(set) var summary: Summary?

    private enum Item: Sendable {
        case chunk(Chunk)
        case end(Summary)
    }

    init(
        _ source: any ByteSource & Sendable, expecting: LayerExpectation, limits: ArchiveLimits
    ) throws(LayerError) {
        let queue = HandoverQueue<Item>(capacity: Self.queueLength)
        self.queue = queue
        thread = try WorkerThread {
            do {
                try Self.run(source, expecting, limits, into: queue)
                queue.end()
            } catch {
                queue.end(error)
            }
        }
    }

    /// - Returns: nil at the end, when everything that was expected has been found.
    mutating func next() throws -> Chunk? {
        switch try queue.take() {
        case .chunk(let chunk): return chunk
        case .end(let summary):
            self.summary = summary
            return nil
        case nil: return nil
        }
    }

    /// Ends the thread. Waits for a read that is under way: on a pipe, for its next bytes or its end.
    consuming func stop() {
        queue.abandon()
        thread.join()
    }

    private static func run(
        _ source: any ByteSource & Sendable, _ expecting: LayerExpectation,
        _ limits: ArchiveLimits, into queue: HandoverQueue<Item>
    ) throws {
        let blob = HashingSource(source)
        blob.isHashing = expecting.blobDigest != nil
        var reader = try DecompressingReader(blob)
        // The blob is the tar: one hash serves both.
        if reader.compression == .none { blob.isHashing = false }
        var hasher = SHA256Hasher()
        var isMore = true
        while isMore {
            var bytes: [UInt8] = []
            bytes.reserveCapacity(2 * chunkBytes)
            isMore = try reader.read(into: &bytes, minimumBytes: chunkBytes)
            guard isMore else { break }
            try limits.check(
                uncompressedBytes: reader.uncompressedBytes,
                compressedBytes: reader.compressedBytes)
            hasher.update(bytes)
            let chunk = Chunk(bytes: bytes, blobBytes: reader.compressedBytes)
            guard queue.put(.chunk(chunk)) else { return }
        }
        let diffID = DiffID(hasher.finalize())
        let blobDigest = reader.compression == .none ? diffID.digest : blob.finish()
        try verify(
            expecting, diffID: diffID, blobDigest: blobDigest,
            blobSizeBytes: reader.compressedBytes)
        _ = queue.put(
            .end(Summary(diffID: diffID, tarSizeBytes: UInt64(reader.uncompressedBytes))))
    }

    private static func verify(
        _ expecting: LayerExpectation, diffID: DiffID, blobDigest: Digest, blobSizeBytes: Int64
    ) throws(LayerError) {
        if let wanted = expecting.blobSizeBytes, wanted != blobSizeBytes {
            throw LayerError(
                .digestMismatch, "the layer has \(blobSizeBytes) bytes instead of \(wanted)")
        }
        if let wanted = expecting.blobDigest, wanted != blobDigest {
            throw LayerError(
                .digestMismatch, "the layer has the digest \(blobDigest) instead of \(wanted)")
        }
        if let wanted = expecting.diffID, wanted != diffID {
            throw LayerError(
                .digestMismatch,
                "the layer's uncompressed tar has the digest \(diffID), but the image's config "
                    + "says \(wanted)")
        }
    }
}

/// Hashes what is read through it. One thread at a time.
final class HashingSource: ByteSource {
    var isHashing = true
    private var base: any ByteSource
    private var hasher = SHA256Hasher()

    init(_ base: any ByteSource) { self.base = base }

    func read(into buffer: inout OutputSpan<UInt8>) throws {
        let before = buffer.count
        try base.read(into: &buffer)
        guard isHashing else { return }
        let span = buffer.span
        unsafe span.extracting(before..<span.count).withUnsafeBytes { unsafe hasher.update($0) }
    }

    func finish() -> Digest { hasher.finalize() }
}
