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
        let engine = try store.engine(.existing)
        let rows = try engine.cacheEntries().map { entry in
            try engine.row(of: entry, isWhole: noTruncation)
        }
        try output.print(rows, fields: Self.fields)
    }

    static let fields = [
        Field("Key", "KEY"), Field("Instruction", "INSTRUCTION"), Field("Size", "SIZE"),
        Field("SizeBytes", "SIZE BYTES", isColumn: false), Field("LastUsed", "LAST USED"),
        Field("Uses", "USES"),
    ]
}

extension Engine {
    /// A line of `cache ls`.
    func row(of entry: CacheRecord, isWhole: Bool) throws -> Row {
        let text = entry.instruction.split(whereSeparator: \.isNewline).joined(separator: " ")
        let bytes = try sizeBytes(of: entry)
        let used = Timestamp(nanosecondsSinceEpoch: entry.lastUsedAt)
        return Row([
            ("Key", .string(isWhole ? "\(entry.key)" : entry.key.digest.short)),
            ("Instruction", .string(isWhole || text.count <= 60 ? text : text.prefix(59) + "…")),
            ("Size", .string(HumanSize.decimal(Int64(clamping: bytes)))),
            ("SizeBytes", JSONValue(bytes)),
            ("LastUsed", .string(HumanDuration.ago(used, now: Timestamp.now))),
            ("Uses", JSONValue(entry.useCount)),
        ])
    }
}

struct CacheRemoveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm", abstract: "Remove entries.", discussion: "  vitrine cache rm 3f2a9c01")
    @OptionGroup var store: StoreOptions
    @Argument(help: "Keys, or their first digits.") var keys: [String]

    func run() throws {
        let engine = try store.engine(.existing)
        for key in keys { Terminal.write("\(try engine.removeCacheEntry(key))\n") }
    }
}

struct CachePruneCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune", abstract: "Remove entries and the files only they hold.",
        discussion: """
            Asks nothing: --force and --all are taken for Docker's sake.

              vitrine cache prune
              vitrine cache prune --unused-for 24h
              vitrine cache prune --force --filter until=24h
            """)
    @OptionGroup var store: StoreOptions
    @Option(
        name: .customLong("unused-for"),
        help: ArgumentHelp(
            "Only entries not used for so long (90s, 15m, 1h30m, 7d).", valueName: "time"),
        transform: { try Self.age($0) })
    var unusedFor: Duration?
    @Option(
        help: ArgumentHelp("The same as --unused-for, as Docker has it.", valueName: "until=time"),
        transform: { text in
            guard text.hasPrefix("until=") else {
                throw ValidationError("the only filter is until=TIME")
            }
            return try Self.age(String(text.dropFirst(6)))
        })
    var filter: Duration?
    @Flag(name: .shortAndLong, help: "Nothing is asked anyway.") var force = false
    @Flag(name: .shortAndLong, help: "All entries go anyway.") var all = false
    @Flag(name: .customLong("json"), help: "Print JSON.") var json = false

    func validate() throws {
        if unusedFor != nil, filter != nil {
            throw ValidationError("--unused-for and --filter say the same; give one")
        }
    }

    private static let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]

    /// `1h30m`, `7d`.
    private static func age(_ text: String) throws -> Duration {
        var rest = text[...]
        var seconds: Int64 = 0
        while !rest.isEmpty {
            let digits = rest.prefix { ("0"..."9").contains($0) }
            rest = rest[digits.endIndex...]
            guard let count = Int64(digits), let unit = rest.popFirst().flatMap({ units[$0] })
            else { throw invalid(text) }
            let (part, isTooLong) = count.multipliedReportingOverflow(by: unit)
            let (sum, overflow) = seconds.addingReportingOverflow(part)
            guard !isTooLong, !overflow, sum <= maximumSeconds else { throw invalid(text) }
            seconds = sum
        }
        guard !text.isEmpty else { throw invalid(text) }
        return .seconds(seconds)
    }

    /// A century; nanoseconds of it fit the store's times.
    private static let maximumSeconds: Int64 = 100 * 366 * 86_400

    private static func invalid(_ text: String) -> ValidationError {
        ValidationError("\"\(text)\" is no time; write 90s, 15m, 1h30m or 7d")
    }

    func run() throws {
        let (removed, report) = try store.engine(.existing)
            .pruneCache(unusedFor: unusedFor ?? filter)
        if json { return Terminal.write(report.json, indent: 2) }
        let entries = CountedNoun.text(removed.count, "entry", "entries")
        Terminal.write("\(entries); removed \(report.text)\n")
    }
}
