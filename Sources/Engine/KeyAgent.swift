internal import LinuxIO

/// An SSH agent of our own for keys that are given as files (ssh-agent(1)): it holds them in its
/// memory, and ends with the step.
final class KeyAgent: Sendable {
    private static let searchPath = ["/usr/local/bin", "/usr/bin", "/bin"]
    /// The usual is some milliseconds.
    private static let patience = 250
    private static let pause = Duration.milliseconds(20)

    let socketPath: String
    private let process: ChildProcess

    /// - Parameters:
    ///   - directory: where the socket goes, closed to others. The calling thread outlives the
    ///     agent, which is killed with it.
    /// - Throws: ``EngineError`` `unavailable` without OpenSSH's programs, `invalid` for keys that
    ///   cannot be used.
    init(keys: [String], name: String, in directory: String) throws {
        let agent = try Self.program("ssh-agent", keys)
        let add = try Self.program("ssh-add", keys)
        socketPath = "\(directory)/\(name)"
        // By a name in its own directory: an address of a socket is short.
        var request = ChildProcess.Request(
            program: agent, arguments: ["-D", "-a", name], directory: directory)
        request.group = .own
        request.deathSignal = 9
        process = try ChildProcess.start(request)
        try awaitSocket()
        for key in keys {
            // It must not ask anybody for a passphrase: it has no terminal either.
            var request = ChildProcess.Request(
                program: add, arguments: ["-q", key],
                environment: ["SSH_AUTH_SOCK=\(name)", "SSH_ASKPASS_REQUIRE=never"],
                directory: directory)
            request.group = .session
            let output = try ChildProcess.output(of: request)
            guard output.exit.isSuccess else {
                let reason = String(decoding: output.standardError, as: UTF8.self)
                    .split(separator: "\n").last.map(String.init)
                throw EngineError(
                    .invalid,
                    "the key \(key) cannot be used: \(reason ?? "ssh-add does not take it")",
                    hint: "a key with a passphrase is added to an agent of your own, with ssh-add")
            }
        }
    }

    deinit {
        process.kill(9)
        _ = process.wait()
    }

    private func awaitSocket() throws {
        for _ in 0..<Self.patience {
            if HostDirectory.exists(socketPath) { return }
            if process.wait(upTo: Self.pause) != nil { break }
        }
        throw EngineError(.failed, "ssh-agent does not start")
    }

    private static func program(_ name: String, _ keys: [String]) throws -> String {
        let paths = searchPath.map { "\($0)/\(name)" }
        guard let path = paths.first(where: HostDirectory.exists) else {
            throw EngineError(
                .unavailable, "there is no \(name) to hold the key \(keys.first ?? "")",
                hint: "install openssh-client, or give the socket of an agent: --ssh ID=SOCKET")
        }
        return path
    }
}
