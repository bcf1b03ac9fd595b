internal import FileTree
internal import Synchronization

/// The copy of an object into an own file, block by block, as the file is written to.
///
///     object    |AAAA|AAAA|AAAA|AAAA|AAA|     what the file held
///     own file  |····|AABB|····|BBBB|···|     · a hole: the block is still the object's
///     isCopied  | 0  | 1  | 0  | 1  | 0 |
///
/// A small write to a large file costs the blocks that it touches. Until all are copied reads are put
/// together from both files, so the file system serves the inode itself. Whoever needs the own file
/// whole (a freeze, `fallocate`, `SEEK_HOLE`) has the rest copied first.
///
/// Blocks are copied, and written to, under the inode's gate only; they are looked at without.
final class PartialCopy: Sendable {
    /// What a write of a byte copies at most; the table of a file of 1 GiB has 8,192 flags.
    static let blockBytes: UInt64 = 128 << 10
    /// Smaller files are copied whole: that takes less than half a millisecond.
    static let minimumBytes: UInt64 = 1 << 20

    let object: FileContent
    private let state: Mutex<State>

    private struct State {
        var isCopied: [Bool]
        /// What of the object is still part of the file.
        var keptBytes: UInt64

        func block(_ index: Int) -> Range<UInt64> {
            let start = UInt64(index) * PartialCopy.blockBytes
            return start..<min(start + PartialCopy.blockBytes, keptBytes)
        }

        /// Where the part that holds a position ends, and whether the own file has it.
        func part(at position: UInt64) -> (end: UInt64, isOwn: Bool) {
            guard position < keptBytes else { return (.max, true) }
            let index = Int(position / PartialCopy.blockBytes)
            return (block(index).upperBound, isCopied[index])
        }
    }

    /// - Parameter keptBytes: at most the object's size.
    init(of object: FileContent, keptBytes: UInt64) {
        self.object = object
        let count = (keptBytes + Self.blockBytes - 1) / Self.blockBytes
        state = Mutex(
            State(isCopied: Array(repeating: false, count: Int(count)), keptBytes: keptBytes))
    }

    /// What of the object is still part of the file.
    var keptBytes: UInt64 { state.withLock { $0.keptBytes } }

    /// A range of the file, and which of the two has it.
    struct Span: Equatable {
        var range: Range<UInt64>
        var isOwn: Bool
    }

    /// The parts of a range that one file has each, in order.
    func spans(of range: Range<UInt64>) -> [Span] {
        state.withLock { state in
            var result: [Span] = []
            var position = range.lowerBound
            while position < range.upperBound {
                let (end, isOwn) = state.part(at: position)
                let upper = min(end, range.upperBound)
                if result.last?.isOwn == isOwn {
                    let lower = result.removeLast().range.lowerBound
                    result.append(Span(range: lower..<upper, isOwn: isOwn))
                } else {
                    result.append(Span(range: position..<upper, isOwn: isOwn))
                }
                position = upper
            }
            return result
        }
    }

    /// What has to be copied before a range is written: blocks that it covers in part.
    func edges(of range: Range<UInt64>) -> [Range<UInt64>] {
        state.withLock { state in
            let first = Int(clamping: range.lowerBound / Self.blockBytes)
            let last = Int(clamping: (range.upperBound - 1) / Self.blockBytes)
            return (first == last ? [first] : [first, last]).compactMap { index -> Range<UInt64>? in
                guard index < state.isCopied.count, !state.isCopied[index] else { return nil }
                let block = state.block(index)
                let isCovered =
                    range.lowerBound <= block.lowerBound && block.upperBound <= range.upperBound
                return isCovered ? nil : block
            }
        }
    }

    /// Of each block, whether it was copied.
    var copiedBlocks: [Bool] { state.withLock { $0.isCopied } }

    /// Everything that is still only the object's, a block each.
    var missing: [Range<UInt64>] {
        state.withLock { state in
            state.isCopied.indices.filter { !state.isCopied[$0] }.map { state.block($0) }
        }
    }

    /// Whether so much of the file was written that the rest is little beside it: whole, the kernel
    /// reads and writes it by itself.
    var isMostlyCopied: Bool {
        state.withLock { state in
            4 * state.isCopied.count(where: { $0 }) >= state.isCopied.count
        }
    }

    /// The blocks of the range, whole or in part, are the own file's now.
    func copied(_ range: Range<UInt64>) {
        guard !range.isEmpty else { return }
        state.withLock { state in
            let first = Int(clamping: range.lowerBound / Self.blockBytes)
            let last = Int(clamping: (range.upperBound - 1) / Self.blockBytes)
            for index in first...max(first, last) where index < state.isCopied.count {
                state.isCopied[index] = true
            }
        }
    }

    /// What has to be copied before the file is cut: the rest of the block where it will end.
    func edge(ofCutAt size: UInt64) -> Range<UInt64>? {
        state.withLock { state -> Range<UInt64>? in
            let index = Int(clamping: size / Self.blockBytes)
            guard index < state.isCopied.count, !state.isCopied[index] else { return nil }
            let block = state.block(index)
            return block.lowerBound < size && size < block.upperBound
                ? block.lowerBound..<size : nil
        }
    }

    /// Nothing from `size` on comes from the object any more, whatever size the file gets again.
    func cut(at size: UInt64) {
        state.withLock { state in
            guard size < state.keptBytes else { return }
            let count = Int((size + Self.blockBytes - 1) / Self.blockBytes)
            state.isCopied.removeSubrange(count...)
            state.keptBytes = size
        }
    }
}
