internal import Glibc
internal import LinuxIO
internal import Sandbox

/// This process's terminal, connected with that of a process in a container, which is as large at once
/// and whenever the window changes.
struct TerminalRelay: Sendable {
    private let process: ContainedProcess
    private static let chunkBytes = 1 << 15

    /// - Parameter process: has a terminal.
    init(_ process: ContainedProcess) { self.process = process }

    /// Blocks until the process has ended and what it printed is shown, on standard error. All that is
    /// typed goes to it as it is.
    /// - Throws: Errno where no thread or descriptor is to be had.
    func run() throws(Errno) {
        guard let terminal = process.terminal else {
            preconditionFailure("the process was started with a terminal")
        }
        let listener = SignalListener(to: [SIGWINCH]) { [self] _ in resize() }
        defer { withExtendedLifetime(listener) {} }
        resize()
        // What is typed after the end is not for the process.
        let end = try ChildProcess.Pipe()
        let input = try DescriptorIO.duplicate(terminal)
        let (ending, typed) = (end.reading.rawValue, input.rawValue)
        let reader = try BlockingThread { [self] in pass(to: typed, until: ending) }
        TerminalDevice.withRawInput(STDIN_FILENO) { show(terminal) }
        try? DescriptorIO.writeAll(end.writing.rawValue, [0])  // else it ends with its terminal
        reader.join()
        _ = process.wait()
    }

    private func resize() {
        if let size = TerminalDevice.size(STDIN_FILENO) { process.resize(size) }
    }

    private func pass(to terminal: Int32, until end: Int32) {
        var chunk = [UInt8](repeating: 0, count: Self.chunkBytes)
        while true {
            var waits = [DescriptorWait(STDIN_FILENO, .input), DescriptorWait(end, .input)]
            // A terminal that fails has nobody who types.
            guard (try? DescriptorIO.wait(&waits)) != nil, !waits[1].isReady,
                let count = try? DescriptorIO.read(STDIN_FILENO, into: &chunk), count > 0,
                (try? DescriptorIO.writeAll(terminal, Array(chunk[..<count]))) != nil
            else { return }
        }
    }

    /// A terminal ends with EIO.
    private func show(_ terminal: Int32) {
        var chunk = [UInt8](repeating: 0, count: Self.chunkBytes)
        while let count = try? DescriptorIO.read(terminal, into: &chunk), count > 0 {
            StandardStream.error.write(Array(chunk[..<count]))
        }
    }
}
