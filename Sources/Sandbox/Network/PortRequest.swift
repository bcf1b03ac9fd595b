/// A port of a container that some port of the host is to lead to.
package struct PortRequest: Hashable, Sendable {
    /// An IPv4 or IPv6 address of the host; nil is all of them.
    package var hostAddress: String?
    /// The first of them that is free; 0 alone is any.
    package var hostPorts: ClosedRange<UInt16>
    package var containerPort: UInt16
    package var transport: PublishedPort.Transport

    package init(
        hostAddress: String? = nil, hostPorts: ClosedRange<UInt16>, containerPort: UInt16,
        transport: PublishedPort.Transport = .tcp
    ) {
        self.hostAddress = hostAddress
        self.hostPorts = hostPorts
        self.containerPort = containerPort
        self.transport = transport
    }
}
