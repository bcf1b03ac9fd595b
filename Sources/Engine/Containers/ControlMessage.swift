internal import ImageSpec
internal import LinuxIO
internal import Store

/// What is asked of the process that runs a container. One for each connection.
enum ControlRequest: Codable, Sendable {
    /// Lets the container's first process start. Answered by `running` or `failed`; to who attaches,
    /// by `ended` at its end as well.
    case start(ControlAttachment?)
    /// To its first process, which runs. Answered as `start`.
    case attach(ControlAttachment)
    /// Another process. Answered as `start`.
    case execute(ControlExecution)
    /// A signal for its first process. Answered by `done`.
    case signal(Int32)
    /// Answered by `ended` when the container has ended: by the signal (nil is the container's own),
    /// or killed when the time is over (nil is the container's own; negative is without end).
    case stop(signal: Int32?, timeoutSeconds: Int?, StopPurpose)
    /// Answered by `ended`.
    case wait
    case pause
    case resume
    /// A tree of its root file system as it is. Answered by `frozen`; the tree stays until the
    /// connection ends. `pauses` stops the container's processes while it is made; `hashesLayer` wants
    /// its layer, too.
    case freeze(pauses: Bool, hashesLayer: Bool)
    /// Takes over the limits that the store has for it. Answered by `done`.
    case update
    /// Which processes `exec` has started that still run. Answered by `executions`.
    case executions
}

/// What a container is stopped for.
enum StopPurpose: String, Codable, Sendable {
    case end
    /// It is started again next: one that removes itself stays for now.
    case restart
    /// It is removed next: no event tells that it was stopped.
    case removal
}

/// Which streams of a process are shared.
struct ControlAttachment: Codable, Sendable {
    var hasInput: Bool
    var hasOutput = true
    var hasError = true
    /// Of the caller's terminal.
    var size: TerminalDevice.Size?
}

/// `exec`
struct ControlExecution: Codable, Sendable {
    var arguments: [String]
    var environment: [String]
    var workingDirectory: String?
    var user: String?
    var hasTerminal: Bool
    var isPrivileged: Bool
    /// Nil leaves it alone: it is answered by `running` and goes on without anybody.
    var attachment: ControlAttachment?
}

enum ControlReply: Codable, Sendable {
    case done
    /// The process runs; its number on the host.
    case running(Int32)
    case ended(exitCode: Int32)
    /// Names of processes.
    case executions([String])
    /// The tree's encoding, see docs/data-model.md; its layer, if it was wanted and nothing changed while
    /// it was hashed.
    case frozen([UInt8], layer: FrozenRoot.Layer?)
    case failed(ControlFailure)
}

/// Why something could not be done.
struct ControlFailure: Codable, Sendable {
    enum Kind: String, Codable, Sendable {
        case commandNotFound, commandNotExecutable, notRunning, other
    }
    var kind: Kind
    var message: String
    var hint: String?
}
