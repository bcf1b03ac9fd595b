internal import ArgumentParser
internal import Engine

struct ContainerPruneCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune", abstract: "Remove the containers that do not run.",
        discussion: """
            One that is mounted stays. Volumes stay, too; "vitrine volume prune" removes those that no \
            container has any more.

              vitrine container prune
              vitrine container prune --force --filter until=24h
              vitrine container prune --filter label!=keep
            """)
    @OptionGroup var conditions: PruneFilterOptions
    @OptionGroup var pruning: PruneOptions

    func run() throws {
        var order = PruneOrder()
        order.containers = true
        order.filter = try PruneFilter(conditions.filter)
        try pruning.perform(order, warning: "This will remove all stopped containers.")
    }
}
