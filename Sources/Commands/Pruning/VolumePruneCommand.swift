internal import ArgumentParser
internal import Engine

struct VolumePruneCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune", abstract: "Remove the volumes that no container has.",
        discussion: """
            Anonymous ones; with --all those with a name too.

              vitrine volume prune
              vitrine volume prune --all --force
              vitrine volume prune --all --filter label!=keep
            """)
    @Flag(name: .shortAndLong, help: "Those with a name, too.") var all = false
    @Option(
        help: ArgumentHelp(
            "Only volumes that fit; all=true is the same as --all.",
            valueName: "label[!]=name[=value]"),
        transform: { try FilterText($0) })
    var filter: [FilterText] = []
    @OptionGroup var pruning: PruneOptions

    func run() throws {
        let flags = try filter.filter { $0.key == "all" }.map { try $0.flag() }
        let includesNamed = all || flags.contains(true)
        let filter = try VolumeFilter(filter.filter { $0.key != "all" })
        var order = PruneOrder()
        order.volumes = PruneOrder.Volumes(includesNamed: includesNamed, filter: filter)
        let kind = includesNamed ? "all" : "anonymous"
        try pruning.perform(
            order,
            warning: "This will remove \(kind) local volumes not used by at least one container.")
    }
}
