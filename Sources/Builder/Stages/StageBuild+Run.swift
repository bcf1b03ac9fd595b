internal import Dockerfile
internal import FileTree
internal import ImageSpec
internal import Sandbox
internal import Store

extension StageBuild {
    /// Where BuildKit puts a heredoc that is a program of its own.
    private static let scriptDirectory = "/dev/pipes"

    func perform(_ instruction: RunInstruction, _ located: LocatedInstruction) throws {
        try checkSecurity(instruction)
        let (arguments, files) = try program(of: instruction)
        let mounts = try plan(instruction.mounts)
        var request = StepRequest(
            tree: state.tree, arguments: arguments,
            environment: state.environment.entries + agentEnvironment(mounts),
            workingDirectory: try state.commandDirectory, user: state.image.config.user,
            network: network(of: instruction), files: files)
        request.surroundings = surroundings(of: instruction)
        var inputs = CacheInputs("RUN", parent: state.tree)
        if let name = run.arguments.givenValue("BUILDKIT_SANDBOX_HOSTNAME"), !name.isEmpty {
            request.hostname = name
            inputs.append("hostname", name)
        }
        for argument in arguments { inputs.append("argument", argument) }
        for variable in request.environment { inputs.append("environment", variable) }
        inputs.append("directory", request.workingDirectory)
        inputs.append("user", request.user)
        inputs.append("network", "\(request.network)")
        for file in files {
            inputs.append("file", file.path, "\(Digest(of: file.content))")
        }
        append(request.surroundings, to: &inputs)
        try append(mounts, to: &inputs)
        var step = LayerStep(
            text: shownText(located), history: history(of: arguments), inputs: inputs,
            range: located.range)
        for mount in mounts {
            guard let target = mount.target, let exposed = mount.exposed else { continue }
            step.mountedPaths.add(target, from: exposed.path)
        }
        try perform(step) { step, directories in
            var request = request
            try provide(mounts, to: &request.surroundings)
            return Made(try execute(request, step, located, directories))
        }
    }

    func checkSecurity(_ instruction: RunInstruction) throws {
        guard instruction.security == .insecure, !run.options.run.allowsInsecure else { return }
        throw BuildError(
            .invalidArgument, "security.insecure is not allowed",
            offending: "--security=insecure",
            hint: "such a command may do all that you may; build with --allow security.insecure")
    }

    private func surroundings(of instruction: RunInstruction) -> StepRequest.Surroundings {
        let options = run.options.run
        var surroundings = StepRequest.Surroundings()
        surroundings.isPrivileged = instruction.security == .insecure
        surroundings.resourceLimits = options.resourceLimits
        surroundings.sharedMemoryBytes = options.sharedMemoryBytes
        surroundings.extraHosts = options.extraHosts
        return surroundings
    }

    /// As in BuildKit: the names of further hosts count, their addresses do not.
    private func append(
        _ surroundings: StepRequest.Surroundings, to inputs: inout CacheInputs
    ) {
        if surroundings.isPrivileged { inputs.append("security", "insecure") }
        for limit in surroundings.resourceLimits {
            inputs.append("ulimit", "\(limit.name)=\(limit.soft):\(limit.hard)")
        }
        if let bytes = surroundings.sharedMemoryBytes {
            inputs.append("shared-memory", "\(bytes)")
        }
        for host in surroundings.extraHosts { inputs.append("host", host.name) }
    }

    private func network(of instruction: RunInstruction) -> Network {
        switch instruction.network {
        case .default: run.options.network
        case .none: .none
        case .host: .host
        }
    }

