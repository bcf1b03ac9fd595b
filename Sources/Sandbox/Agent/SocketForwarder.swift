internal import Dispatch
internal import LinuxIO

/// Forwards connections from a socket of our own to another one, such as an SSH agent's: the one that
/// a container sees has the owner and the mode that its user needs, and ends with the step.
package final class SocketForwarder: Sendable {
    private let end: OwnedDescriptor
    /// Held here too: a byte for a loop that has ended would be a signal.
    private let farEnd: OwnedDescriptor
    private let group = DispatchGroup()

    /// Listens on a new socket, which is the caller's to give away.
    /// - Throws: `system`.
    package convenience init(
        listeningOn name: String, in directory: String, to target: String
    ) throws(SandboxError) {
        do throws(Errno) {
            try self.init(try UnixSocket.listen(name, in: directory), to: target)
        } catch {
            throw SandboxError(.system, "could not make a socket in \(directory): \(error)")
        }
    }

    private init(
        _ listener: consuming OwnedDescriptor, to target: String
    ) throws(Errno) {
        let pipe = try ChildProcess.Pipe()
        farEnd = try pipe.reading.duplicate()
        end = pipe.keepWriting()
        let loop = ForwardingLoop(
            listener: listener.release(), end: farEnd.rawValue, target: target)
        DispatchQueue(label: "vitrine.sandbox.forwarder").async(group: group) { loop.run() }
    }

    deinit { stop() }

    /// Ends all connections.
    package func stop() {
        // It ends by itself if the byte cannot be told.
        try? DescriptorIO.writeAll(end.rawValue, [0])
        group.wait()
    }
}

/// The loop of one forwarder, on a thread of its own.
private struct ForwardingLoop: Sendable {
    /// More wait until one ends.
    private static let maximumConnections = 32
    /// Messages of agents are at most 256 KiB (sshd's limit); they go through in pieces.
    private static let chunkBytes = 32 << 10

    /// Owned by the loop.
    let listener: Int32
    let end: Int32
    let target: String

    private final class Connection {
        let client: OwnedDescriptor
        let agent: OwnedDescriptor
        var toAgent: [UInt8] = []
        var toClient: [UInt8] = []
        var clientHasEnded = false
        var agentHasEnded = false

        init(client: consuming OwnedDescriptor, agent: consuming OwnedDescriptor) {
            self.client = client
            self.agent = agent
        }
    }

    func run() {
        let listener = OwnedDescriptor(adopting: listener)
        var connections: [Connection] = []
        while true {
            var waits = [DescriptorWait(end, .input)]
            let isOpen = connections.count < Self.maximumConnections
            waits.append(DescriptorWait(listener.rawValue, isOpen ? .input : []))
            for connection in connections { waits += Self.waits(of: connection) }
            guard (try? DescriptorIO.wait(&waits)) != nil else { return }  // nothing to forward
            if waits[0].isReady { return }
            if waits[1].isReady, let made = connect(listener.rawValue) { connections.append(made) }
            connections = connections.enumerated().filter { index, connection in
                guard 2 * index + 3 < waits.count else { return true }  // made just now
                let (client, agent) = (waits[2 * index + 2], waits[2 * index + 3])
                guard client.isReady || agent.isReady else { return true }
                // Who does not answer any more has ended.
                return (try? Self.move(connection, client, agent)) ?? false
            }.map(\.element)
        }
    }

    private func connect(_ listener: Int32) -> Connection? {
        // A client that finds no agent sees its connection end.
        guard let client = try? UnixSocket.accept(listener),
            let agent = try? UnixSocket.connect(to: target)
        else { return nil }
        return Connection(client: client, agent: agent)
    }

    private static func waits(of connection: Connection) -> [DescriptorWait] {
        var client: DescriptorWait.Events = []
        var agent: DescriptorWait.Events = []
        if connection.toAgent.isEmpty {
            if !connection.clientHasEnded { client.insert(.input) }
        } else {
            agent.insert(.output)
        }
        if connection.toClient.isEmpty {
            if !connection.agentHasEnded { agent.insert(.input) }
        } else {
            client.insert(.output)
        }
        return [
            DescriptorWait(connection.client.rawValue, client),
            DescriptorWait(connection.agent.rawValue, agent),
        ]
    }

    /// - Returns: false when the connection has ended.
    private static func move(
        _ connection: Connection, _ client: DescriptorWait, _ agent: DescriptorWait
    ) throws(Errno) -> Bool {
        let (clientRaw, agentRaw) = (connection.client.rawValue, connection.agent.rawValue)
        if client.isReady {
            try pass(
                clientRaw, &connection.toAgent, &connection.clientHasEnded,
                &connection.toClient)
        }
        if agent.isReady {
            try pass(
                agentRaw, &connection.toClient, &connection.agentHasEnded, &connection.toAgent)
        }
        if connection.clientHasEnded, connection.toAgent.isEmpty {
            UnixSocket.endSending(agentRaw)
        }
        return !(connection.agentHasEnded && connection.toClient.isEmpty)
    }

    /// Reads what has come, if there is room, and writes what waits for this end.
    private static func pass(
        _ descriptor: Int32, _ received: inout [UInt8], _ hasEnded: inout Bool,
        _ waiting: inout [UInt8]
    ) throws(Errno) {
        if !waiting.isEmpty {
            waiting.removeFirst(try UnixSocket.send(descriptor, waiting))
        }
        guard received.isEmpty, !hasEnded else { return }
        var chunk = [UInt8](repeating: 0, count: chunkBytes)
        do throws(Errno) {
            let count = try DescriptorIO.read(descriptor, into: &chunk)
            hasEnded = count == 0
            received = Array(chunk.prefix(count))
        } catch .wouldBlock {}
    }
}
