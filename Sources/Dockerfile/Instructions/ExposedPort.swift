/// A port, or a range of ports, that EXPOSE names.
package struct ExposedPort: Hashable, Sendable {
    package enum TransportProtocol: String, Hashable, Sendable, CaseIterable {
        case tcp
        case udp
        case sctp
    }

    package var ports: ClosedRange<UInt16>
    package var transport: TransportProtocol

    package init(ports: ClosedRange<UInt16>, transport: TransportProtocol = .tcp) {
        self.ports = ports
        self.transport = transport
    }

    /// Reads `80`, `80/udp`, `8000-8010` or `8000-8010/tcp`. What stands before the last colon
    /// (`IP:HOST:`) is accepted and means nothing, as in Docker.
    ///
    /// - Throws: `invalidPort`, without a place.
    package init(parsing text: String) throws(DockerfileError) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let name = parts.count == 2 ? String(parts[1]).asciiLowercased : "tcp"
        guard let transport = TransportProtocol(rawValue: name.isEmpty ? "tcp" : name) else {
            throw Self.invalid("invalid proto: \(name)", text)
        }
        let numbers = parts.first?.split(separator: ":").last ?? ""
        let bounds = numbers.split(
            separator: "-", maxSplits: 1, omittingEmptySubsequences: false
        ).map { UInt16(String($0)) }
        guard let first = bounds.first ?? nil, let last = bounds.last ?? nil, first <= last,
            !numbers.contains("+")
        else { throw Self.invalid("invalid containerPort: \(text)", text) }
        self.init(ports: first...last, transport: transport)
    }

    /// `port/protocol` for each port, as the image's configuration lists them.
    package var names: [String] { ports.map { "\($0)/\(transport.rawValue)" } }

    private static func invalid(_ message: String, _ text: String) -> DockerfileError {
        DockerfileError(
            .invalidPort, message, offending: text,
            expected: "PORT, PORT/tcp, PORT/udp or FIRST-LAST, between 0 and 65535")
    }
}
