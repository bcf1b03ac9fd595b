internal import Glibc
internal import LinuxIO
internal import Synchronization

/// Standard output or standard error, for a program that goes on when nobody reads it. Thread-safe.
package final class StandardStream: Sendable {
    package static let output = StandardStream(STDOUT_FILENO, "standard output")
    package static let error = StandardStream(STDERR_FILENO, "standard error")

    package let isTerminal: Bool
    private let descriptor: Int32
    private let name: String
    private let failure = Mutex<Errno?>(nil)

    private init(_ descriptor: Int32, _ name: String) {
        self.descriptor = descriptor
        self.name = name
        isTerminal = isatty(descriptor) == 1
    }

    package static var inputIsTerminal: Bool { isatty(STDIN_FILENO) == 1 }

    /// Makes a write to a pipe without a reader an error, not the end of the process. To be called
    /// before anything is written.
    package static func surviveClosedPipes() { _ = signal(SIGPIPE, SIG_IGN) }

    package func write(_ text: String) { write(Array(text.utf8)) }

    /// Writes all, or nothing more from the first failure on.
    package func write(_ bytes: [UInt8]) {
        failure.withLock { failure in
            guard failure == nil else { return }
            do throws(Errno) {
                try DescriptorIO.writeAll(descriptor, bytes)
            } catch {
                failure = error
            }
        }
    }

    /// How the writes so far went.
    package enum State: Sendable {
        case complete
        /// The reader went away, which is for him to know.
        case closed
        /// What went wrong, as a sentence.
        case failed(String)
    }

    package var state: State {
        switch failure.withLock({ $0 }) {
        case nil: .complete
        case .brokenPipe?: .closed
        case let error?: .failed("could not write to \(name): \(error)")
        }
    }
}
