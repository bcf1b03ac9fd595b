internal import FileTree
internal import Store

/// Hashes contents and puts them into the store on threads of their own, while the caller reads on.
///
///     caller ──▶ queue ──▶ writer, writer ──▶ objects
///        ▲                       │
///        └──── PendingContent ◀──┘   ready in any order; each is waited for where it is needed
///
/// One thread calls it. The threads begin with the first content and end with ``stop()``.
final class ContentWriters {
    /// A content that is being stored, one of those that were handed over together.
    struct PendingContent {
        fileprivate let batch: Batch
        fileprivate let index: Int
    }

    /// What is handed over at once: to wake a thread costs as much as to make a small file.
    fileprivate final class Batch {
        let outcome = HandoverQueue<[FileContent]>(capacity: 1)
        /// Until it is handed over.
        var bodies: [[UInt8]] = []
        var sizeBytes = 0
        /// Once it was waited for.
        var contents: [FileContent]?
    }

    /// Content that arrives in pieces.
    final class Stream {
        fileprivate let batch = Batch()
        var content: PendingContent { PendingContent(batch: batch, index: 0) }
        fileprivate let pieces = HandoverQueue<Piece>(capacity: ContentWriters.pieceQueueLength)

        private var isEnded = false

        fileprivate init() {}

        deinit {
            if !isEnded { pieces.end(LayerError(.inputOutput, "the content was given up")) }
        }

        /// Appends the next piece, or waits for room. An error is ``content``'s.
        func append(_ bytes: Span<UInt8>) { _ = pieces.put(.data([UInt8](copying: bytes))) }

        /// Appends zeros that take no room.
        func appendHole(_ sizeBytes: UInt64) { _ = pieces.put(.hole(sizeBytes)) }

        func end() {
            isEnded = true
            pieces.end()
        }
    }

    fileprivate enum Piece: Sendable {
        case data([UInt8])
        case hole(UInt64)
    }

    private enum Job: Sendable {
        case whole([[UInt8]], HandoverQueue<[FileContent]>)
        case pieces(HandoverQueue<Piece>, HandoverQueue<[FileContent]>)
    }

    /// Making files and copying into the page cache is most of an import's work, and the kernel does
    /// it for two threads at once; the journal holds up a third.
    private static let threadCount = 2
    /// Contents are handed over as soon as there are so many bytes or so many of them: some
    /// milliseconds of work.
    private static let batchBytes = 512 << 10
    private static let batchLength = 64
    /// Batches that wait for a writer, up to a megabyte and a half each: enough for the caller to go
    /// on while both write large ones.
    private static let queueLength = 8
    /// Pieces of a stream that wait for their writer, up to half a megabyte each.
    private static let pieceQueueLength = 8

    private let ingest: ObjectIngest
    private var batch = Batch()
    private let jobs = HandoverQueue<Job>(capacity: queueLength)
    /// Threads cannot be copied, so that no array holds them.
    private var first: WorkerThread?
    private var second: WorkerThread?

    init(_ ingest: ObjectIngest) { self.ingest = ingest }

    /// Stores `bytes`, together with others before or after.
    /// - Throws: `unsupported` when the system has no more threads.
    func insert(_ bytes: [UInt8]) throws(LayerError) -> PendingContent {
        try start()
        let content = PendingContent(batch: batch, index: batch.bodies.count)
        batch.bodies.append(bytes)
        batch.sizeBytes += bytes.count
        if batch.sizeBytes >= Self.batchBytes || batch.bodies.count == Self.batchLength {
            handOver()
        }
        return content
    }

    /// Begins a content of any size.
    /// - Throws: `unsupported` when the system has no more threads.
    func stream() throws(LayerError) -> Stream {
        try start()
        let stream = Stream()
        _ = jobs.put(.pieces(stream.pieces, stream.batch.outcome))
        return stream
    }

    /// Waits until the content is stored.
    /// - Throws: what storing it, or one that was handed over with it, threw.
    func value(of content: PendingContent) throws -> FileContent {
        if content.batch === batch { handOver() }
        let contents = try content.batch.contents ?? content.batch.outcome.take() ?? []
        content.batch.contents = contents
        return contents[content.index]
    }

    private func handOver() {
        _ = jobs.put(.whole(batch.bodies, batch.outcome))
        batch.bodies = []
        batch = Batch()
    }

    /// Ends the threads. What was not stored yet is dropped.
    /// - Precondition: no stream is left.
    func stop() {
        jobs.abandon()
        jobs.end()
        if let thread = first.take() { thread.join() }
        if let thread = second.take() { thread.join() }
    }

    private func start() throws(LayerError) {
        guard first == nil else { return }
        first = try WorkerThread(body)
        second = try WorkerThread(body)
    }

    private var body: @Sendable () -> Void {
        let (ingest, jobs) = (ingest, jobs)
        return {
            // Nobody ends this queue with an error.
            while let job = (try? jobs.take()) ?? nil { Self.run(job, ingest) }
        }
    }

    private static func run(_ job: Job, _ ingest: ObjectIngest) {
        switch job {
        case .whole(let bodies, let outcome):
            finish(outcome) { try bodies.map(ingest.insert) }
        case .pieces(let pieces, let outcome):
            finish(outcome) {
                defer { pieces.abandon() }
                let writer = try ingest.writer()
                while let piece = try pieces.take() {
                    switch piece {
                    case .data(let bytes): try writer.append(bytes.span)
                    case .hole(let sizeBytes): try writer.appendHole(sizeBytes)
                    }
                }
                return [try writer.finish()]
            }
        }
    }

    private static func finish(
        _ outcome: HandoverQueue<[FileContent]>, _ store: () throws -> [FileContent]
    ) {
        do {
            _ = outcome.put(try store())
        } catch {
            outcome.end(error)
        }
    }
}
