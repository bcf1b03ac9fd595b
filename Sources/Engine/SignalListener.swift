internal import Dispatch
internal import Glibc

/// Calls a closure when the process is asked to end (SIGINT, SIGTERM, SIGHUP), instead of dying.
///
/// The signals stay caught for the rest of the process's life; a second listener replaces none.
package final class SignalListener {
    private let sources: [any DispatchSourceSignal]
    private static let queue = DispatchQueue(label: "vitrine.signals")

    package init(_ handler: @escaping @Sendable (Int32) -> Void) {
        sources = [SIGINT, SIGTERM, SIGHUP].map { number in
            // The source sees the signal only if its default, the end, does not happen.
            _ = signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: Self.queue)
            source.setEventHandler { handler(number) }
            source.activate()
            return source
        }
    }

    deinit { for source in sources { source.cancel() } }
}
