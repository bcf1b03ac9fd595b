internal import ArgumentParser
internal import Engine
internal import ImageSpec
internal import Store

struct CacheCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cache", abstract: "Look at the build cache, and clear it.",
        discussion: """
              vitrine cache ls
              vitrine cache mounts
              vitrine cache rm 3f2a9c01
              vitrine cache explain
              vitrine cache prune --force --unused-for 168h
              vitrine cache prune --all --keep-storage 10GB
            """,
        subcommands: [
            CacheListCommand.self, CacheExplainCommand.self, CacheMountsCommand.self,
            CacheMountCommand.self, CacheRemoveCommand.self, BuilderPruneCommand.self,
        ])
}

struct CacheListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls", abstract: "List entries, most recently used first.",
        discussion: """
            SIZE is what the step added or changed.

              vitrine cache ls --format '{{.Key}} {{.Instruction}}'
              vitrine cache ls --filter instruction=RUN --filter until=24h
            """)
    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions
    @Option(
        help: ArgumentHelp(
            "Only entries of an instruction that begins so, not used for a time, or hit before.",
            valueName: "instruction=text, until=time or inuse=bool"),
        transform: { try CacheFilter(parsing: $0) })
    var filter: [CacheFilter] = []
    @Flag(name: .customLong("no-trunc"), help: "Do not shorten.") var noTruncation = false

    func run() throws {
        let engine = try store.engine(.existing)
        let now = Store.now()
        let rows = try engine.cacheEntries().filter { entry in
            filter.allSatisfy { $0.matches(entry, now: now) }
        }.map { entry in
            try engine.row(of: entry, isWhole: noTruncation)
        }
        try output.print(rows, fields: Self.fields)
    }

    static let fields = [
        Field("Key", "KEY"), Field("Instruction", "INSTRUCTION"), Field("Size", "SIZE"),
        Field("SizeBytes", "SIZE BYTES", isColumn: false), Field("LastUsed", "LAST USED"),
        Field("Uses", "USES"), Field("Created", "CREATED", isColumn: false),
        Field("LastUsedAt", "LAST USED AT", isColumn: false),
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
            ("Created", .string("\(Timestamp(nanosecondsSinceEpoch: entry.createdAt))")),
            ("LastUsedAt", .string("\(used)")),
        ])
    }
}

struct CacheRemoveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm", abstract: "Remove entries, or directories of cache mounts.",
        discussion: """
              vitrine cache rm 3f2a9c01
              vitrine cache rm --mount /root/.cache
            """)
    @OptionGroup var store: StoreOptions
    @Flag(help: "Remove cache mounts, by their ids or names.") var mount = false
    @Argument(help: "Keys, or their first digits.") var keys: [String]

    func run() throws {
        let engine = try store.engine(.existing)
        if mount {
            for id in keys {
                for name in try engine.removeCacheMounts(id) { Terminal.write("\(name)\n") }
            }
            return
        }
        for key in keys { Terminal.write("\(try engine.removeCacheEntry(key))\n") }
    }
}
