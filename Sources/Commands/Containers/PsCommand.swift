internal import ArgumentParser
internal import Engine
internal import ImageSpec
internal import Store

struct PsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ps", abstract: "List containers.",
        discussion: """
            Without --all only those that run. Filters: id, name, label, label!, exited, status, ancestor, \
            before, since, volume, publish, expose, health, network, restart-policy.

              vitrine ps -a
              vitrine ps -aq --filter status=exited
              vitrine ps -a --format '{{.ID}} {{.Names}} {{.Status}}'
            """)
    @OptionGroup var list: ContainerList

    func run() throws { try list.run() }
}

/// What `ps` and `container ls` have in common: a command as another one's options would be named in
/// that one's usage.
struct ContainerList: ParsableArguments {
    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions
    @Flag(name: .shortAndLong, help: "Also those that do not run.") var all = false
    @Flag(name: .shortAndLong, help: "Print container IDs only.") var quiet = false
    @Flag(name: .shortAndLong, help: "With their sizes.") var size = false
    @Flag(name: .shortAndLong, help: "The newest one, whether it runs or not.") var latest = false
    @Option(name: [.customShort("n"), .customLong("last")], help: "So many of the newest.")
    var last: Int?
    @Option(
        name: .shortAndLong, help: "Only those that a condition holds for, KEY=VALUE.",
        transform: { try FilterText($0) })
    var filter: [FilterText] = []
    @Flag(name: .customLong("no-trunc"), help: "Do not shorten.") var noTruncation = false

    func run() throws {
        let now = Timestamp.now
        let engine = try store.existingEngine()
        let filter = try ContainerFilter(filter)
        var found = try engine.map { try filter.select(from: $0.containers(), on: $0) } ?? []
        // As Docker: zero and less are no number.
        if let count = latest ? 1 : last, count > 0 {
            found = Array(found.prefix(count))
        } else if !all && !filter.asksForState {
            found = found.filter(\.state.isRunning)
        }
        let rows = try found.map { try row($0, engine, now) }
        if quiet {
            for row in rows { Terminal.write(row.text("ID") + "\n") }
            return
        }
        try output.print(
            rows,
            fields: [
                Field("ID", "CONTAINER ID"), Field("Image", "IMAGE"), Field("Command", "COMMAND"),
                Field("RunningFor", "CREATED"), Field("CreatedAt", "CREATED AT", isColumn: false),
                Field("Status", "STATUS"), Field("Ports", "PORTS"), Field("Names", "NAMES"),
                Field("Size", "SIZE", isColumn: size), Field("State", "STATE", isColumn: false),
                Field("Labels", "LABELS", isColumn: false),
                Field("Mounts", "MOUNTS", isColumn: false),
                Field("Networks", "NETWORKS", isColumn: false),
                Field("LocalVolumes", "LOCAL VOLUMES", isColumn: false),
            ])
    }

    private func row(
        _ container: ContainerSummary, _ engine: Engine?, _ now: Timestamp
    ) throws -> Row {
        let record = container.record
        let created = Timestamp(nanosecondsSinceEpoch: record.createdAt)
        let image = try imageName(record, engine)
        let labels = record.settings.labels.sorted { $0.key < $1.key }
        return Row([
            ("ID", .string(noTruncation ? record.id.text : record.id.short)),
            ("Image", .string(image)),
            ("Command", .string(CommandText.text(container.command, isWhole: noTruncation))),
            ("RunningFor", .string(HumanDuration.ago(created, now: now))),
            ("CreatedAt", .string(created.localText)),
            ("Status", .string(container.statusText(now: now))),
            ("State", .string(container.state.status.rawValue)),
            ("Ports", .string(container.portsText)),
            ("Names", .string(record.name)),
            ("Size", .string(try sizeText(record, engine))),
            ("Labels", .string(labels.map { "\($0.key)=\($0.value)" }.joined(separator: ","))),
            ("Mounts", .string(container.mountsText(isShort: !noTruncation))),
            ("Networks", .string(container.networkText)),
            ("LocalVolumes", .string("\(container.volumeCount)")),
        ])
    }

    private func imageName(_ record: ContainerRecord, _ engine: Engine?) throws -> String {
        guard let engine, try !engine.isImageName(of: record) else { return record.imageName }
        return noTruncation ? "\(record.image)" : record.image.digest.short
    }

    private func sizeText(_ record: ContainerRecord, _ engine: Engine?) throws -> String {
        guard size || output.mentions("Size"), let engine else { return "0B" }
        let sizes = try engine.sizes(of: record)
        return "\(HumanSize.decimal(Int64(clamping: sizes.writableBytes))) (virtual "
            + "\(HumanSize.decimal(Int64(clamping: sizes.virtualBytes))))"
    }
}
