/// An instruction's text after its continuation lines were joined and its comments dropped,
/// together with the place in the source that each byte came from.
///
///     source    RUN a \        text      R U N _ a _ _ _ b
///               # why          segments  ^0 → 1:1    ^6 → 3:1
///                 b
package struct LogicalLine: Hashable, Sendable {
    /// A run of bytes that stand side by side in the source too.
    struct Segment: Hashable, Sendable {
        /// Where the run begins in `text`.
        var offset: Int
        /// Where the run begins in the source.
        var start: SourcePosition
    }

    /// The joined text.
    package private(set) var text: [UInt8]

    /// Invariant: ordered by `offset`; the first one's offset is 0; never empty.
    private var segments: [Segment]

    init(text: some Sequence<UInt8>, start: SourcePosition) {
        self.text = Array(text)
        self.segments = [Segment(offset: 0, start: start)]
    }

    /// Appends what a continuation line holds.
    mutating func append(_ bytes: some Sequence<UInt8>, start: SourcePosition) {
        segments.append(Segment(offset: text.count, start: start))
        text.append(contentsOf: bytes)
    }

    /// The place in the source of the byte at `offset`, which may be one past the last.
    package func position(at offset: Int) -> SourcePosition {
        let segment = segments.last { $0.offset <= offset } ?? segments[0]
        return SourcePosition(
            line: segment.start.line,
            column: segment.start.column + offset - segment.offset)
    }

    /// The range in the source of a range of `text`.
    package func range(of offsets: Range<Int>) -> SourceRange {
        let start = position(at: offsets.lowerBound)
        guard !offsets.isEmpty else { return SourceRange(start: start, end: start) }
        var end = position(at: offsets.upperBound - 1)
        end.column += 1
        return SourceRange(start: start, end: end)
    }

    /// The range in the source of the whole line.
    package var range: SourceRange { range(of: 0..<text.count) }
}
