internal import CLinux
internal import Glibc

/// An IPv4 or IPv6 address with a port, as the kernel writes it (ip(7), ipv6(7)).
package struct SocketAddress: Hashable, Sendable {
    /// A `sockaddr_in` or `sockaddr_in6`.
    let bytes: [UInt8]

    /// - Returns: nil for what is neither an IPv4 nor an IPv6 address.
    package init?(_ address: String, port: UInt16) {
        var (v4, v6) = (in_addr(), in6_addr())
        if unsafe inet_pton(AF_INET, address, &v4) == 1 {
            self.init(v4, port)
        } else if unsafe inet_pton(AF_INET6, address, &v6) == 1 {
            self.init(v6, port)
        } else {
            return nil
        }
    }

    /// All addresses of the host, IPv4 as well.
    static func any(port: UInt16) -> SocketAddress { SocketAddress(in6_addr(), port) }

    static func anyIPv4(port: UInt16) -> SocketAddress { SocketAddress(in_addr(), port) }

    private init(_ address: in_addr, _ port: UInt16) {
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        name.sin_addr = address
        bytes = unsafe withUnsafeBytes(of: &name) { unsafe Array($0) }
    }

    private init(_ address: in6_addr, _ port: UInt16) {
        var name = sockaddr_in6()
        name.sin6_family = sa_family_t(AF_INET6)
        name.sin6_port = port.bigEndian
        name.sin6_addr = address
        bytes = unsafe withUnsafeBytes(of: &name) { unsafe Array($0) }
    }

    /// What the kernel wrote.
    init(_ storage: sockaddr_storage, length: socklen_t) {
        var storage = storage
        bytes = unsafe withUnsafeBytes(of: &storage) { unsafe Array($0.prefix(Int(length))) }
    }

    var family: Int32 {
        unsafe bytes.withUnsafeBytes { Int32(unsafe $0.loadUnaligned(as: sa_family_t.self)) }
    }

    /// The port stands at the same place in both families.
    var port: UInt16 { UInt16(bytes[2]) << 8 | UInt16(bytes[3]) }

    func withName<Result>(
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        var storage = sockaddr_storage()
        unsafe withUnsafeMutableBytes(of: &storage) { unsafe $0.copyBytes(from: bytes) }
        return unsafe withUnsafePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, socklen_t(bytes.count))
            }
        }
    }
}

/// Sockets that carry datagrams (udp(7)); none of the calls blocks.
package enum DatagramSocket {
    /// A socket that receives what is sent to the address, before others that have all addresses and
    /// share them (`SO_REUSEADDR`).
    package static func bound(to address: SocketAddress) throws(Errno) -> OwnedDescriptor {
        let socket = try make(address)
        let descriptor = socket.rawValue
        try SocketOption.set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
        try retrying { unsafe address.withName { unsafe bind(descriptor, $0, $1) } }
        return socket
    }

    /// A socket that sends to the address and receives from nowhere else.
    package static func connected(to address: SocketAddress) throws(Errno) -> OwnedDescriptor {
        let socket = try make(address)
        let descriptor = socket.rawValue
        try retrying { unsafe address.withName { unsafe connect(descriptor, $0, $1) } }
        return socket
    }

    private static func make(_ address: SocketAddress) throws(Errno) -> OwnedDescriptor {
        let type =
            Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
            | Int32(SOCK_NONBLOCK.rawValue)
        return OwnedDescriptor(adopting: try retrying { socket(address.family, type, 0) })
    }

    /// - Returns: the bytes of the next datagram, and who sent it; nil when there is none.
    /// - Throws: what an earlier datagram met, such as ECONNREFUSED.
    package static func receive(
        _ descriptor: Int32, into buffer: inout [UInt8]
    ) throws(Errno) -> (count: Int, sender: SocketAddress)? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        do throws(Errno) {
            let count = try retrying {
                unsafe buffer.withUnsafeMutableBytes { bytes in
                    unsafe withUnsafeMutablePointer(to: &storage) { pointer in
                        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                            unsafe recvfrom(
                                descriptor, bytes.baseAddress, bytes.count, 0, $0, &length)
                        }
                    }
                }
            }
            return (count, SocketAddress(storage, length: length))
        } catch .wouldBlock {
            return nil
        }
    }

    /// - Parameter address: nil for a connected socket.
    package static func send(
        _ descriptor: Int32, _ bytes: ArraySlice<UInt8>, to address: SocketAddress? = nil
    ) throws(Errno) {
        try retrying {
            unsafe bytes.withUnsafeBytes { bytes in
                guard let address else {
                    return unsafe Glibc.send(descriptor, bytes.baseAddress, bytes.count, 0)
                }
                return unsafe address.withName {
                    unsafe sendto(descriptor, bytes.baseAddress, bytes.count, 0, $0, $1)
                }
            }
        }
    }
}

enum SocketOption {
    static func set(
        _ socket: Int32, _ level: Int32, _ option: Int32, _ value: Int32
    ) throws(Errno) {
        var value = value
        try retrying {
            unsafe setsockopt(
                socket, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
        }
    }
}
