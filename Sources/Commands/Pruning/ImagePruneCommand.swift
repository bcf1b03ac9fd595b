internal import ArgumentParser
internal import Engine

struct ImagePruneCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune", abstract: "Remove images that nobody uses.",
        discussion: """
            Those without a name, or with --all those without a container. What a build, a mount or \
            another command works with at this moment stays. The files that only they had go, too; what \
            the build cache has stays in it.

              vitrine image prune
              vitrine image prune --all --force --filter until=240h
              vitrine image prune --all --filter label=stage=test
            """)
    @Flag(name: .shortAndLong, help: "Those with a name, too.") var all = false
    @Option(
        help: ArgumentHelp(
            "Only what was made before a time (10m, 24h, 2026-11-27), or has a label or has it not; "
                + "dangling=false is the same as --all.",
            valueName: "until=time, label[!]=name[=value] or dangling=bool"),
        transform: { try FilterText($0) })
    var filter: [FilterText] = []
    @OptionGroup var pruning: PruneOptions

    func run() throws {
        let flags = try filter.filter { $0.key == "dangling" }.map { try $0.flag() }
        let takesNamed = all || flags.contains(false)
        if takesNamed, flags.contains(true) {
            throw EngineError(
                .invalid, "dangling=true means images without a name",
                hint: "--all and dangling=false mean those with one, too; give one")
        }
        var order = PruneOrder()
        order.images = takesNamed ? .unused : .dangling
        order.filter = try PruneFilter(filter.filter { $0.key != "dangling" })
        try pruning.perform(
            order,
            warning: takesNamed
                ? "This will remove all images without at least one container associated to them."
                : "This will remove all dangling images.")
    }
}
