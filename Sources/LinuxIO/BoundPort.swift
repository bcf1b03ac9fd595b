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
                return try bound(v6: in6_addr(), port, transport, only: false)
            } catch  where [EAFNOSUPPORT, EADDRNOTAVAIL].contains(error.rawValue) {
                // A host without IPv6.
                return try bound(v4: in_addr(), port, transport)
            }
        }
        var (v4, v6) = (in_addr(), in6_addr())
        if unsafe inet_pton(AF_INET, address, &v4) == 1 {
            return try bound(v4: v4, port, transport)
        }
        guard unsafe inet_pton(AF_INET6, address, &v6) == 1 else { throw .invalidArgument }
        return try bound(v6: v6, port, transport, only: true)
    }

    private static func bound(
        v4 address: in_addr, _ port: UInt16, _ transport: Transport
    ) throws(Errno) -> OwnedDescriptor {
        let socket = try makeSocket(AF_INET, transport)
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        name.sin_addr = address
        let descriptor = socket.rawValue
        try retrying {
            unsafe withUnsafePointer(to: &name) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }
        return socket
    }

    private static func bound(
        v6 address: in6_addr, _ port: UInt16, _ transport: Transport, only: Bool
    ) throws(Errno) -> OwnedDescriptor {
        let socket = try makeSocket(AF_INET6, transport)
        let descriptor = socket.rawValue
        try set(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, only ? 1 : 0)
        var name = sockaddr_in6()
        name.sin6_family = sa_family_t(AF_INET6)
        name.sin6_port = port.bigEndian
        name.sin6_addr = address
        try retrying {
            unsafe withUnsafePointer(to: &name) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
                }
            }
        }
        return socket
    }

    private static func makeSocket(
        _ family: Int32, _ transport: Transport
    ) throws(Errno) -> OwnedDescriptor {
        let type = transport == .stream ? SOCK_STREAM : SOCK_DGRAM
        let flags = Int32(type.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let socket = OwnedDescriptor(adopting: try retrying { Glibc.socket(family, flags, 0) })
        // Connections that ended a moment ago do not count; who listens does.
        if transport == .stream { try set(socket.rawValue, SOL_SOCKET, SO_REUSEADDR, 1) }
        return socket
    }

    private static func set(
        _ socket: Int32, _ level: Int32, _ option: Int32, _ value: Int32
    ) throws(Errno) {
        var value = value
        try retrying {
            unsafe setsockopt(
                socket, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
        }
    }

    /// The port stands at the same place in the names of both families.
    private static func port(of socket: Int32) throws(Errno) -> UInt16 {
        var name = sockaddr_in6()
        var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
        try retrying {
            unsafe withUnsafeMutablePointer(to: &name) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe getsockname(socket, $0, &length)
                }
            }
        }
        return UInt16(bigEndian: name.sin6_port)
    }
}
