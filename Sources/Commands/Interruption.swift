internal import Builder
internal import Dispatch
internal import Engine
internal import Glibc
internal import Synchronization

/// What signals do to a build, and to a container that is restarted: the first cancels what was not
/// begun, so that all ends in order; another one of the user's ends the program at once.
final class Interruption: Sendable {
    let cancellation = Cancellation()
    private let first = Mutex<Int32?>(nil)

    /// As shells count it: 130 for Ctrl-C. Nil without a signal.
    var exitCode: Int32? { first.withLock { $0 }.map { 128 + $0 } }

    func receive(_ signal: Int32) {
        let isFirst = first.withLock { first in
            defer { first = first ?? signal }
            return first == nil
        }
        if isFirst {
            // Ending a container may take a while, in which the next signal is to be heard.
            return DispatchQueue.global().async { [cancellation] in cancellation.cancel() }
        }
        // A terminal that is closed sends several.
        if signal != SIGHUP { _exit(exitCode ?? 1) }
    }
}