    func program(
        of instruction: RunInstruction
    ) throws -> (arguments: [String], files: [StepFile]) {
        switch instruction.program {
        case .exec(let arguments):
            guard let program = arguments.first, !program.isEmpty else {
                throw BuildError(
                    .invalidDockerfile, "RUN has no command to run",
                    expected: "RUN COMMAND, or RUN [\"program\", \"argument\"]")
            }
            return (arguments, [])
        case .shell(let script):
            guard let text = String(validating: script, as: UTF8.self) else {
                throw BuildError(
                    .unsupported, "the script in the heredoc of RUN is not UTF-8",
                    hint: "begin it with #! and the shell: files may hold any bytes")
            }
            return (state.shellCommand(text), [])
        case .file(let name, let content):
            let path = "\(Self.scriptDirectory)/\(name)"
            return (
                state.shellCommand(path),
                [StepFile(path: path, permissions: 0o755, content: content)]
            )
        }
    }

    /// The arguments as the history shows them, after the values of the ARGs.
    private func history(of arguments: [String]) -> String {
        var names: [String] = []
        for argument in state.arguments where !names.contains(argument.name) {
            names.append(argument.name)
        }
        var words = names.map { name in
            let declared = state.arguments.last { $0.name == name }?.value
            return "\(name)=\(state.environment[name] ?? declared ?? "")"
        }
        if !words.isEmpty { words.insert("|\(words.count)", at: 0) }
        return "RUN \((words + arguments).joined(separator: " ")) # buildkit"
    }

    // MARK: - Running

    private func execute(
        _ request: StepRequest, _ step: BuildStep, _ located: LocatedInstruction,
        _ directories: PendingDirectories
    ) throws -> Tree {
        let log = StepLog(
            step: step.number, path: run.recorder.logPath(step.number), observer: run.observer)
        var request = request
        // They are no part of the key, and of the image neither.
        for variable in run.arguments.proxyEnvironment
        where state.environment[String(variable.prefix { $0 != "=" })] == nil {
            request.environment.append(variable)
        }
        let result: StepResult
        do {
            let context = StepContext(
                store: run.store, lease: run.lease, directories: directories, output: log,
                cancellation: run.cancellation)
            result = try run.executor.run(request, in: context)
        } catch {
            if run.cancellation.isCancelled { throw Cancellation.error }
            var failure = BuildError(
                .commandNotStarted, "could not run \(request.arguments.goQuoted): \(error)",
                cause: error)
            if run.store.isFull { failure.tellFullStore() }
            throw failure
        }
        try run.cancellation.check()
        if case .exited(0) = result.ending { return result.tree }
        var error = failure(request, result.ending, step, log)
        if log.tail.contains(where: { $0.contains(Self.noSpace) }), run.store.isFull {
            error.tellFullStore()
            // What the command came to is to be told, whatever there is room for.
            try? run.recorder.add(
                step, .failed, key: nil, parent: request.tree, tree: request.tree,
                directories: PendingDirectories(base: run.store))
        } else {
            try run.recorder.add(
                step, .failed, key: nil, parent: request.tree, tree: result.tree,
                directories: directories)
        }
        throw error
    }

    /// As programs say it in the locale of containers (strerror(3), ENOSPC).
    private static let noSpace = "No space left on device"

    private func failure(
        _ request: StepRequest, _ ending: StepResult.Ending, _ step: BuildStep, _ log: StepLog
    ) -> BuildError {
        // Of a script the first line: the whole stands below.
        let lines = request.arguments.joined(separator: " ").split(separator: "\n")
        let command = (lines.first.map(String.init) ?? "") + (lines.count > 1 ? " …" : "")
        var failed = BuildError.FailedCommand(
            build: run.recorder.id, step: step.number, outputTail: log.tail,
            logPath: run.recorder.logPath(step.number))
        var error = BuildError(.commandFailed, "")
        switch ending {
        case .exited(let code):
            failed.exitCode = code
            error.message = "the command \"\(command)\" ended with exit code \(code)"
            if code == 127 { error.hint = "127 means that a program was not found" }
            if code == 137 {
                error.hint = "137 means that signal 9 ended it, often because memory ran out"
            }
        case .cancelled: return Cancellation.error
        }
        error.command = failed
        return error
    }
}
