internal import CLinux
internal import Glibc

/// Stream sockets with a name in the file system (unix(7)).
package enum UnixSocket {
    /// Listens on a new socket.
    /// - Parameter name: in `directory`.
    package static func listen(
        _ name: String, in directory: String
    ) throws(Errno) -> OwnedDescriptor {
        let place = try OwnedDescriptor(opening: directory, [.pathOnly, .directory])
        let socket = try make()
        try unsafe withAddress(name, in: place) { (address, length) throws(Errno) in
            try retrying { unsafe bind(socket.rawValue, address, length) }
        }
        let descriptor = socket.rawValue
        try retrying { Glibc.listen(descriptor, 16) }
        return socket
    }

    /// Connects to the socket at a path.
    package static func connect(to path: String) throws(Errno) -> OwnedDescriptor {
        let slash = path.lastIndex(of: "/")
        let parent = slash.map { String(path[...$0]) } ?? "."
        let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
        let place = try OwnedDescriptor(opening: parent, [.pathOnly, .directory])
        let socket = try make()
        try unsafe withAddress(name, in: place) { (address, length) throws(Errno) in
            try retrying { unsafe Glibc.connect(socket.rawValue, address, length) }
        }
        return socket
    }

    /// Takes the next connection.
    /// - Throws: EAGAIN when there is none.
    package static func accept(_ listener: Int32) throws(Errno) -> OwnedDescriptor {
        // accept4(2), which would set the flags at once, is declared only under _GNU_SOURCE.
        let descriptor = try retrying { Glibc.accept(listener, nil, nil) }
        let socket = OwnedDescriptor(adopting: descriptor)
        try setFlags(descriptor)
        return socket
    }

    /// Sends what fits without waiting.
    /// - Throws: EPIPE, without a signal, when nobody reads any more.
    package static func send(_ descriptor: Int32, _ bytes: [UInt8]) throws(Errno) -> Int {
        do throws(Errno) {
            return try retrying {
                unsafe Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
            }
        } catch .wouldBlock {
            return 0
        }
    }

    /// From now on calls on the socket wait until they can be done.
    package static func makeBlocking(_ descriptor: Int32) throws(Errno) {
        try retrying { vitrine_fcntl(descriptor, F_SETFL, 0) }
    }

    /// From now on who reads from the socket waits so long at most.
    /// - Throws: what setsockopt(2) says; reading throws EAGAIN when the time is over.
    package static func setPatience(_ limit: Duration, of descriptor: Int32) throws(Errno) {
        let parts = limit.components
        var time = timeval(
            tv_sec: Int(parts.seconds), tv_usec: Int(parts.attoseconds / 1_000_000_000_000))
        try retrying {
            unsafe setsockopt(
                descriptor, SOL_SOCKET, SO_RCVTIMEO, &time,
                socklen_t(MemoryLayout<timeval>.size))
        }
    }

    /// The descriptor that the next message carries.
    /// - Throws: EBADMSG if it carries none; EAGAIN when there is no message.
    package static func receiveDescriptor(_ socket: Int32) throws(Errno) -> OwnedDescriptor {
        OwnedDescriptor(adopting: try retrying { vitrine_receive_descriptor(socket) })
    }

    /// Ends both directions, for whoever waits at the other end or in another thread.
    package static func end(_ descriptor: Int32) { _ = shutdown(descriptor, Int32(SHUT_RDWR)) }

    /// Says that nothing more is sent.
    package static func endSending(_ descriptor: Int32) {
        _ = shutdown(descriptor, Int32(SHUT_WR))
    }

    private static func make() throws(Errno) -> OwnedDescriptor {
        let descriptor = try retrying {
            socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        }
        let owned = OwnedDescriptor(adopting: descriptor)
        try setFlags(descriptor)
        return owned
    }

    private static func setFlags(_ descriptor: Int32) throws(Errno) {
        try retrying { vitrine_fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        try retrying { vitrine_fcntl(descriptor, F_SETFL, O_NONBLOCK) }
    }

    /// An address has 107 bytes, which paths may exceed: it goes through the open directory.
    private static func withAddress(
        _ name: String, in directory: borrowing OwnedDescriptor,
        _ body: (UnsafePointer<sockaddr>, socklen_t) throws(Errno) -> Void
    ) throws(Errno) {
        let path = Array("/proc/self/fd/\(directory.rawValue)/\(name)".utf8)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let room = MemoryLayout.size(ofValue: address.sun_path)
        guard path.count < room, !path.contains(0) else {
            throw Errno(rawValue: ENAMETOOLONG)
        }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path) }
        let result: Result<Void, Errno> = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                do throws(Errno) {
                    return .success(
                        try unsafe body(pointer, socklen_t(MemoryLayout<sockaddr_un>.size)))
                } catch {
                    return .failure(error)
                }
            }
        }
        try result.get()
    }
}
