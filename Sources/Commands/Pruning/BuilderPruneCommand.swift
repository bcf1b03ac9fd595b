internal import ArgumentParser
internal import Engine
internal import ImageSpec

struct BuilderPruneCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune", abstract: "Remove the build cache.",
        discussion: """
            Without --all the steps of images stay, which take nothing beside them, so that a build of \
            them is still cached. Cache mounts that no build has go, too, unless a size is asked for. \
            "vitrine builder prune" and "vitrine cache prune" are one command; what builds themselves \
            keep the cache to is VITRINE_CACHE_BUDGET (20% of the disk).

              vitrine builder prune
              vitrine builder prune --all --force
              vitrine builder prune --force --filter until=24h
              vitrine builder prune --force --reserved-space 10GB
              vitrine cache prune --force --unused-for 168h
            """)
    @Flag(name: .shortAndLong, help: "The steps of images, too.") var all = false
    @OptionGroup var age: CacheAgeOptions
    @OptionGroup var room: CacheRoomOptions
    @OptionGroup var pruning: PruneOptions

    func run() throws {
        var order = PruneOrder()
        var cache = CacheOrder()
        cache.unusedSince = age.unusedSince
        cache.room = room.room
        cache.keepsStepsOfImages = !all
        order.cache = cache
        try pruning.perform(
            order,
            warning: "This will remove all \(all ? "" : "dangling ")build cache.")
    }
}

/// Which entries of the cache go, by their last use.
struct CacheAgeOptions: ParsableArguments {
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
            return try PointInTime.parse(String(text.dropFirst(6)))
        })
    var filter: Int64?

    func validate() throws {
        if unusedFor != nil, filter != nil {
            throw ValidationError("--unused-for and --filter say the same; give one")
        }
    }

    /// Nanoseconds since 1970.
    var unusedSince: Int64? {
        filter
            ?? unusedFor.map {
                Timestamp.now.nanosecondsSinceEpoch - $0.components.seconds * 1_000_000_000
                    - $0.components.attoseconds / 1_000_000_000
            }
    }
}

/// How much of the cache stays.
struct CacheRoomOptions: ParsableArguments {
    @Option(
        name: [.customLong("keep-storage"), .customLong("reserved-space")],
        help: ArgumentHelp(
            "Only as many that no less than this stays (512MB, 10GB), whatever else is asked.",
            valueName: "size"),
        transform: { try ByteCount.parse($0) })
    var reservedSpace: UInt64?
    @Option(
        name: .customLong("max-used-space"),
        help: ArgumentHelp("Only as many that no more than this stays.", valueName: "size"),
        transform: { try ByteCount.parse($0) })
    var maxUsedSpace: UInt64?
    @Option(
        name: .customLong("min-free-space"),
        help: ArgumentHelp(
            "Only as many that so much of the disk is free.", valueName: "size"),
        transform: { try ByteCount.parse($0) })
    var minFreeSpace: UInt64?

    /// Nil if no size was given.
    var room: CacheRoom? {
        if reservedSpace == nil, maxUsedSpace == nil, minFreeSpace == nil { return nil }
        return CacheRoom(
            reservedBytes: reservedSpace, maximumBytes: maxUsedSpace,
            minimumFreeBytes: minFreeSpace)
    }
}
