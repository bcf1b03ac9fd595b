internal import Dispatch
internal import Glibc
internal import LinuxIO
internal import Synchronization

/// How a caller is attached to a process of a container.
package struct AttachOptions: Sendable {
    /// What the caller types goes to the process.
    package var hasInput = true
    package var hasOutput = true
    package var hasError = true
    /// The process has a terminal, and the caller's passes all on.
    package var hasTerminal = false
    /// The bytes that, typed one after the other, leave the process to itself.
    package var detachKeys: [UInt8] = DetachKeys.standard
    /// Signals that the caller gets go to the process.
    package var passesSignals = true

    package init() {}

    var request: ControlAttachment {
        ControlAttachment(
            hasInput: hasInput, hasOutput: hasOutput, hasError: hasError,
            size: hasTerminal ? TerminalDevice.size(STDIN_FILENO) : nil)
    }
}

/// How an attachment ended.
package enum AttachOutcome: Hashable, Sendable {
    case exited(Int32)
    /// By the caller's keys; the process goes on.
    case detached
    /// By a signal that asked the caller to end; the process goes on.
    case ended(by: Int32)
    /// What the process prints cannot be passed on any more; it goes on.
    case unheard
}

/// The caller's terminal, or its streams, connected with a process of a container.
final class AttachedSession: Sendable {
    private let client: ContainerClient
    private let options: AttachOptions
    private let isDetached = Atomic(false)
    private let interruptions = Atomic(0)
    /// The signal that ended this, of a caller with a terminal; 0 is none.
    private let ending = Atomic<Int32>(0)

    /// After so many the caller's patience is taken to be over, as Docker does.
    private static let maximumInterruptions = 3

    init(_ client: ContainerClient, _ options: AttachOptions) {
        self.client = client
        self.options = options
    }

    /// Asks for the process and stays until it has ended, or the caller leaves.
    /// - Parameter began: called when the process runs.
    func run(_ request: ControlRequest, began: () -> Void = {}) throws -> AttachOutcome {
        let signals =
            passesSignals
            ? Self.passed : options.hasTerminal ? [SIGWINCH] + SignalListener.endings : []
        // Before the process is there, so that no signal ends this one and leaves it.
        let listener = SignalListener(to: signals) { [self] number in take(number) }
        defer { withExtendedLifetime(listener) {} }
        // What comes before the answer waits for the terminal's modes.
        var early: [ControlConnection.Frame] = []
        do {
            guard case .running = try client.ask(request, printed: { early.append($0) }) else {
                throw ContainerClient.lost
            }
        } catch {
            for frame in early { show(frame) }
            if let outcome = ended { return outcome }
            throw error
        }
        began()
        func go() throws -> AttachOutcome {
            for frame in early { show(frame) }
            return try follow()
        }
        guard options.hasTerminal, options.hasInput else { return try go() }
        return try TerminalDevice.withRawInput(STDIN_FILENO) { try go() }
    }

    /// All that a process can catch but those that are about its own children, pipes and terminal, and
    /// its own mistakes.
    private static let passed: [Int32] = [
        SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGTERM, SIGCONT, SIGXCPU, SIGXFSZ,
        SIGVTALRM, SIGPROF, SIGWINCH, SIGIO, SIGPWR,
    ]

    /// With a terminal whose keys are the process's, a signal is for this one alone.
    private var passesSignals: Bool {
        options.passesSignals && !(options.hasTerminal && options.hasInput)
    }

    private func take(_ number: Int32) {
        // A window that gets another size is no order to a server that ends by this signal.
        if number == SIGWINCH, options.hasTerminal || Self.hasWindow { return sendSize() }
        // It leaves, and gives the terminal its modes back on the way.
        if !passesSignals {
            ending.store(number, ordering: .releasing)
            return leave()
        }
        if number == SIGINT || number == SIGTERM {
            let count = interruptions.add(1, ordering: .relaxed).newValue
            if count >= Self.maximumInterruptions {
                StandardStream.error.write(
                    "vitrine: \(count) signals came, and the container did not end; left alone\n")
                exit(1)
            }
        }
        // A process that has ended needs none.
        try? client.connection.send(.signal, [UInt8(clamping: number)])
    }

