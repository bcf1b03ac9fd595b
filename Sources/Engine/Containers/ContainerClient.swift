internal import LinuxIO
internal import Store

/// The caller's side of a conversation with the process that runs a container.
struct ContainerClient {
    let connection: ControlConnection

    /// - Returns: nil if no process listens there.
    init?(_ place: ContainerPlace) throws {
        do throws(Errno) {
            connection = try ControlConnection(try UnixSocket.connect(to: place.control))
        } catch {
            if error == .notFound || error == .connectionRefused { return nil }
            throw EngineError(
                .failed, "could not talk to the process that runs the container: \(error)")
        }
    }

    /// Asks, and waits for the answer.
    /// - Throws: ``EngineError`` with the other side's words; ``ContainerStartError``.
    /// - Parameter printed: takes what comes before the answer: a process may print before it is told
    ///   that it runs.
    func ask(
        _ request: ControlRequest, printed: (ControlConnection.Frame) -> Void = { _ in }
    ) throws -> ControlReply {
        do {
            try connection.send(request)
        } catch is Errno {
            throw Self.lost
        }
        while let frame = try? connection.receive() {
            if frame.kind == .reply { return try answer(frame) }
            printed(frame)
        }
        throw Self.lost
    }

    private func answer(_ frame: ControlConnection.Frame) throws -> ControlReply {
        guard let reply = frame.decode(ControlReply.self) else { throw Self.lost }
        if case .failed(let failure) = reply { throw ContainerStartError(failure) }
        return reply
    }

    static let lost = EngineError(
        .failed, "the process that runs the container ended without a word",
        hint: "\"vitrine ps -a\" tells how the container is")
}

/// What the process that runs a container refused, or could not do.
package struct ContainerStartError: Error, CustomStringConvertible {
    package var message: String
    package var hint: String?
    /// Docker's: 125 for a container that could not be made, 126 for a command that cannot be
    /// executed, 127 for one that is not there.
    package var exitCode: Int32
    /// Whether there is no process that it could be done to.
    var isNotRunning: Bool

    init(_ failure: ControlFailure) {
        message = failure.message
        hint = failure.hint
        exitCode = failure.exitCode
        isNotRunning = failure.kind == .notRunning
    }

    package var description: String { hint.map { "\(message)\n\($0)" } ?? message }
}

extension Errno {
    fileprivate static var connectionRefused: Errno { Errno(rawValue: 111) }
}
