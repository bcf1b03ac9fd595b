internal import Glibc
internal import LinuxIO

/// Finds the ports of the host that are asked for, or free ones.
enum PortAllocation {
    /// One port that is held until the others are found, too; a list, for an array cannot hold what has
    /// one owner.
    private final class Held {
        let port: BoundPort
        let next: Held?

        init(_ port: consuming BoundPort, _ next: Held?) {
            self.port = port
            self.next = next
        }
    }

    /// A port for each request, all different. They are free when this returns; the helper takes them
    /// a moment later.
    /// - Throws: `portAllocated` when one is taken, `invalidRequest` when it may not be had.
    static func ports(for requests: [PortRequest]) throws(SandboxError) -> [PublishedPort] {
        var held: Held?
        var ports: [PublishedPort] = []
        for request in requests { ports.append(try port(for: request, &held)) }
        withExtendedLifetime(held) {}
        return ports
    }

    private static func port(
        for request: PortRequest, _ held: inout Held?
    ) throws(SandboxError) -> PublishedPort {
        var failure: Errno = .invalidArgument
        for number in request.hostPorts {
            do throws(Errno) {
                let bound = try BoundPort(
                    address: request.hostAddress, port: number,
                    transport: request.transport == .tcp ? .stream : .datagram)
                let port = bound.port
                held = Held(bound, held)
                return PublishedPort(
                    hostAddress: request.hostAddress, hostPort: port,
                    containerPort: request.containerPort, transport: request.transport)
            } catch {
                failure = error
            }
        }
        throw refusal(request, failure)
    }

    private static func refusal(_ request: PortRequest, _ error: Errno) -> SandboxError {
        let address = request.hostAddress ?? "0.0.0.0"
        let shown = address.contains(":") ? "[\(address)]" : address
        let (first, last) = (request.hostPorts.lowerBound, request.hostPorts.upperBound)
        let place = "\(shown):\(first == last ? "\(first)" : "\(first)-\(last)")"
        let transport = request.transport.rawValue
        switch error.rawValue {
        case EADDRINUSE:
            return SandboxError(
                .portAllocated,
                "Bind for \(place) failed: port is already allocated (\(transport))",
                hint: "publish another port of the host, or none for one that is free; \"ss -lnp\" "
                    + "shows who has it")
        case EACCES, EPERM:
            return SandboxError(
                .invalidRequest,
                "the host's port \(place) (\(transport)) may not be used: \(error)",
                hint: "ports below 1024 are root's; publish a higher one")
        case EADDRNOTAVAIL:
            return SandboxError(
                .invalidRequest, "\(address) is no address of this host",
                hint: "\"ip address\" lists them")
        default:
            return SandboxError(
                .invalidRequest,
                "the host's port \(place) (\(transport)) cannot be used: \(error)")
        }
    }
}
