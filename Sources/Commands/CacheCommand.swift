internal import ArgumentParser
internal import Engine
internal import ImageSpec
internal import Store

struct CacheCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cache", abstract: "Look at the build cache, and clear it.",
        discussion: """
              vitrine cache ls
              vitrine cache rm 3f2a9c01
              vitrine cache prune --unused-for 168h
            """,
        subcommands: [CacheListCommand.self, CacheRemoveCommand.self, CachePruneCommand.self])
}

struct CacheListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls", abstract: "List entries, most recently used first.",
        discussion: "  vitrine cache ls --format '{{.Key}} {{.Instruction}}'")
    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions
    @Flag(name: .customLong("no-trunc"), help: "Do not shorten.") var noTruncation = false

    func run() throws {
        let engine = try store.engine()
        let now = Timestamp.now
        let rows = try engine.cacheEntries().map { entry in
            let text = entry.instruction.split(whereSeparator: \.isNewline).joined(separator: " ")
            let bytes = try engine.sizeBytes(of: entry)
            return Row([
                ("Key", .string(noTruncation ? "\(entry.key)" : entry.key.digest.short)),
                (
                    "Instruction",
                    .string(noTruncation || text.count <= 60 ? text : text.prefix(59) + "…")
                ),
                ("Size", .string(HumanSize.decimal(Int64(clamping: bytes)))),
                ("SizeBytes", JSONValue(bytes)),
                (
                    "LastUsed",
                    .string(
                        HumanDuration.ago(
                            Timestamp(nanosecondsSinceEpoch: entry.lastUsedAt), now: now))
                ),
                ("Uses", JSONValue(entry.useCount)),
            ])
        }
        try output.print(
            rows,
            columns: [
                ("Key", "KEY"), ("Instruction", "INSTRUCTION"), ("Size", "SIZE"),
                ("LastUsed", "LAST USED"), ("Uses", "USES"),
            ])
    }
}

struct CacheRemoveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm", abstract: "Remove entries.", discussion: "  vitrine cache rm 3f2a9c01")
    @OptionGroup var store: StoreOptions
    @Argument(help: "Keys, or their first digits.") var keys: [String]

    func run() throws {
        let engine = try store.engine()
        for key in keys { Terminal.write("\(try engine.removeCacheEntry(key))\n") }
    }
}

struct CachePruneCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune", abstract: "Remove entries and the files only they hold.",
        discussion: """
              vitrine cache prune
              vitrine cache prune --unused-for 24h
            """)
    @OptionGroup var store: StoreOptions
    @Option(
        name: .customLong("unused-for"),
        help: ArgumentHelp(
            "Only entries not used for so long (90s, 15m, 24h, 7d).", valueName: "time"))
    var unusedFor: String?
    @Flag(name: .customLong("json"), help: "Print JSON.") var json = false

    func validate() throws { _ = try age() }

    private func age() throws -> Duration? {
        guard let text = unusedFor else { return nil }
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        guard let unit = text.last.flatMap({ units[$0] }), let count = Int64(text.dropLast()),
            count >= 0, !count.multipliedReportingOverflow(by: unit).overflow
        else { throw ValidationError("\"\(text)\" is no time; write 90s, 15m, 24h or 7d") }
        return .seconds(count * unit)
    }

    func run() throws {
        let (removed, report) = try store.engine().pruneCache(unusedFor: try age())
        if json { return Terminal.write(report.json, indent: 2) }
        Terminal.write("\(removed.count) entries; removed \(report.text)\n")
    }
}
