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
        transform: { try PruneCondition($0) })
    var filter: [PruneCondition] = []
    @OptionGroup var pruning: PruneOptions

    private var takesNamed: Bool {
        all || filter.contains { if case .dangling(false) = $0 { true } else { false } }
    }

    func validate() throws {
        let asksForUnnamed = filter.contains {
            if case .dangling(true) = $0 { true } else { false }
        }
        if takesNamed, asksForUnnamed {
            throw ValidationError(
                "dangling=true means images without a name, --all and dangling=false those with one, "
                    + "too; give one")
        }
    }

    func run() throws {
        var order = PruneOrder()
        order.images = takesNamed ? .unused : .dangling
        order.filter = PruneFilter(filter)
        try pruning.perform(
            order,
            warning: takesNamed
                ? "This will remove all images without at least one container associated to them."
                : "This will remove all dangling images.")
    }
}
