/// Which messages are written: each once in a while, and not too many different ones. A disk that is
/// gone would otherwise fill another with a line for every read.
struct LogThrottle {
    /// How long a message is not repeated.
    static let silenceSeconds: UInt64 = 60
    /// How many different messages are written in that time.
    static let messageLimit = 20

    private var began: UInt64 = 0
    private var written: Set<String> = []
    private var leftOut = 0

    /// - Parameter now: seconds of a clock that never goes back.
    /// - Returns: the lines to write now.
    mutating func lines(for message: String, at now: UInt64) -> [String] {
        var lines: [String] = []
        if now >= began + Self.silenceSeconds {
            if leftOut > 0 { lines.append("\(leftOut) more errors of views were not written") }
            began = now
            written = []
            leftOut = 0
        }
        guard written.count < Self.messageLimit, written.insert(message).inserted else {
            leftOut += 1
            return lines
        }
        return lines + [message]
    }
}
