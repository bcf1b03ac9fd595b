internal import Glibc
internal import ImageSpec
internal import LinuxIO

/// Asks a slirp4netns for more (slirp4netns(1), "API SOCKET"): a document each way, one connection a
/// request.
enum SlirpControl {
    private static let maximumReplyBytes = 1 << 16

    /// Lets a port of the host lead into the namespace.
    static func publish(_ port: PublishedPort, at socketPath: String) throws(Errno) {
        let request: JSONValue = [
            "execute": "add_hostfwd",
            "arguments": [
                "proto": .string(port.transport.rawValue),
                "host_addr": .string(port.hostAddress ?? "0.0.0.0"),
                "host_port": JSONValue(port.hostPort),
                "guest_addr": .string(NetworkHelper.guestAddress),
                "guest_port": JSONValue(port.containerPort),
            ],
        ]
        let reply = try answer(to: request, at: socketPath)
        guard reply["return"] != nil, reply["error"] == nil else { throw .notConnected }
    }

    private static func answer(
        to request: JSONValue, at socketPath: String
    ) throws(Errno) -> JSONValue {
        let socket = try UnixSocket.connect(to: socketPath)
        let bytes = request.encoded
        guard try UnixSocket.send(socket.rawValue, bytes) == bytes.count else {
            throw .notConnected
        }
        UnixSocket.endSending(socket.rawValue)
        var reply: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while reply.count < maximumReplyBytes {
            _ = try DescriptorIO.waitForInput([socket.rawValue])
            let count = try DescriptorIO.read(socket.rawValue, into: &chunk)
            if count == 0 { break }
            reply += chunk[0..<count]
        }
        // What is no document is no answer.
        guard let document = try? JSONParser.parse(reply) else { throw .notConnected }
        return document
    }
}
