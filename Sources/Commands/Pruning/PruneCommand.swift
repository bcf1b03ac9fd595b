internal import ArgumentParser
internal import Engine

struct PruneCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune",
        abstract: "Remove what is in no use: containers, images, build cache, volumes.",
        discussion: """
            Containers that do not run, images without a name, and the build cache but for the steps of \
            images; with --all also images without a container and the whole cache; with --volumes also \
            anonymous volumes that no container has. What a build, a mount or another command works \
            with at this moment stays. Without a label of their own, steps of the cache fit only \
            label!=NAME.

              vitrine prune
              vitrine prune --all --force
              vitrine prune --volumes --filter label!=keep
            """)
    @Flag(name: .shortAndLong, help: "All images without a container, and the whole cache.")
    var all = false
    @Flag(help: "Anonymous volumes, too.") var volumes = false
    @OptionGroup var conditions: PruneFilterOptions
    @OptionGroup var pruning: PruneOptions

    func run() throws {
        var order = PruneOrder()
        order.filter = try PruneFilter(conditions.filter)
        if volumes, order.filter.until != nil {
            throw EngineError(
                .invalid, "\"until\" is no filter for volumes",
                hint: "prune them apart, by \"vitrine volume prune\"")
        }
        order.containers = true
        order.images = all ? .unused : .dangling
        if volumes {
            order.volumes = PruneOrder.Volumes(
                includesNamed: false, filter: VolumeFilter(labels: order.filter.labels))
        }
        if order.filter.labels.hold(for: [:]) {
            var cache = CacheOrder()
            cache.unusedSince = order.filter.until
            cache.keepsStepsOfImages = !all
            order.cache = cache
        }
        try pruning.perform(order, warning: warning(order))
    }

    private func warning(_ order: PruneOrder) -> String {
        var lines = ["all stopped containers"]
        if order.volumes != nil {
            lines.append("all anonymous volumes not used by at least one container")
        }
        lines.append(
            all
                ? "all images without at least one container associated to them"
                : "all dangling images")
        if order.cache != nil { lines.append(all ? "all build cache" : "unused build cache") }
        return "This will remove:\n" + lines.map { "  - \($0)\n" }.joined()
    }
}
