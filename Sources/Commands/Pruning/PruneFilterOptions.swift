internal import ArgumentParser
internal import Engine

/// The conditions of what is pruned.
struct PruneFilterOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Only what was made before a time (10m, 24h, 2026-11-27), or has a label or has it not.",
            valueName: "until=time or label[!]=name[=value]"),
        transform: { try FilterText($0) })
    var filter: [FilterText] = []
}
