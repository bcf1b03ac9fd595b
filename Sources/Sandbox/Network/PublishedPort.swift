/// A port of the host that leads to one of a container.
package struct PublishedPort: Hashable, Sendable {
    package enum Transport: String, Hashable, Sendable { case tcp, udp }

    /// An IPv4 or IPv6 address of the host; nil is all of them.
    package var hostAddress: String?
    package var hostPort: UInt16
    package var containerPort: UInt16
    package var transport: Transport

    package init(
        hostAddress: String? = nil, hostPort: UInt16, containerPort: UInt16,
        transport: Transport = .tcp
    ) {
        self.hostAddress = hostAddress
        self.hostPort = hostPort
        self.containerPort = containerPort
        self.transport = transport
    }
}

extension PublishedPort {
    /// Those of its addresses that are the host's loopback.
    var loopbackAddresses: [String] {
        switch hostAddress {
        case nil: ["127.0.0.1", "::1"]
        case "0.0.0.0": ["127.0.0.1"]
        case "::": ["::1"]
        case .some(let address): isOfLoopbackOnly ? [address] : []
        }
    }

    var isOfLoopbackOnly: Bool {
        hostAddress.map { $0.hasPrefix("127.") || $0 == "::1" } ?? false
    }
}
