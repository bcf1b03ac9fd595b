internal import LinuxIO
internal import Synchronization

/// Carries datagrams from ports of the host's loopback into a container's network and back.
///
/// The helpers do not: slirp4netns loses the answers, pasta of early 2023 (Debian 12's) those of
/// ports that have another number in the container. What comes through here has the container's own
/// address as its sender.
final class LoopbackRelay: Sendable {
    private let end: OwnedDescriptor
    /// Held here too: a byte for a loop that has ended would be a signal.
    private let farEnd: OwnedDescriptor
    private let thread: Mutex<BlockingThread?>

    /// Each takes two descriptors, and all are looked at for each datagram.
    private static let maximumPorts = 128

    /// Those of the ports that a relay is for: of the loopback, and the first so many of them.
    static func carried(of ports: [PublishedPort]) -> [PublishedPort] {
        let candidates = ports.filter { $0.transport == .udp && !$0.loopbackAddresses.isEmpty }
        return Array(candidates.prefix(maximumPorts))
    }

    /// Takes what comes for the ports.
    /// - Parameters:
    ///   - ports: see ``carried(of:)``.
    ///   - namespacePath: of the container's network.
    ///   - address: of the container in it.
    /// - Throws: `EADDRINUSE` and the like for a port of nothing but the loopback.
    init(
        _ ports: [PublishedPort], namespacePath: String, address: String
    ) throws(Errno) {
        let pipe = try ChildProcess.Pipe()
        farEnd = try pipe.reading.duplicate()
        end = pipe.keepWriting()
        let entrances = try Self.entrances(of: ports, to: address)
        if entrances.isEmpty {
            thread = Mutex(nil)
            return
        }
        let loop = RelayLoop(
            namespacePath: namespacePath, end: farEnd.rawValue, entrances: entrances)
        thread = Mutex(try BlockingThread { loop.run() })
    }

    private static func entrances(
        of ports: [PublishedPort], to address: String
    ) throws(Errno) -> [RelayLoop.Entrance] {
        var entrances: [RelayLoop.Entrance] = []
        for port in ports {
            for name in port.loopbackAddresses {
                guard let outside = SocketAddress(name, port: port.hostPort),
                    let inside = SocketAddress(address, port: port.containerPort)
                else { throw .invalidArgument }
                do throws(Errno) {
                    let socket = try DatagramSocket.bound(to: outside)
                    entrances.append(.init(socket: socket, inside: inside))
                } catch {
                    // The helper has all of the host's addresses: as good as it can.
                    if port.isOfLoopbackOnly { throw error }
                }
            }
        }
        return entrances
    }

    deinit { stop() }

    func stop() {
        // It ends by itself if the byte cannot be told.
        try? DescriptorIO.writeAll(end.rawValue, [0])
        let running = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        running?.join()
    }
}

/// The loop of a relay, on a thread of its own in the container's network namespace.
private struct RelayLoop: Sendable {
    /// A port of the host, and where it leads.
    final class Entrance: Sendable {
        let socket: OwnedDescriptor
        let inside: SocketAddress

        init(socket: consuming OwnedDescriptor, inside: SocketAddress) {
            self.socket = socket
            self.inside = inside
        }
    }

    /// Who sends to which entrance.
    private struct Client: Hashable {
        let entrance: Int
        let address: SocketAddress
    }

    /// A socket in the container's network for what one client sends, so that answers are told apart.
    private final class Session {
        let client: Client
        let socket: OwnedDescriptor
        /// Datagrams of all clients until its last one.
        var lastUse: UInt64

        init(_ client: Client, _ socket: consuming OwnedDescriptor, _ lastUse: UInt64) {
            self.client = client
            self.socket = socket
            self.lastUse = lastUse
        }
    }

    /// The client that was silent for longest is forgotten for another one.
    private static let maximumSessions = 256
    /// How many datagrams of one socket go through before others have their turn.
    private static let turn = 64
    private static let maximumDatagramBytes = 1 << 16

    let namespacePath: String
    let end: Int32
    let entrances: [Entrance]

    func run() {
        // Who made the namespace may enter it.
        guard let namespace = try? OwnedDescriptor(opening: namespacePath, .readOnly),
            (try? ChildProcess.joinNetworkNamespace(namespace.rawValue)) != nil
        else { return }
        var sessions: [Client: Session] = [:]
        var buffer = [UInt8](repeating: 0, count: Self.maximumDatagramBytes)
        var count: UInt64 = 0
        while true {
            let listening = Array(sessions.values)
            var waits = [DescriptorWait(end, .input)]
            waits += entrances.map { DescriptorWait($0.socket.rawValue, .input) }
            waits += listening.map { DescriptorWait($0.socket.rawValue, .input) }
            guard (try? DescriptorIO.wait(&waits)) != nil, !waits[0].isReady else { return }
            for (index, session) in listening.enumerated()
            where waits[1 + entrances.count + index].isReady {
                sendBack(session, &buffer)
            }
            for index in entrances.indices where waits[1 + index].isReady {
                sendIn(index, &sessions, &count, &buffer)
            }
        }
    }

    private func sendIn(
        _ index: Int, _ sessions: inout [Client: Session], _ count: inout UInt64,
        _ buffer: inout [UInt8]
    ) {
        for _ in 0..<Self.turn {
            guard let received = Self.receive(entrances[index].socket.rawValue, &buffer)
            else { return }
            count += 1
            let client = Client(entrance: index, address: received.sender)
            if sessions[client] == nil {
                // A datagram that cannot be carried is lost, as datagrams are.
                guard let socket = try? DatagramSocket.connected(to: entrances[index].inside)
                else { continue }
                if sessions.count >= Self.maximumSessions,
                    let oldest = sessions.values.min(by: { $0.lastUse < $1.lastUse })
                {
                    sessions[oldest.client] = nil
                }
                sessions[client] = Session(client, socket, count)
            }
            guard let session = sessions[client] else { continue }
            session.lastUse = count
            try? DatagramSocket.send(session.socket.rawValue, buffer[0..<received.count])
        }
    }

    private func sendBack(_ session: Session, _ buffer: inout [UInt8]) {
        let entrance = entrances[session.client.entrance].socket.rawValue
        for _ in 0..<Self.turn {
            guard let received = Self.receive(session.socket.rawValue, &buffer) else { return }
            try? DatagramSocket.send(
                entrance, buffer[0..<received.count], to: session.client.address)
        }
    }

    /// - Returns: nil when nothing is left; also after an error, which is of an earlier datagram that
    ///   nobody wanted.
    private static func receive(
        _ socket: Int32, _ buffer: inout [UInt8]
    ) -> (count: Int, sender: SocketAddress)? {
        try? DatagramSocket.receive(socket, into: &buffer)
    }
}
