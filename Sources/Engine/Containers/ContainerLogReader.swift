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

    /// Nanoseconds since 1970; nil for what is no time.
    var moment: Int64? { Timestamp(time)?.nanosecondsSinceEpoch }

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

    /// Calls `body` for each line, until there are no more or it returns false. Without
    /// `LogRequest.follows` the log is what it was at first, however much is being added.
    func read(_ body: (LogEntry) -> Bool) throws(Errno) {
        var goesOn = true
        func show(_ entry: LogEntry) -> Bool {
            if goesOn, isInTime(entry) { goesOn = body(entry) }
            return goesOn
        }
        let (older, log) = try openFiles()
        if let limit = request.tail {
            let lines = try last(limit, of: older, log)
            for entry in lines where goesOn { goesOn = show(entry) }
        } else {
            try older?.read(upTo: older?.sizeBytes(), show)
            try log?.read(upTo: log?.sizeBytes(), show)
        }
        guard request.follows, goesOn, let log else { return }
        try follow(log, show) { goesOn }
    }

    private func follow(
        _ log: LogTail, _ show: (LogEntry) -> Bool, goesOn: () -> Bool
    ) throws(Errno) {
        var tail = log
        let watch = LogWatch(place)
        // The store is asked only when there is a reason to think that it has ended.
        var mayHaveEnded = true
        while goesOn() {
            let hasEnded = mayHaveEnded && !isRunning()
            try tail.read(show)
            if try tail.wasReplaced(at: place.log), let next = try open(place.log) {
                try tail.read(show)
                tail = next
                continue
            }
            if hasEnded || !goesOn() { return }
            let isEnding = !HostDirectory.exists(place.control)
            guard let limit = timeLeft(isEnding ? Self.endingMilliseconds : .max) else { return }
            let happened = watch.wait(upToMilliseconds: limit)
            mayHaveEnded = isEnding || !happened || !HostDirectory.exists(place.control)
        }
    }

    /// The two files of a log, of one moment: the newer one becomes the older one while it is read.
    private func openFiles() throws(Errno) -> (older: LogTail?, log: LogTail?) {
        while true {
            let older = try open(place.olderLog)
            let log = try open(place.log)
            if try older?.wasReplaced(at: place.olderLog) ?? HostDirectory.exists(place.olderLog) {
                continue
            }
            return (older, log)
        }
    }

    /// The last lines of both files, which stand behind them then.
    private func last(
        _ limit: Int, of older: LogTail?, _ log: LogTail?
    ) throws(Errno) -> [LogEntry] {
        var lines = try log?.last(limit, request.since, where: isInTime) ?? []
        if let older, Self.count(lines) < limit {
            lines = try older.last(limit, request.since, where: isInTime) + lines
        }
        return Self.last(limit, of: lines)
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
        guard let moment = entry.moment else { return true }
        return moment >= request.since ?? .min && moment <= request.until ?? .max
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

    /// How many lines these are, not counting one whose beginning may be missing.
    private static func count(_ entries: [LogEntry]) -> Int {
        max(0, entries.count { $0.isWhole } - 1)
    }

    private func open(_ path: String) throws(Errno) -> LogTail? {
        do throws(Errno) {
            return LogTail(try OwnedDescriptor(opening: path, .readOnly))
        } catch .notFound {
            return nil
        }
    }

    /// The lines of a file that grows.
    private final class LogTail {
        private let file: OwnedDescriptor
        private var position: UInt64 = 0
        /// The beginning of a line whose end has not come.
        private var rest: [UInt8] = []
        /// Whether what comes first is the end of a line.
        private var isCut = false

        init(_ file: consuming OwnedDescriptor) { self.file = file }

        func sizeBytes() throws(Errno) -> UInt64 { try FileStatus(of: file.rawValue).sizeBytes }

        /// All whole lines that have come, or those before a place in the file, until `body` returns
        /// false.
        func read(
            upTo end: UInt64? = nil, _ body: (LogEntry) -> Bool
        ) throws(Errno) {
            var chunk = [UInt8](repeating: 0, count: chunkBytes)
            while position < end ?? .max {
                let count = try DescriptorIO.read(
                    file.rawValue, into: &chunk, at: position,
                    limit: Int(clamping: (end ?? .max) - position))
                if count == 0 { return }
                position += UInt64(count)
                rest += chunk[..<count]
                var start = rest.startIndex
                defer { rest.removeSubrange(..<start) }
                while let newline = rest[start...].firstIndex(of: UInt8(ascii: "\n")) {
                    let line = rest[start..<newline]
                    start = newline + 1
                    if isCut {
                        isCut = false
                    } else if let entry = LogEntry(line), !body(entry) {
                        return
                    }
                }
            }
        }

        /// At least the last lines that there are now, as far as there are as many; reading goes on
        /// behind them.
        /// - Parameter since: lines before this moment are not wanted.
        func last(
            _ limit: Int, _ since: Int64?, where isWanted: (LogEntry) -> Bool
        ) throws(Errno) -> [LogEntry] {
            let end = try sizeBytes()
            var window = UInt64(chunkBytes)
            while true {
                position = end - min(window, end)
                isCut = position > 0
                rest = []
                let isAll = !isCut
                var first: LogEntry?
                var entries: [LogEntry] = []
                try read(upTo: end) { entry in
                    first = first ?? entry
                    if isWanted(entry) { entries.append(entry) }
                    return true
                }
                let isEnough = since.map { first?.moment ?? .max < $0 } ?? false
                if isAll || isEnough || count(entries) >= limit { return entries }
                window *= 4
            }
        }

        func wasReplaced(at path: String) throws(Errno) -> Bool {
            guard let now = try? FileStatus(ofPath: path) else { return false }  // between the two
            return try FileStatus(of: file.rawValue).inode != now.inode
        }
    }
}
