internal import ArgumentParser
internal import Engine
internal import ImageSpec
internal import Store

struct LogsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs", abstract: "Print what a container printed.",
        discussion: """
            Times are RFC 3339 (2026-11-27T09:15:00Z), seconds since 1970, or a while back (10m).
            A time below zero (-10m) is one to come, as in Docker.

              vitrine logs -f web
              vitrine logs --tail 20 --since 1h -t web
            """)
    @OptionGroup var store: StoreOptions
    @Flag(name: .shortAndLong, help: "Go on while it runs.") var follow = false
    @Flag(name: .shortAndLong, help: "With the time of each line.") var timestamps = false
    @Flag(help: "With what the log's driver was told to add, which is nothing here.")
    var details = false
    @Option(
        name: [.customShort("n"), .customLong("tail")],
        help: "Only so many of the last lines (all).")
    var tail: String?
    @Option(help: "From this time on.", transform: { try PointInTime.parse($0) }) var since: Int64?
    @Option(help: "Up to this time.", transform: { try PointInTime.parse($0) }) var until: Int64?
    @Argument(help: "The container, by name or ID.") var container: String

    func validate() throws { _ = try lineCount() }

    private func lineCount() throws -> Int? {
        guard let tail, tail != "all" else { return nil }
        guard let count = Int(tail) else {
            throw ValidationError("\"\(tail)\" is no number of lines; write a number or \"all\"")
        }
        // As Docker: a negative number is all.
        return count < 0 ? nil : count
    }

    func run() throws {
        let engine = try store.engine(.existing)
        let record = try engine.container(container)
        guard record.settings.keepsLog else {
            throw EngineError(
                .unavailable, "container \"\(record.name)\" keeps no log",
                hint: "it was made with --log-driver none")
        }
        var request = LogRequest()
        request.follows = follow
        request.tail = try lineCount()
        request.since = since
        request.until = until
        var isLineStart = true
        try engine.readLog(of: record, request) { entry in
            var text = entry.text
            // As Docker: what is added stands before a blank.
            if details, isLineStart { text.insert(UInt8(ascii: " "), at: 0) }
            if timestamps, isLineStart { text = Array("\(entry.time) ".utf8) + text }
            isLineStart = text.last == UInt8(ascii: "\n")
            let stream = entry.isError ? StandardStream.error : StandardStream.output
            stream.write(text)
            // A reader who has gone ends it.
            if case .complete = stream.state { return true }
            return false
        }
    }
}
