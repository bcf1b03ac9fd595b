/// A source with its one buffer, which holds the piece of the stream that was read last.
///
/// libarchive reads through it: it lends out pointers into the buffer, each until the next piece.
@safe
final class SourceBuffer {
    /// Large enough that a system call costs nothing, small enough to stay in the CPU's cache.
    private static let capacity = 256 << 10

    /// Bytes handed out so far.
    private(set) var deliveredBytes: Int64 = 0
    /// Where in the stream the last byte that is not zero ended, of those handed out.
    private(set) var lastNonZeroEnd: Int64 = 0
    /// Whether somebody asked for more and there was none.
    private(set) var wasExhausted = false
    /// Set to look at what is handed out.
    var memberScan: GzipMemberScan?
    /// What the source threw, for libarchive cannot carry it.
    private(set) var failure: (any Error)?

    /// The last bytes handed out before the current piece: enough to tell what a stream's remains are.
    private var tail: [UInt8] = []
    private static let tailBytes = 512

    private var source: any ByteSource
    private let storage: UnsafeMutableBufferPointer<UInt8>
    /// How much of `storage` holds the stream's current piece.
    private var filled = 0
    /// Whether the current piece was read ahead and not handed out yet.
    private var isAhead = false

    init(_ source: any ByteSource) {
        self.source = source
        unsafe storage = .allocate(capacity: Self.capacity)
    }

    deinit {
        unsafe storage.deallocate()
    }

    /// Reads ahead until `count` bytes are there, or the source has no more.
    func readAhead(_ count: Int) throws {
        precondition(deliveredBytes == 0, "reading ahead is for the stream's beginning")
        isAhead = true
        while filled < count {
            let before = filled
            try fill()
            if filled == before { return }
        }
    }

    /// The current piece.
    func withPiece<Result>(_ body: (Span<UInt8>) throws -> Result) rethrows -> Result {
        try body(unsafe UnsafeBufferPointer(rebasing: storage[..<filled]).span)
    }

    /// Bytes that were handed out lately; `nil` for what is too long ago or not there yet.
    func recent(_ range: Range<Int64>) -> [UInt8]? {
        let pieceStart = deliveredBytes - Int64(filled)
        guard range.lowerBound >= pieceStart - Int64(tail.count), range.lowerBound >= 0,
            range.upperBound <= deliveredBytes
        else { return nil }
        return range.map { position in
            position < pieceStart
                ? tail[tail.count - Int(pieceStart - position)]
                : unsafe storage[Int(position - pieceStart)]
        }
    }

    /// Whether what was handed out from `position` on looks like a stream of this kind, cut short.
    func endsInPart(of compression: Compression, from position: Int64) -> Bool {
        let end = min(deliveredBytes, position + Int64(Compression.detectionBytes))
        guard position < end, let rest = recent(position..<end) else { return false }
        return compression.agrees(with: rest.span)
    }

    /// Hands out the next piece, empty at the end. It stays valid until the next call.
    func next() throws -> UnsafeBufferPointer<UInt8> {
        if let failure { throw failure }
        if !isAhead || filled == 0 {
            unsafe tail.append(contentsOf: storage[..<filled].suffix(Self.tailBytes))
            tail.removeFirst(max(0, tail.count - Self.tailBytes))
            filled = 0
            if !wasExhausted { try fill() }
        }
        isAhead = false
        wasExhausted = filled == 0
        let piece = unsafe UnsafeBufferPointer(rebasing: storage[..<filled])
        if let last = unsafe piece.lastIndex(where: { $0 != 0 }) {
            lastNonZeroEnd = deliveredBytes + Int64(last) + 1
        }
        unsafe memberScan?.update(piece)
        deliveredBytes += Int64(filled)
        return unsafe piece
    }

    private func fill() throws {
        do {
            var output = unsafe OutputSpan(
                buffer: UnsafeMutableBufferPointer(rebasing: storage[filled...]),
                initializedCount: 0)
            try source.read(into: &output)
            filled += unsafe output.finalize(
                for: UnsafeMutableBufferPointer(rebasing: storage[filled...]))
        } catch {
            failure = error
            throw error
        }
    }
}
