internal import Dispatch
internal import Glibc

/// Calls a closure when the process gets a signal, such as those that ask it to end (SIGINT, SIGTERM,
/// SIGHUP), instead of dying.
///
/// What was ignored when the process started stays so: `nohup` and shells that start something in the
/// background mean it. The signals stay caught for the rest of the process's life; a second listener
/// replaces none.
package final class SignalListener {
    private let sources: [any DispatchSourceSignal]
    private static let queue = DispatchQueue(label: "vitrine.signals")

    /// What was ignored when the process started. Looked up once, before any listener changes it.
    private static let ignored = Set((1..<32).filter(isIgnored))

    package static let endings = [SIGINT, SIGTERM, SIGHUP]

    /// Returns when signals are heard: none is lost between its default, the end, and the handler.
    package init(
        to signals: [Int32] = SignalListener.endings, _ handler: @escaping @Sendable (Int32) -> Void
    ) {
        let registrations = DispatchGroup()
        sources = signals.filter { !Self.ignored.contains($0) }.map { number in
            let source = DispatchSource.makeSignalSource(signal: number, queue: Self.queue)
            source.setEventHandler { handler(number) }
            registrations.enter()
            source.setRegistrationHandler { registrations.leave() }
            source.activate()
            return source
        }
        registrations.wait()
    }

    deinit { for source in sources { source.cancel() } }

    private static func isIgnored(_ number: Int32) -> Bool {
        var action = sigaction()
        guard unsafe sigaction(number, nil, &action) == 0 else { return false }
        let handler = unsafe unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
        return unsafe handler == unsafeBitCast(SIG_IGN, to: Int.self)
    }
}
