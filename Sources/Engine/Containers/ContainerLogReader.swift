internal import Glibc
internal import ImageSpec
internal import LinuxIO
internal import Store

/// Which part of a container's log is wanted.
package struct LogRequest: Sendable {
    /// Goes on while the container runs.
    package var follows = false
    /// Only so many of the last lines; nil is all.
    package var tail: Int?
    /// Nanoseconds since 1970.
    package var since: Int64?
    package var until: Int64?

    package init() {}
}

/// A line of a log, or a part of one.
package struct LogEntry: Sendable {
    /// As the log has it, RFC 3339.
    package var time: String
    package var isError: Bool
    /// With its end of line, unless it has none yet.
    package var text: [UInt8]

    /// - Returns: nil for what is no line of a log.
    init?(_ line: ArraySlice<UInt8>) {
        let fields = line.split(
            separator: UInt8(ascii: " "), maxSplits: 3, omittingEmptySubsequences: false)
        guard fields.count == 4 else { return nil }
        time = String(decoding: fields[0], as: UTF8.self)
        isError = fields[1].elementsEqual("stderr".utf8)
        text = Array(fields[3])
        if fields[2].elementsEqual("F".utf8) { text.append(UInt8(ascii: "\n")) }
    }

    var isWhole: Bool { text.last == UInt8(ascii: "\n") }
}

/// Reads a container's log, and goes on with it.
struct ContainerLogReader {
    private let place: ContainerPlace
    private let request: LogRequest
    /// Whether the container may still print.
    private let isRunning: () -> Bool

    /// How long a container's end is overlooked at most, if the process that ran it was killed.
    private static let patienceMilliseconds: Int64 = 1000
    /// Between its socket's end and its own, which nothing in its directory tells.
    private static let endingMilliseconds: Int64 = 20
    private static let chunkBytes = 1 << 18

    init(_ place: ContainerPlace, _ request: LogRequest, isRunning: @escaping () -> Bool) {
        self.place = place
        self.request = request
        self.isRunning = isRunning
    }

    /// Calls `body` for each line, until there are no more or it returns false.
    func read(_ body: (LogEntry) -> Bool) throws(Errno) {
        var wanted: [LogEntry] = []
        var goesOn = true
        // With a number of lines to show, all but those are read over first.
        let limit = request.tail
        var isFirst = true
        func take(_ entry: LogEntry) {
            guard goesOn, isInTime(entry) else { return }
            if let limit, isFirst {
                wanted.append(entry)
                if wanted.count > max(4 * limit, 4096) { wanted = Self.last(limit, of: wanted) }
            } else {
                goesOn = body(entry)
            }
        }
        func showWanted() {
            if let limit { wanted = Self.last(limit, of: wanted) }
            for entry in wanted where goesOn { goesOn = body(entry) }
            wanted = []
            isFirst = false
        }
        if let older = try open(place.olderLog) {
            var tail = LogTail(older)
            try tail.read(take)
        }
        guard let file = try open(place.log) else { return showWanted() }
        var tail = LogTail(file)
        try tail.read(take)
        showWanted()
        let watch = LogWatch(place)
        // The store is asked only when there is a reason to think that it has ended.
        var mayHaveEnded = true
        while request.follows, goesOn {
            let hasEnded = mayHaveEnded && !isRunning()
            try tail.read(take)
            if try tail.wasReplaced(at: place.log), let next = try open(place.log) {
                try tail.read(take)
                tail = LogTail(next)
                continue
            }
            if hasEnded || !goesOn { return }
            let isEnding = !HostDirectory.exists(place.control)
            guard let limit = timeLeft(isEnding ? Self.endingMilliseconds : .max) else { return }
            let happened = watch.wait(upToMilliseconds: limit)
            mayHaveEnded = isEnding || !happened || !HostDirectory.exists(place.control)
        }
    }

    /// How long to wait for more.
    /// - Returns: nil when the time that was asked for is over.
    private func timeLeft(_ limit: Int64) -> Int32? {
        var milliseconds = min(limit, Self.patienceMilliseconds)
        if let until = request.until {
            let left = until - Store.now()
            if left <= 0 { return nil }
            milliseconds = min(milliseconds, left / 1_000_000 + 1)
        }
        return Int32(clamping: milliseconds)
    }

    private func isInTime(_ entry: LogEntry) -> Bool {
        guard request.since != nil || request.until != nil else { return true }
        guard let time = Timestamp(entry.time)?.nanosecondsSinceEpoch else { return true }
        return time >= request.since ?? .min && time <= request.until ?? .max
    }

    /// The last lines; their parts count as one.
    private static func last(_ limit: Int, of entries: [LogEntry]) -> [LogEntry] {
        var lines = 0
        for (index, entry) in entries.enumerated().reversed() {
            let endsLine = entry.isWhole || index == entries.count - 1
            if endsLine { lines += 1 }
            if lines > limit { return Array(entries[(index + 1)...]) }
        }
        return entries
    }

    private func open(_ path: String) throws(Errno) -> OwnedDescriptor? {
        do throws(Errno) {
            return try OwnedDescriptor(opening: path, .readOnly)
        } catch .notFound {
            return nil
        }
    }

    /// The lines of a file that grows.
    private struct LogTail: ~Copyable {
        private let file: OwnedDescriptor
        private var rest: [UInt8] = []

        init(_ file: consuming OwnedDescriptor) { self.file = file }

        /// All whole lines that have come.
        mutating func read(_ body: (LogEntry) -> Void) throws(Errno) {
            var chunk = [UInt8](repeating: 0, count: chunkBytes)
            while true {
                let count = try DescriptorIO.read(file.rawValue, into: &chunk)
                if count == 0 { return }
                rest += chunk[..<count]
                var start = rest.startIndex
                while let end = rest[start...].firstIndex(of: UInt8(ascii: "\n")) {
                    if let entry = LogEntry(rest[start..<end]) { body(entry) }
                    start = end + 1
                }
                rest.removeSubrange(..<start)
            }
        }

        func wasReplaced(at path: String) throws(Errno) -> Bool {
            guard let now = try? FileStatus(ofPath: path) else { return false }  // between the two
            return try FileStatus(of: file.rawValue).inode != now.inode
        }
    }
}
