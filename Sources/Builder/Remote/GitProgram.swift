internal import LinuxIO

/// The host's `git`, in surroundings where nothing but its arguments counts.
///
/// No configuration of the system or the user, no hooks, no templates, no prompts; of transports only
/// those that reach other hosts. A repository is fetched and read, never checked out: so nothing of it
/// runs, and none of its names becomes a path of the host.
struct GitProgram {
    let path: String
    /// The repository's `.git`.
    let directory: String
    private let environment: [String]
    private let cancellation: Cancellation

    /// As much as is read of what it says.
    private static let outputBytes = 64 << 20

    /// - Throws: `gitFailed` where there is none.
    init(
        directory: String, environment host: [String: String], cancellation: Cancellation
    ) throws {
        self.directory = directory
        self.cancellation = cancellation
        let search = host["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
        let found = search.split(separator: ":").filter { $0.hasPrefix("/") }
            .map { "\($0)/git" }.first { HostDirectory.exists($0) }
        guard let found else {
            throw BuildError(
                .gitFailed, "the program git is not installed, which fetches repositories",
                hint: "install git, or give the files by the build context")
        }
        path = found
        var variables = [
            "PATH": search, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_ATTR_NOSYSTEM": "1",
            "GIT_ALLOW_PROTOCOL": "http:https:ssh:git", "GIT_LITERAL_PATHSPECS": "1",
            "GIT_DIR": directory,
            // Asks for nothing, and gives up on a host that is silent.
            "GIT_SSH_COMMAND": "ssh -o BatchMode=yes -o ConnectTimeout=20",
        ]
        let kept = [
            "HOME", "SSH_AUTH_SOCK", "GIT_SSH_COMMAND", "http_proxy", "https_proxy", "all_proxy",
            "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
        ]
        for name in kept { variables[name] = host[name] ?? variables[name] }
        variables["GIT_SSL_CAINFO"] = host["SSL_CERT_FILE"]
        self.environment = variables.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    }

    /// Settings that hold for every call.
    private static let settings = [
        "core.hooksPath=/dev/null", "core.fsmonitor=false", "core.attributesFile=/dev/null",
        "gc.auto=0", "maintenance.auto=false", "tar.umask=0022", "init.defaultBranch=main",
        "protocol.version=2", "core.logAllRefUpdates=false", "advice.detachedHead=false",
        "credential.helper=",
        // Less than 1,000 bytes a second for half a minute is no transfer.
        "http.lowSpeedLimit=1000", "http.lowSpeedTime=30", "http.followRedirects=initial",
    ]

    private func request(_ arguments: [String]) -> ChildProcess.Request {
        var request = ChildProcess.Request(
            program: path, arguments: Self.settings.flatMap { ["-c", $0] } + arguments,
            environment: environment, directory: "/")
        request.group = .own
        return request
    }

    /// Runs a command to its end.
    /// - Throws: ``Failure`` for an exit code other than 0; `cancelled`.
    func run(_ arguments: String...) throws -> [UInt8] { try run(arguments) }

    func run(_ arguments: [String]) throws -> [UInt8] {
        let output = try ChildProcess.Capture()
        let errors = try ChildProcess.Capture()
        var request = request(arguments)
        request.standardOutput = output.descriptor
        request.standardError = errors.descriptor
        try finish(try start(request), errors)
        return output.content(limit: Self.outputBytes)
    }

    /// Runs a command and hands over what it prints while it runs.
    func stream(
        _ arguments: [String], to read: (_ descriptor: Int32) throws -> Void
    ) throws {
        let errors = try ChildProcess.Capture()
        let pipe = try ChildProcess.Pipe()
        var request = request(arguments)
        request.standardOutput = pipe.writing.rawValue
        request.standardError = errors.descriptor
        let child = try start(request)
        let reading = pipe.keepReading()
        do {
            try read(reading.rawValue)
        } catch {
            child.killGroup(9)
            // What the program itself has to say goes first, unless it was stopped.
            if case .code(let code) = child.wait(), code != 0 {
                throw Failure(exit: .code(code), text: Self.text(errors))
            }
            throw error
        }
        try finish(child, errors)
    }

    private func start(_ request: ChildProcess.Request) throws -> ChildProcess {
        do throws(ChildProcess.StartError) {
            return try ChildProcess.start(request)
        } catch {
            throw BuildError(.gitFailed, "could not start \(path): \(error)", cause: error)
        }
    }

    private func finish(
        _ child: ChildProcess, _ errors: borrowing ChildProcess.Capture
    ) throws {
        let registration = cancellation.onCancel { child.killGroup(9) }
        defer { cancellation.remove(registration) }
        let exit = child.wait()
        try cancellation.check()
        guard exit.isSuccess else { throw Failure(exit: exit, text: Self.text(errors)) }
    }

    private static func text(_ errors: borrowing ChildProcess.Capture) -> String {
        String(decoding: errors.content(limit: 1 << 16), as: UTF8.self)
    }

    /// What git said when it failed.
    struct Failure: Error {
        var exit: ChildProcess.Exit
        var text: String

        /// The lines that tell why.
        var reason: String {
            let lines = text.split(separator: "\n").map(String.init)
            let telling = lines.filter {
                $0.hasPrefix("fatal:") || $0.hasPrefix("error:") || $0.hasPrefix("ERROR:")
                    || $0.contains("Permission denied") || $0.contains("Host key")
            }
            let chosen = telling.isEmpty ? lines.suffix(3) : telling.prefix(3)
            return chosen.isEmpty
                ? "it ended with \(exit)" : chosen.joined(separator: "; ")
        }
    }
}
