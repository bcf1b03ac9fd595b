internal import Builder
internal import Store

/// `-p [[ADDRESS:][HOSTPORT]:]PORT[/PROTOCOL]`, as Docker reads it; ports may be ranges.
struct PortOption {
    let ports: [ContainerSettings.PublishedPort]

    init(parsing text: String) throws {
        func invalid(_ reason: String, _ hint: String? = nil) -> OptionError {
            OptionError(
                "--publish", text, reason,
                hint: hint
                    ?? "write 80, 8080:80, 127.0.0.1:8080:80, [::1]:8080:80/tcp or 8000-8010:80-90")
        }
        let halves = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let name = halves.count == 2 ? halves[1].lowercased() : "tcp"
        guard let transport = Transport(rawValue: name.isEmpty ? "tcp" : name) else {
            throw invalid(
                name == "sctp" ? "sctp ports are not published here" : "invalid proto: \(name)",
                "the protocols are tcp and udp")
        }
        // From the right, since an address has colons, too.
        var parts = halves[0].split(separator: ":", omittingEmptySubsequences: false)
            .map(String.init)
        let container = parts.popLast() ?? ""
        let host = parts.popLast() ?? ""
        guard !container.isEmpty else {
            throw invalid("no port specified: \(text)<empty>")
        }
        let address = try Self.address(parts.joined(separator: ":"), invalid)
        guard let inside = Self.range(container) else {
            throw invalid("invalid containerPort: \(container)")
        }
        guard host.isEmpty || Self.range(host) != nil else {
            throw invalid("invalid hostPort: \(host)")
        }
        var outside = Self.range(host)
        if outside == 0...0 { outside = nil }
        ports = try Self.pairs(inside, outside, address, transport) { invalid($0) }
    }

    private typealias Transport = ContainerSettings.PublishedPort.Transport

    private static func pairs(
        _ inside: ClosedRange<UInt16>, _ outside: ClosedRange<UInt16>?, _ address: String?,
        _ transport: Transport, _ invalid: (String) -> OptionError
    ) throws -> [ContainerSettings.PublishedPort] {
        guard let outside else {
            return inside.map {
                .init(
                    hostAddress: address, hostPort: 0, containerPort: $0, transport: transport)
            }
        }
        if inside.count == 1, outside.count > 1 {
            // The first of them that is free.
            var port = ContainerSettings.PublishedPort(
                hostAddress: address, hostPort: outside.lowerBound,
                containerPort: inside.lowerBound, transport: transport)
            port.lastHostPort = outside.upperBound
            return [port]
        }
        guard inside.count == outside.count else {
            throw invalid("invalid ranges specified for container and host Ports")
        }
        return zip(inside, outside).map {
            .init(
                hostAddress: address, hostPort: $1, containerPort: $0, transport: transport)
        }
    }

    /// `80` or `80-90`; 0 is a free one, on the host only.
    private static func range(_ text: String) -> ClosedRange<UInt16>? {
        let bounds = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        let isPlain = text.utf8.allSatisfy { (48...57).contains($0) || $0 == UInt8(ascii: "-") }
        guard isPlain, let first = bounds.first.flatMap({ UInt16($0) }),
            let last = bounds.last.flatMap({ UInt16($0) }), first <= last
        else { return nil }
        return first...last
    }

    private static func address(
        _ text: String, _ invalid: (String, String?) -> OptionError
    ) throws -> String? {
        guard !text.isEmpty else { return nil }
        var address = text
        if text.hasPrefix("["), text.hasSuffix("]") {
            address = String(text.dropFirst().dropLast())
        }
        guard ExtraHost.isAddress(address) else {
            throw invalid("invalid IP address: \(text)", nil)
        }
        return address
    }
}
