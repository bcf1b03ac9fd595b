/// Where the lines of a text stand last, by what they hold.
///
/// It tells in constant time whether a line is still to come, so that a file with thousands of
/// `<< word` is not searched to its end for each.
struct LineIndex {
    private var lines: [ArraySlice<UInt8>: Int] = [:]
    /// The same, for lines whose leading tabs do not count.
    private var linesWithoutTabs: [ArraySlice<UInt8>: Int] = [:]

    /// - Parameter start: where the first line that counts begins.
    init(_ text: [UInt8], from start: Int) {
        var offset = start
        while offset < text.count {
            let end = text[offset...].firstIndex(of: 0x0A).map { $0 + 1 } ?? text.count
            let content = text[offset..<end].droppingLineEnd()
            lines[content] = offset
            linesWithoutTabs[content.drop { $0 == 0x09 }] = offset
            offset = end
        }
    }

    /// Whether a line that begins at `offset` or later holds this and nothing else.
    func has(_ content: ArraySlice<UInt8>, from offset: Int, droppingTabs: Bool) -> Bool {
        guard let last = droppingTabs ? linesWithoutTabs[content] : lines[content] else {
            return false
        }
        return last >= offset
    }
}

extension ArraySlice<UInt8> {
    /// A line without the line feed and the carriage returns that end it.
    func droppingLineEnd() -> ArraySlice<UInt8> {
        var line = self
        while let last = line.last, last == 0x0A || last == 0x0D { line = line.dropLast() }
        return line
    }
}
