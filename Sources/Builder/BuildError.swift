package import Dockerfile
internal import ImageSpec
internal import LinuxIO
internal import Store

/// Why a build ended without an image.
package struct BuildError: Error, Sendable {
    /// What callers branch on.
    package enum Code: String, Hashable, Sendable {
        /// The Dockerfile cannot be read or understood.
        case invalidDockerfile = "invalid-dockerfile"
        /// The context cannot be read.
        case contextUnreadable = "context-unreadable"
        /// A base image that the store does not have.
        case imageNotFound = "image-not-found"
        case ambiguousImage = "ambiguous-image"
        case platformMismatch = "platform-mismatch"
        /// A build check found something, and the file says that this is an error.
        case checksFailed = "checks-failed"
        /// What COPY or ADD names is not there.
        case sourceNotFound = "source-not-found"
        /// The destination of COPY or ADD, or a working directory, cannot be what it should.
        case invalidDestination = "invalid-destination"
        /// A user, mode, port, signal or digest that means nothing.
        case invalidArgument = "invalid-argument"
        /// Part of the language that is not there yet.
        case unsupported
        /// A file of another host could not be had.
        case downloadFailed = "download-failed"
        /// A git repository could not be had.
        case gitFailed = "git-failed"
        /// What another host gave is not what `--checksum` says.
        case checksumMismatch = "checksum-mismatch"
        /// The result could not be written where it was to go.
        case outputFailed = "output-failed"
        /// A command ended with another code than 0.
        case commandFailed = "command-failed"
        /// A command could not be started.
        case commandNotStarted = "command-not-started"
        case cancelled
        /// The store or the host refused.
        case failed
    }

    /// The command that failed and what is left of it.
    package struct FailedCommand: Hashable, Sendable {
        /// The build, as the gallery names it.
        package var build: String
        package var step: Int
        package var exitCode: Int32?
        /// The last lines that it printed.
        package var outputTail: [String]
        /// The whole of what it printed.
        package var logPath: String
    }

    package var code: Code
    /// What was being done, to what, and what is wrong; without a full stop.
    package var message: String
    /// The instruction, where there is one.
    package var range: SourceRange?
    /// The text that is wrong, as the Dockerfile has it.
    package var offendingText: String?
    package var expected: String?
    /// What would help.
    package var hint: String?
    package var cause: (any Error)?
    package var command: FailedCommand?
    /// Whether it failed because the store's file system is full: nothing of what it made is kept.
    package var isOutOfRoom: Bool
    /// The Dockerfile that `range` is of.
    package var dockerfile: DockerfileText?

    package init(
        _ code: Code, _ message: String, at range: SourceRange? = nil,
        offending offendingText: String? = nil, expected: String? = nil, hint: String? = nil,
        cause: (any Error)? = nil
    ) {
        isOutOfRoom = cause.map(Self.isOutOfRoom) ?? false
        self.code = code
        self.message = message
        self.range = range
        self.offendingText = offendingText
        self.expected = expected
        self.hint = hint
        self.cause = cause
    }

    init(_ error: DockerfileError) {
        self.init(
            .invalidDockerfile, error.message, at: error.range, offending: error.offendingText,
            expected: error.expected, hint: error.hint)
    }

    /// Any error as one of a build, at the instruction where it happened.
    init(_ error: any Error, at range: SourceRange?) {
        switch error {
        case let error as BuildError: self = error
        case let error as DockerfileError: self.init(error)
        default:
            self.init(.failed, "\(error)", hint: Self.roomHint(error), cause: error)
        }
        self.range = self.range ?? range
    }
}

extension BuildError {
    /// Whether the store's file system is full.
    private static func isOutOfRoom(_ error: any Error) -> Bool {
        (error as? StoreError)?.isOutOfRoom ?? (error as? Errno == .noSpace)
    }

    /// Says so of a command that found no room.
    mutating func tellFullStore() {
        isOutOfRoom = true
        hint =
            "the store's file system is full; what the step wrote is removed again, and "
            + "\"vitrine cache prune\" frees what no image needs"
    }

    /// What helps where the store's file system is full.
    static func roomHint(_ error: any Error) -> String? {
        isOutOfRoom(error) ? "\"vitrine cache prune\" frees what no image needs" : nil
    }
}

/// A Dockerfile's bytes, and how its reader knows it.
package struct DockerfileText: Hashable, Sendable {
    package var name: String
    package var bytes: [UInt8]

    package init(name: String, bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes
    }
}

extension BuildError: CustomStringConvertible {
    package var description: String {
        var text = message
        if let range { text = "\(range.start.line):\(range.start.column): \(text)" }
        if let hint { text += " (\(hint))" }
        return text
    }
}

// MARK: - Rendering

extension BuildError {
    /// Whether the Dockerfile is where to look: not for what the store or the host refused, nor for a
    /// build that was cancelled.
    private var isOfDockerfile: Bool {
        switch code {
        case .cancelled, .failed, .contextUnreadable: false
        default: range != nil || code == .invalidDockerfile
        }
    }

    /// Where the build was, for what is not the Dockerfile's fault: `Dockerfile:3: COPY a /`.
    private var instruction: String? {
        guard code != .cancelled, let dockerfile, let line = range?.start.line, line > 0 else {
            return nil
        }
        let lines = dockerfile.bytes.split(
            separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        guard lines.indices.contains(line - 1) else { return nil }
        let text = String(decoding: lines[line - 1], as: UTF8.self)
        return "\(dockerfile.name):\(line): \(text.filter { $0 != "\r" && $0 != "\r\n" })"
    }

    /// The error as people read it: what a failed command printed last, then place and message, the
    /// instruction's line with the offending text underlined, and what would help.
    /// - Parameter isTerminal: whether it goes to a terminal, which is shown of what the command
    ///   printed the text and its colours only.
    package func rendered(isTerminal: Bool = false) -> String {
        let error = DockerfileError(
            .unknownInstruction, message, at: range, offending: offendingText, expected: expected,
            hint: hint)
        var text: String
        if let dockerfile, isOfDockerfile {
            text = error.rendered(source: dockerfile.bytes, fileName: dockerfile.name)
        } else {
            text = [
                message, instruction.map { "in \($0)" }, expected.map { "expected: \($0)" },
                hint.map { "hint: \($0)" },
            ].compactMap { $0 }.joined(separator: "\n")
        }
        text = text.visibleLines
        guard let command else { return text }
        if !command.outputTail.isEmpty {
            let lines = command.outputTail.map { line in
                "   > \(isTerminal ? TerminalText.colored(line.utf8) : line)"
            }.joined(separator: "\n")
            text = "------\n\(lines)\n------\n\(text)"
        }
        return text
    }
}