    private static var hasWindow: Bool {
        [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO].contains { TerminalDevice.size($0) != nil }
    }

    private func sendSize() {
        guard options.hasTerminal, let size = TerminalDevice.size(STDIN_FILENO) else { return }
        try? client.connection.send(size)  // as above
    }

    private func follow() throws -> AttachOutcome {
        if options.hasInput { try BlockingThread.detach { [self] in passInput() } }
        while let frame = try? client.connection.receive() {
            guard frame.kind == .reply else {
                show(frame)
                guard isHeard else {
                    leave()
                    return .unheard
                }
                continue
            }
            switch frame.decode(ControlReply.self) {
            case .ended(let code): return .exited(code)
            case .failed(let failure): throw ContainerStartError(failure)
            default: throw ContainerClient.lost
            }
        }
        if let outcome = ended { return outcome }
        if isDetached.load(ordering: .acquiring) { return .detached }
        throw ContainerClient.lost
    }

    /// Leaves the process to itself.
    private func leave() {
        try? client.connection.send(.detach)  // the end of the connection says as much
        client.connection.end()
    }

    private var isHeard: Bool {
        if case .complete = StandardStream.output.state, case .complete = StandardStream.error.state
        {
            return true
        }
        return false
    }

    private var ended: AttachOutcome? {
        let number = ending.load(ordering: .acquiring)
        return number == 0 ? nil : .ended(by: number)
    }

    private func show(_ frame: ControlConnection.Frame) {
        switch frame.kind {
        case .output: StandardStream.output.write(frame.body)
        case .error: StandardStream.error.write(frame.body)
        case .request, .reply, .input, .endOfInput, .size, .signal, .detach: break
        }
    }

    private func passInput() {
        var keys = DetachKeys(options.hasTerminal ? options.detachKeys : [])
        var chunk = [UInt8](repeating: 0, count: 1 << 15)
        while let count = try? DescriptorIO.read(STDIN_FILENO, into: &chunk), count > 0 {
            let typed = keys.take(chunk[..<count])
            if !typed.isEmpty, (try? client.connection.send(.input, typed)) == nil { return }
            if keys.areComplete {
                isDetached.store(true, ordering: .releasing)
                return leave()
            }
        }
        try? client.connection.send(.endOfInput)  // a process that has ended needs to know nothing
    }
}

/// Finds a sequence of keys in what is typed.
package struct DetachKeys {
    /// Ctrl-P and Ctrl-Q, as Docker's.
    package static let standard: [UInt8] = [16, 17]

    private let sequence: [UInt8]
    private var matched = 0

    init(_ sequence: [UInt8]) { self.sequence = sequence }

    var areComplete: Bool { !sequence.isEmpty && matched == sequence.count }

    /// What of the typed bytes is for the process: all but the sequence, whose beginning is kept back
    /// until it is known not to be one.
    mutating func take(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        guard !sequence.isEmpty else { return Array(bytes) }
        var passed: [UInt8] = []
        for byte in bytes {
            if byte == sequence[matched] {
                matched += 1
                if areComplete { return passed }
                continue
            }
            passed += sequence[..<matched]
            matched = 0
            if byte == sequence[0] { matched = 1 } else { passed.append(byte) }
        }
        return passed
    }

    /// Keys as Docker's `--detach-keys` writes them: characters, or `ctrl-` with a letter or one of
    /// `@`, `[`, `\`, `]`, `^`, `_`, separated by commas. Empty is none.
    /// - Returns: nil for what is no such text.
    package static func parse(_ text: String) -> [UInt8]? {
        if text.isEmpty { return [] }
        var keys: [UInt8] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let name = part.lowercased()
            if part.utf8.count == 1, let byte = part.utf8.first {
                keys.append(byte)
            } else if name.hasPrefix("ctrl-"), name.utf8.count == 6, let last = name.utf8.last {
                switch last {
                case UInt8(ascii: "a")...UInt8(ascii: "z"): keys.append(last - 96)
                case UInt8(ascii: "@"): keys.append(0)
                case UInt8(ascii: "[")...UInt8(ascii: "_"): keys.append(last - 64)
                default: return nil
                }
            } else if name == "del" {
                keys.append(127)
            } else {
                return nil
            }
        }
        return keys
    }
}
