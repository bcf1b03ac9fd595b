internal import ArgumentParser
internal import Engine
internal import ImageSpec
internal import Store

struct EventsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "Print what happens to containers, images and volumes.",
        discussion: """
            Goes on until it is interrupted, or --until has come. Filters: type, event, container, \
            image, volume, label, label!.

              vitrine events
              vitrine events --since 1h --until 0s --filter event=die
              vitrine events --format '{{json .}}'
            """)
    @OptionGroup var store: StoreOptions
    @Option(help: "From this time on.", transform: { try PointInTime.parse($0) }) var since: Int64?
    @Option(help: "Up to this time.", transform: { try PointInTime.parse($0) }) var until: Int64?
    @Option(
        name: .shortAndLong, help: "Only those that a condition holds for, KEY=VALUE.",
        transform: { try FilterText($0) })
    var filter: [FilterText] = []
    @Option(
        help: "Print each by a template such as '{{.Action}} {{.Actor.ID}}'; 'json' as Docker's.",
        transform: { try FormatTemplate($0) })
    var format: FormatTemplate?

    func run() throws {
        let filter = try EventFilter(filter)
        if let since, let until, since > until {
            throw EngineError(.invalid, "--since is after --until")
        }
        try store.engine().watchEvents(since: since, until: until) { event in
            guard filter.matches(event) else { return }
            switch format {
            case nil, .plain?: Terminal.write(Self.line(event) + "\n")
            case .json?: Terminal.write(event.json, indent: nil)
            case .template(let template)?:
                Terminal.write(try template.render(event.json) + "\n")
            }
        }
    }

    /// As Docker's.
    private static func line(_ event: EventRecord) -> String {
        let time = Timestamp(nanosecondsSinceEpoch: event.time).fullLocalText
        let attributes = event.attributes.sorted { $0.key < $1.key }
            .map { "\($0.key)=\($0.value)" }.joined(separator: ", ")
        return "\(time) \(event.kind.rawValue) \(event.action) \(event.actor)"
            + (attributes.isEmpty ? "" : " (\(attributes))")
    }
}
