internal import LinuxIO
internal import Store
internal import Synchronization

/// One end of a conversation between the process that runs a container and one that wants something
/// of it, over the socket in the container's directory.
///
///     frame := kind (1 byte), length of the body (4 bytes, the highest first), body
///
/// The first frame is a request, the answer to it a reply; frames with what is typed and printed come
/// between and after. Frames may be sent from several threads; one thread at a time receives.
final class ControlConnection: Sendable {
    enum Kind: UInt8 {
        /// ``ControlRequest`` and ``ControlReply``, as JSON.
        case request = 1
        case reply = 2
        case input = 3
        /// Nothing more will be typed; no body.
        case endOfInput = 4
        case output = 5
        case error = 6
        /// ``TerminalDevice/Size``, as JSON.
        case size = 7
        /// A signal's number in one byte, for the process that is attached to.
        case signal = 8
        /// The other side leaves, and what it typed is not all that there will be; no body.
        case detach = 9
    }

    struct Frame: Sendable {
        var kind: Kind
        var body: [UInt8]
    }

    private let socket: OwnedDescriptor
    /// Held while a frame is written, which may wait for the other side to read: frames never mix.
    private let writing = Mutex(())
    private let ended = Atomic(false)

    /// Far more than what is typed or printed at once; a request has less.
    static let maximumBodyBytes = 1 << 20

    init(_ socket: consuming OwnedDescriptor) throws(Errno) {
        try UnixSocket.makeBlocking(socket.rawValue)
        self.socket = socket
    }

    /// - Throws: EPIPE when the other side has gone.
    func send(_ kind: Kind, _ body: [UInt8] = []) throws(Errno) {
        var bytes = [kind.rawValue]
        bytes.reserveCapacity(body.count + 5)
        for shift in [24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: body.count >> shift)) }
        bytes += body
        try writing.withLock { _ throws(Errno) in
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = try UnixSocket.send(socket.rawValue, Array(rest))
                rest = rest.dropFirst(count)
            }
        }
    }

    func send(_ request: ControlRequest) throws { try send(.request, encode(request)) }

    func send(_ reply: ControlReply) throws { try send(.reply, encode(reply)) }

    func send(_ size: TerminalDevice.Size) throws { try send(.size, encode(size)) }

    private func encode(_ value: some Encodable) throws -> [UInt8] {
        try ContainerCoding.bytes(value)
    }

    /// Blocks until a frame has come.
    /// - Returns: nil when the other side has gone, or sent what is no frame.
    func receive() throws(Errno) -> Frame? {
        guard let head = try read(5), let kind = Kind(rawValue: head[0]) else { return nil }
        let count = head[1...].reduce(0) { $0 << 8 | Int($1) }
        guard count <= Self.maximumBodyBytes, let body = try read(count) else { return nil }
        return Frame(kind: kind, body: body)
    }

    private func read(_ count: Int) throws(Errno) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            var part = [UInt8](repeating: 0, count: min(count - done, 1 << 16))
            let got = try DescriptorIO.read(socket.rawValue, into: &part)
            if got == 0 { return nil }
            bytes.replaceSubrange(done..<(done + got), with: part[..<got])
            done += got
        }
        return bytes
    }

    /// From now on ``receive()`` gives up, and throws, when nothing has come for so long.
    func setPatience(_ limit: Duration) throws(Errno) {
        try UnixSocket.setPatience(limit, of: socket.rawValue)
    }

    /// Ends the conversation for both sides, also for a thread of this process that waits for it.
    func end() {
        ended.store(true, ordering: .releasing)
        UnixSocket.end(socket.rawValue)
    }

    /// Whether a side of it has ended it, as far as is known.
    var hasEnded: Bool { ended.load(ordering: .acquiring) }
}

extension ControlConnection.Frame {
    /// What a frame's body says; nil if it does not.
    func decode<Value: Decodable>(_ type: Value.Type) -> Value? {
        ContainerCoding.value(type, body)
    }
}
