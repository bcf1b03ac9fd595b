internal import Glibc
internal import ImageSpec
internal import Store
internal import Synchronization

/// Where views say what programs get no more than an error number of: on standard error, which is
/// `logs/mounts.log` for mounts in the background.
package enum ViewLog {
    private static let throttle = Mutex(LogThrottle())
    private static let start = ContinuousClock.now

    /// A request failed that has no business to.
    package static func report(_ error: any Error) { note("a view could not answer: \(error)") }

    /// Says something that whoever has the view should know.
    package static func note(_ message: String) {
        let seconds = (ContinuousClock.now - start).components.seconds
        let lines = throttle.withLock { $0.lines(for: message, at: UInt64(seconds)) }
        for line in lines { write(line) }
    }

    private static func write(_ line: String) {
        let second: Int64 = 1_000_000_000
        let now = Timestamp(nanosecondsSinceEpoch: Store.now() / second * second)
        let bytes = Array("\(now) vitrine[\(getpid())]: \(line)\n".utf8)
        let written = unsafe bytes.withUnsafeBytes {
            unsafe Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count)
        }
        // The log lies in the store, which may be what is broken.
        if written < 0 {
            unsafe line.withCString { text in
                unsafe withVaList([text]) { unsafe vsyslog(LOG_DAEMON | LOG_ERR, "%s", $0) }
            }
        }
    }
}
