internal import ArgumentParser
internal import Engine
internal import ImageSpec
internal import Store

struct CachePruneCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune",
        abstract: "Remove entries and the files only they hold, and unused cache mounts.",
        discussion: """
            Asks nothing: --force and --all are taken for Docker's sake. With a size the least recently \
            used entries go until the cache takes no more than that beside images, and cache mounts \
            stay; VITRINE_CACHE_BUDGET (20% of the disk) is kept by builds themselves.

              vitrine cache prune
              vitrine cache prune --keep-storage 10GB
              vitrine cache prune --unused-for 24h
              vitrine cache prune --force --filter until=24h
            """)
    @OptionGroup var store: StoreOptions
    @OptionGroup var age: CacheAgeOptions
    @OptionGroup var room: CacheRoomOptions
    @Flag(name: .shortAndLong, help: "Nothing is asked anyway.") var force = false
    @Flag(name: .shortAndLong, help: "All entries go anyway.") var all = false
    @Flag(name: .customLong("json"), help: "Print JSON.") var json = false

    func run() throws {
        var order = PruneOrder()
        var cache = CacheOrder()
        cache.unusedSince = age.unusedSince
        cache.room = room.room
        order.cache = cache
        let report = try store.engine(.existing).prune(order)
        let collection = report.collection ?? CollectionReport()
        if json { return Terminal.write(collection.json, indent: 2) }
        for name in report.keptCacheMounts {
            Terminal.note("kept: the cache mount \(name) is in use")
        }
        let entries = CountedNoun.text(report.cacheEntries.count, "entry", "entries")
        Terminal.write("\(entries); removed \(collection.text)\n")
        if report.cacheMounts > 0 {
            let size = HumanSize.decimal(Int64(clamping: report.cacheMountBytes))
            Terminal.write("\(CountedNoun.text(report.cacheMounts, "cache mount")): \(size)\n")
        }
    }
}
