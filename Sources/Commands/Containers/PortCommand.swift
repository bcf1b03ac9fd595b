internal import ArgumentParser
internal import Engine
internal import Store

struct PortCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "port", abstract: "List the ports of the host that lead into a container.",
        discussion: """
              vitrine port web
              vitrine port web 80
              vitrine port web 53/udp
            """)
    @OptionGroup var store: StoreOptions
    @Argument(help: "The container, by name or ID.") var container: String
    @Argument(help: ArgumentHelp("One of its ports.", valueName: "port[/protocol]"))
    var port: String?

    func run() throws {
        let engine = try store.engine(.existing)
        let record = try engine.container(container)
        let ports = engine.store.currentState(of: record).publishedPorts
        guard let port else {
            for entry in ports {
                for place in entry.places {
                    Terminal.write(
                        "\(entry.containerPort)/\(entry.transport.rawValue) -> \(place)\n")
                }
            }
            return
        }
        let parts = port.split(separator: "/", omittingEmptySubsequences: false)
        let transport = parts.count == 2 ? String(parts[1]).lowercased() : "tcp"
        guard (1...2).contains(parts.count), let number = UInt16(parts[0]),
            ["tcp", "udp"].contains(transport)
        else {
            throw EngineError(
                .invalid, "\"\(port)\" is no port of a container",
                hint: "write 80, 80/tcp or 53/udp")
        }
        let found = ports.filter {
            $0.containerPort == number && $0.transport.rawValue == transport
        }
        guard !found.isEmpty else {
            throw EngineError(
                .notFound,
                "no public port '\(number)/\(transport)' published for \(record.name)",
                hint: ports.isEmpty
                    ? "ports are published by \"run -p\", while the container runs" : nil)
        }
        for place in found.flatMap(\.places) { Terminal.write("\(place)\n") }
    }
}
