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
        transform: { try Condition($0) })
    var filter: [Condition] = []
    @OptionGroup var pruning: PruneOptions

    enum Condition {
        case all(Bool)
        case volume(VolumeFilter.Condition)

        init(_ text: String) throws {
            guard text.hasPrefix("all=") else {
                self = .volume(try VolumeFilter.Condition(text))
                return
            }
            guard let flag = GoFlags.boolean(String(text.dropFirst(4))) else {
                throw ValidationError("all is true or false")
            }
            self = .all(flag)
        }
    }

    func run() throws {
        var includesNamed = all
        var conditions: [VolumeFilter.Condition] = []
        for condition in filter {
            switch condition {
            case .all(let flag): includesNamed = includesNamed || flag
            case .volume(let condition): conditions.append(condition)
            }
        }
        var order = PruneOrder()
        order.volumes = PruneOrder.Volumes(
            includesNamed: includesNamed, filter: VolumeFilter(conditions))
        let kind = includesNamed ? "all" : "anonymous"
        try pruning.perform(
            order,
            warning: "This will remove \(kind) local volumes not used by at least one container.")
    }
}
