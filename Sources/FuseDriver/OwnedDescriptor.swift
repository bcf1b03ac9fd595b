internal import CFuse
internal import Glibc

/// Owns an open file descriptor.
struct OwnedDescriptor: ~Copyable, Sendable {
    let rawValue: Int32

    init(adopting rawValue: Int32) { self.rawValue = rawValue }

    deinit { close(rawValue) }

    /// Gives the descriptor away.
    consuming func take() -> Int32 {
        let rawValue = rawValue
        discard self
        return rawValue
    }
}

/// An eventfd(2) used as a bell: once rung it stays readable until it is silenced.
struct Bell: ~Copyable, Sendable {
    private let descriptor: OwnedDescriptor

    /// - Throws: `FuseError` with code `outOfResources`.
    init() throws(FuseError) {
        let raw = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
        guard raw >= 0 else { throw FuseError.outOfResources("an eventfd", errno: errno) }
        descriptor = OwnedDescriptor(adopting: raw)
    }

    var rawDescriptor: Int32 { descriptor.rawValue }

    /// Async-signal-safe.
    func ring() {
        // Fails only when the counter is at its maximum: then it is readable already.
        eventfd_write(descriptor.rawValue, 1)
    }

    func silence() {
        var count: eventfd_t = 0
        // Fails only when it was silent.
        unsafe eventfd_read(descriptor.rawValue, &count)
    }

    /// Blocks until the bell was rung, or the time is over.
    /// - Returns: whether it was rung.
    @discardableResult
    func wait(milliseconds: Int32 = -1) -> Bool {
        var waiting = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
        while true {
            let ready = unsafe poll(&waiting, 1, milliseconds)
            if ready < 0 && errno == EINTR { continue }
            return ready > 0
        }
    }
}
