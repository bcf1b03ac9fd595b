internal import Glibc
internal import ImageSpec
internal import LinuxIO
internal import Store

/// Listens at a container's socket for as long as this process lives.
enum ControlListener {
    /// - Parameter answer: called for each connection, on a thread of its own; the connection ends when
    ///   it returns.
    static func start(
        in place: ContainerPlace, _ answer: @escaping @Sendable (ControlConnection) -> Void
    ) throws {
        // Of a process that was killed.
        try? HostDirectory.unlink(place.control)
        let number = try socket(in: place).release()
        try BlockingThread.detach {
            let listener = OwnedDescriptor(adopting: number)
            while true {
                do {
                    let connection = try ControlConnection(
                        try UnixSocket.accept(listener.rawValue))
                    Self.answer(connection, answer)
                } catch {
                    // Whoever asks went at once; or descriptors or memory are scarce, and it waits.
                    usleep(Self.scarcityPauseMicroseconds)
                }
            }
        }
    }

    /// Long enough to cost nothing, and short beside what who waits notices.
    private static let scarcityPauseMicroseconds: UInt32 = 20_000

    private static func answer(
        _ connection: ControlConnection, _ body: @escaping @Sendable (ControlConnection) -> Void
    ) {
        do {
            try BlockingThread.detach {
                body(connection)
                connection.end()
            }
        } catch {
            // Without a thread for it, whoever asks sees the connection end.
            connection.end()
        }
    }

    private static func socket(in place: ContainerPlace) throws -> OwnedDescriptor {
        do throws(Errno) {
            let listener = try UnixSocket.listen(ContainerPlace.controlName, in: place.directory)
            try UnixSocket.makeBlocking(listener.rawValue)
            return listener
        } catch {
            throw EngineError(
                .failed, "could not make the socket \(place.control.visible): \(error)")
        }
    }
}
