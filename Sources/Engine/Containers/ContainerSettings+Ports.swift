internal import Sandbox
package import Store

extension ContainerSettings {
    /// What is to lead into the container, with all that is exposed if that is to be published.
    var portRequests: [PortRequest] {
        var requests = publishedPorts.map { port in
            PortRequest(
                hostAddress: port.hostAddress,
                hostPorts: port.hostPort...(port.lastHostPort ?? port.hostPort),
                containerPort: port.containerPort,
                transport: port.transport == .tcp ? .tcp : .udp)
        }
        guard publishesAll else { return requests }
        for name in exposedPorts.sorted() {
            let parts = name.split(separator: "/").map(String.init)
            guard let number = parts.first.flatMap({ UInt16($0) }),
                let transport = PublishedPort.Transport(
                    rawValue: parts.count > 1 ? parts[1] : "tcp"),
                !publishedPorts.contains(where: {
                    $0.containerPort == number && $0.transport == transport
                })
            else { continue }
            requests.append(
                PortRequest(
                    hostPorts: 0...0, containerPort: number,
                    transport: transport == .tcp ? .tcp : .udp))
        }
        return requests
    }
}

extension ContainerSettings.PublishedPort {
    /// Where it is on the host; a port of all addresses is one of both families.
    package var places: [String] {
        hostAddresses.map { $0.contains(":") ? "[\($0)]:\(hostPort)" : "\($0):\(hostPort)" }
    }

    var hostAddresses: [String] { hostAddress.map { [$0] } ?? ["0.0.0.0", "::"] }

    init(_ port: Sandbox.PublishedPort) {
        self.init(
            hostAddress: port.hostAddress, hostPort: port.hostPort,
            containerPort: port.containerPort,
            transport: port.transport == .tcp ? .tcp : .udp)
    }
}
