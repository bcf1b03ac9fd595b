internal import CLinux
internal import Glibc

/// A port of the host that is held, without anybody answering there (ip(7)).
package struct BoundPort: ~Copyable, Sendable {
    package enum Transport: Sendable { case stream, datagram }

    package let port: UInt16
    /// Held, not read.
    private let socket: OwnedDescriptor

    /// Takes a port.
    /// - Parameters:
    ///   - address: IPv4 or IPv6; nil is all of both.
    ///   - port: 0 takes one that is free.
    /// - Throws: EADDRINUSE when somebody has it, EADDRNOTAVAIL when the address is not the host's,
    ///   EACCES, EINVAL for what is no address.
    package init(address: String?, port: UInt16, transport: Transport) throws(Errno) {
        let socket = try Self.bound(address, port, transport)
        // Sockets that may share an address conflict when one of them listens.
        let descriptor = socket.rawValue
        if transport == .stream { try retrying { listen(descriptor, 1) } }
        self.port = try Self.port(of: socket.rawValue)
        self.socket = socket
    }

    private static func bound(
        _ address: String?, _ port: UInt16, _ transport: Transport
    ) throws(Errno) -> OwnedDescriptor {
        guard let address else {
            do throws(Errno) {
                return try bound(.any(port: port), transport, onlyIPv6: false)
            } catch  where [EAFNOSUPPORT, EADDRNOTAVAIL].contains(error.rawValue) {
                // A host without IPv6.
                return try bound(.anyIPv4(port: port), transport)
            }
        }
        guard let name = SocketAddress(address, port: port) else { throw .invalidArgument }
        return try bound(name, transport)
    }

    private static func bound(
        _ name: SocketAddress, _ transport: Transport, onlyIPv6: Bool = true
    ) throws(Errno) -> OwnedDescriptor {
        let socket = try makeSocket(name.family, transport)
        let descriptor = socket.rawValue
        if name.family == AF_INET6 {
            try SocketOption.set(
                descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, onlyIPv6 ? 1 : 0)
        }
        try retrying { unsafe name.withName { unsafe bind(descriptor, $0, $1) } }
        return socket
    }

    private static func makeSocket(
        _ family: Int32, _ transport: Transport
    ) throws(Errno) -> OwnedDescriptor {
        let type = transport == .stream ? SOCK_STREAM : SOCK_DGRAM
        let flags = Int32(type.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let socket = OwnedDescriptor(adopting: try retrying { Glibc.socket(family, flags, 0) })
        // Connections that ended a moment ago do not count; who listens does.
        if transport == .stream {
            try SocketOption.set(socket.rawValue, SOL_SOCKET, SO_REUSEADDR, 1)
        }
        return socket
    }

    private static func port(of socket: Int32) throws(Errno) -> UInt16 {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        try retrying {
            unsafe withUnsafeMutablePointer(to: &storage) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe getsockname(socket, $0, &length)
                }
            }
        }
        return SocketAddress(storage, length: length).port
    }
}
