package import LinuxIO

/// A process of a container whose runtime has left: this process is its parent.
///
/// Whoever starts one has called ``ChildProcess/adoptOrphans()``. Safe to use from several threads.
package final class ContainedProcess: Sendable {
    private let process: ChildProcess
    /// The master's side of its terminal, if it has one: borrowed, valid while this lives.
    package let terminal: Int32?

    init(_ process: ChildProcess, terminal: consuming OwnedDescriptor?) {
        self.process = process
        if let terminal { self.terminal = terminal.release() } else { self.terminal = nil }
    }

    deinit {
        if let terminal { _ = OwnedDescriptor(adopting: terminal) }
    }

    /// As the host numbers it.
    package var processID: Int32 { process.processID }

    /// Blocks the thread until it has ended.
    package func wait() -> ChildProcess.Exit { process.wait() }

    package func wait(upTo limit: Duration) -> ChildProcess.Exit? { process.wait(upTo: limit) }

    /// Sends a signal, unless it was seen to end.
    package func kill(_ signal: Int32) { process.kill(signal) }

    /// Tells its terminal, and through it its programs, that the window has another size.
    package func resize(_ size: TerminalDevice.Size) {
        if let terminal { TerminalDevice.setSize(terminal, size) }
    }
}
