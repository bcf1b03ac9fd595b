/// The last lines that a command printed, as a terminal that shows few of them wants them.
struct LogTail: Sendable {
    /// The lines that are shown at most.
    static let lines = 6
    /// More of a line than any terminal shows, control sequences included, is dropped.
    private static let maximumLineBytes = 4 << 10

    /// The last one may not be complete.
    private var kept: [[UInt8]] = [[]]

    mutating func append(_ bytes: [UInt8]) {
        for byte in bytes {
            switch byte {
            case 0x0A:
                kept.append([])
                if kept.count > Self.lines + 1 { kept.removeFirst() }
            case 0x0D: kept[kept.count - 1].removeAll(keepingCapacity: true)
            default:
                if kept[kept.count - 1].count < Self.maximumLineBytes {
                    kept[kept.count - 1].append(byte)
                }
            }
        }
    }

    /// The last lines that are not empty, without what would move or colour anything.
    func last(_ count: Int) -> [String] {
        kept.filter { !$0.isEmpty }.suffix(count).map { TerminalText.plain($0) }
    }
}
