internal import ArgumentParser
internal import Builder
internal import Dockerfile
internal import Engine
internal import Store

/// What a container sees of the network, and what of it is seen there.
struct NetworkOptions: ParsableArguments {
    @Option(
        name: [.customLong("network"), .customLong("net")],
        help: ArgumentHelp(
            "Its network: its own (bridge), none, the host's or another container's.",
            valueName: "bridge|none|host|container:name"))
    var network: String?
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "A port of the host that leads into it.",
            valueName: "[[address:][port]:]port[/udp]"))
    var publish: [String] = []
    @Flag(name: [.customShort("P"), .long], help: "Publish all exposed ports, on free ones.")
    var publishAll = false
    @Option(help: ArgumentHelp("A port that it listens on.", valueName: "port[-port][/udp]"))
    var expose: [String] = []
    @Option(
        name: [.customShort("h"), .long], help: ArgumentHelp("Its own name.", valueName: "name"))
    var hostname: String?
    @Option(help: ArgumentHelp("The domain of its name.", valueName: "name"))
    var domainname: String?
    @Option(
        help: ArgumentHelp("A line of its /etc/hosts.", valueName: "name:address"))
    var addHost: [String] = []
    @Option(
        help: ArgumentHelp(
            "The hardware address of its network's interface.", valueName: "92:d0:c6:0a:29:33"))
    var macAddress: String?
    @Option(help: ArgumentHelp("A name server.", valueName: "address")) var dns: [String] = []
    @Option(help: ArgumentHelp("A domain to look names up in.", valueName: "domain"))
    var dnsSearch: [String] = []
    @Option(
        name: [.customLong("dns-option"), .customLong("dns-opt")],
        help: ArgumentHelp("An option of resolv.conf(5).", valueName: "option"))
    var dnsOption: [String] = []

    func apply(
        to settings: inout ContainerSettings, _ engine: Engine,
        _ surroundings: OptionSurroundings
    ) throws {
        settings.network = try mode(engine)
        settings.publishedPorts = try publish.flatMap { try PortOption(parsing: $0).ports }
        try checkPorts(settings)
        settings.publishesAll = publishAll
        if settings.network == .host || settings.network == .none,
            publishAll || !publish.isEmpty
        {
            let mode = settings.network == .host ? "host" : "none"
            surroundings.note(
                "WARNING: Published ports are discarded when using \(mode) network mode")
        }
        for text in expose {
            do {
                settings.exposedPorts.formUnion(try ExposedPort(parsing: text).names)
            } catch {
                throw OptionError(
                    "--expose", text, error.message, hint: "write 80, 53/udp or 8000-8010")
            }
        }
        for port in settings.publishedPorts {
            settings.exposedPorts.insert("\(port.containerPort)/\(port.transport.rawValue)")
        }
        if let hostname { settings.hostname = try name(hostname, "--hostname") }
        if let domainname { settings.domainName = try name(domainname, "--domainname") }
        if let macAddress, !macAddress.isEmpty {
            guard settings.network == .standard else {
                throw OptionError(
                    "--mac-address", macAddress,
                    "conflicting options: mac-address and the network mode",
                    hint: "only an interface of the container's own has an address of its own")
            }
            settings.hardwareAddress = try HardwareAddress(parsing: macAddress).text
        }
        try setNames(&settings)
        try checkSharing(settings)
    }

    private func mode(_ engine: Engine) throws -> ContainerSettings.NetworkMode {
        switch network {
        case nil, "", "default", "bridge": return .standard
        case "none": return .none
        case "host": return .host
        case let text?:
            if let id = try NamespaceMode.container(text, "--network", engine) {
                return .container(id)
            }
            throw OptionError(
                "--network", text, "network \(text) not found",
                hint: Suggestion.hint(for: text, among: ["bridge", "none", "host", "default"])
                    ?? "there are bridge, none, host and container:NAME; networks of one's own "
                    + "there are not")
        }
    }

    private func checkPorts(_ settings: ContainerSettings) throws {
        var seen: Set<ContainerSettings.PublishedPort> = []
        for port in settings.publishedPorts where port.hostPort != 0 {
            var place = port
            place.containerPort = 0
            guard seen.insert(place).inserted else {
                throw OptionError(
                    "--publish", "\(port.hostPort)",
                    "the host's port \(port.hostPort)/\(port.transport) is given twice")
            }
        }
        guard settings.publishedPorts.count <= Self.maximumPorts else {
            throw OptionError(
                "--publish", "\(settings.publishedPorts.count) ports",
                "more than \(Self.maximumPorts) cannot be published",
                hint: "--network host has them all")
        }
    }

    /// Each is a socket of the helper's, and a part of its command line.
    private static let maximumPorts = 4096

    private func checkSharing(_ settings: ContainerSettings) throws {
        guard case .container = settings.network else { return }
        func conflict(_ option: String, _ value: String) -> OptionError {
            OptionError(
                option, value, "conflicting options: it is the other container's to set",
                hint: "give it to the container whose network this one joins")
        }
        if let hostname { throw conflict("--hostname", hostname) }
        if let port = publish.first { throw conflict("--publish", port) }
        if publishAll { throw conflict("--publish-all", "true") }
        if let host = addHost.first { throw conflict("--add-host", host) }
        if let server = dns.first { throw conflict("--dns", server) }
        if let port = expose.first { throw conflict("--expose", port) }
    }

    private func setNames(_ settings: inout ContainerSettings) throws {
        for host in addHost {
            do {
                _ = try ExtraHost(parsing: host)
            } catch {
                throw OptionError("--add-host", host, error.message, hint: error.hint)
            }
            settings.extraHosts.append(host)
        }
        for server in dns where !ExtraHost.isAddress(server) {
            throw OptionError("--dns", server, "\(server) is not an ip address")
        }
        settings.nameServers = dns
        for domain in dnsSearch + dnsOption {
            guard domain.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
                throw OptionError("--dns-search", domain, "\(domain) is not a valid domain")
            }
        }
        settings.searchDomains = dnsSearch
        settings.resolverOptions = dnsOption
    }

    private func name(_ text: String, _ option: String) throws -> String {
        guard !text.isEmpty, text.utf8.count <= 64,
            text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "/") })
        else {
            throw OptionError(
                option, text, "it cannot be a host's name",
                hint: "names have up to 64 letters, digits, \"-\" and \".\"")
        }
        return text
    }
}
