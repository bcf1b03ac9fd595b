internal import Synchronization

/// Hands what a process prints to the log and to all who are attached.
///
/// Who is attached and does not read makes the process wait, as a pipe does; who has gone is
/// forgotten. Thread-safe.
final class OutputHub: Sendable {
    enum Stream: String, Sendable {
        case output = "stdout"
        case error = "stderr"

        fileprivate var kind: ControlConnection.Kind { self == .output ? .output : .error }
    }

    private struct Listener {
        var connection: ControlConnection
        var streams: Set<Stream>
    }

    private let log: ContainerLog?
    private let listeners = Mutex<[Listener]>([])

    init(log: ContainerLog?) { self.log = log }

    func attach(_ connection: ControlConnection, _ streams: Set<Stream>) {
        listeners.withLock { $0.append(Listener(connection: connection, streams: streams)) }
    }

    func detach(_ connection: ControlConnection) {
        listeners.withLock { $0.removeAll { $0.connection === connection } }
    }

    func write(_ stream: Stream, _ bytes: [UInt8]) {
        log?.append(stream, bytes)
        for listener in listeners.withLock({ $0 }) where listener.streams.contains(stream) {
            do {
                try listener.connection.send(stream.kind, bytes)
            } catch {
                detach(listener.connection)
            }
        }
    }

    /// The process prints no more: what stands in the log without an end of line gets one.
    func finish() { log?.finish() }
}
