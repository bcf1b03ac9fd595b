internal import Glibc
internal import Synchronization

/// Where views say why they answered with an I/O error: one line each on standard error.
package enum ViewLog {
    /// A store that lost its disk would otherwise print a line for every read.
    private static let maximumLines = 1_000
    private static let lines = Atomic<Int>(0)

    package static func report(_ error: any Error) {
        let count = lines.add(1, ordering: .relaxed).newValue
        guard count <= maximumLines else { return }
        let text = "vitrine: a view answered EIO: \(error)\n"
        let bytes = Array(text.utf8)
        _ = unsafe bytes.withUnsafeBytes { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
