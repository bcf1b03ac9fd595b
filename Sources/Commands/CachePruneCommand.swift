internal import ArgumentParser
internal import Engine
internal import ImageSpec
internal import Store

struct CachePruneCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune",
        abstract: "Remove entries and the files only they hold, and unused cache mounts.",
        discussion: """
            Asks nothing: --force and --all are taken for Docker's sake. With --keep-storage the \
            least recently used entries go until the cache takes no more than that beside images, and \
            cache mounts stay; VITRINE_CACHE_BUDGET (20% of the disk) is kept by builds themselves.

              vitrine cache prune
              vitrine cache prune --keep-storage 10GB
              vitrine cache prune --unused-for 24h
              vitrine cache prune --force --filter until=24h
            """)
    @OptionGroup var store: StoreOptions
    @Option(
        name: .customLong("unused-for"),
        help: ArgumentHelp(
            "Only entries not used for so long (90s, 15m, 1h30m, 7d).", valueName: "time"),
        transform: { try TimeSpan.parse($0) })
    var unusedFor: Duration?
    @Option(
        help: ArgumentHelp("The same as --unused-for, as Docker has it.", valueName: "until=time"),
        transform: { text in
            guard text.hasPrefix("until=") else {
                throw ValidationError("the only filter is until=TIME")
            }
            return try TimeSpan.parse(String(text.dropFirst(6)))
        })
    var filter: Duration?
    @Option(
        name: [.customLong("keep-storage"), .customLong("max-used-space")],
        help: ArgumentHelp(
            "Only as many that no more than this stays (512MB, 10GB).", valueName: "size"),
        transform: { try ByteCount.parse($0) })
    var keepStorage: UInt64?
    @Flag(name: .shortAndLong, help: "Nothing is asked anyway.") var force = false
    @Flag(name: .shortAndLong, help: "All entries go anyway.") var all = false
    @Flag(name: .customLong("json"), help: "Print JSON.") var json = false

    func validate() throws {
        if unusedFor != nil, filter != nil {
            throw ValidationError("--unused-for and --filter say the same; give one")
        }
    }

    func run() throws {
        let engine = try store.engine(.existing)
        let age = unusedFor ?? filter
        let mounts = keepStorage == nil ? try engine.pruneCacheMounts(unusedFor: age) : nil
        let (removed, report) = try engine.pruneCache(
            Engine.PruneRequest(unusedFor: age, keepBytes: keepStorage))
        if json { return Terminal.write(report.json, indent: 2) }
        for name in mounts?.kept ?? [] {
            Terminal.note("kept: the cache mount \(name) is in use")
        }
        let entries = CountedNoun.text(removed.count, "entry", "entries")
        Terminal.write("\(entries); removed \(report.text)\n")
        if let mounts, mounts.removed > 0 {
            let size = HumanSize.decimal(Int64(clamping: mounts.freedBytes))
            Terminal.write("\(CountedNoun.text(mounts.removed, "cache mount")): \(size)\n")
        }
    }
}
