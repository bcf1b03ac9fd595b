internal import Dockerfile
internal import ImageSpec

/// What the instructions change that need no file system.
extension ContainerConfig {
    static let defaultShell = ["/bin/sh", "-c"]

    /// - Parameters:
    ///   - defaultShell: what runs shell forms where the config names nothing.
    ///   - hasOwnCommand: whether a CMD came before, which an ENTRYPOINT then leaves alone.
    /// - Throws: ``BuildError`` `invalidArgument`; `DockerfileError` `invalidPort`.
    mutating func apply(
        _ instruction: Instruction, defaultShell: [String] = Self.defaultShell,
        hasOwnCommand: inout Bool
    ) throws {
        switch instruction {
        case .env(let env):
            for pair in env.pairs { setEnvironment(pair.name, pair.value) }
        case .label(let label): for pair in label.pairs { labels[pair.name] = pair.value }
        case .onbuild(let onbuild): onBuild.append(onbuild.trigger)
        case .cmd(let cmd):
            command = words(cmd.command, defaultShell)
            argsEscaped = true
            hasOwnCommand = true
        case .entrypoint(let instruction):
            entrypoint = words(instruction.command, defaultShell)
            if !hasOwnCommand { command = [] }
        case .healthcheck(let instruction):
            healthCheck = HealthCheck(
                test: instruction.test, interval: instruction.interval,
                timeout: instruction.timeout, startPeriod: instruction.startPeriod,
                startInterval: instruction.startInterval,
                retries: instruction.retries == 0 ? nil : instruction.retries)
        case .expose(let expose): exposedPorts.formUnion(try expose.names)
        case .user(let instruction): user = instruction.user
        case .volume(let volume):
            guard !volume.paths.contains("") else {
                throw BuildError(
                    .invalidArgument, "VOLUME specified can not be an empty string",
                    hint: "a variable that is not set is empty")
            }
            volumes.formUnion(volume.paths)
        case .stopsignal(let instruction):
            guard StopSignal.isValid(instruction.signal) else {
                throw BuildError(
                    .invalidArgument, "invalid signal: \(instruction.signal)",
                    offending: instruction.signal,
                    expected: "a number or a name such as SIGTERM")
            }
            stopSignal = instruction.signal
        case .shell(let instruction): shell = instruction.shell
        case .add, .arg, .copy, .from, .maintainer, .run, .workdir: break
        }
    }

    private func words(_ command: CommandForm, _ defaultShell: [String]) -> [String] {
        switch command {
        case .exec(let words): words
        case .shell(let text): (shell.isEmpty ? defaultShell : shell) + [text]
        }
    }
}

extension HealthcheckInstruction {
    /// As a config has it.
    var test: [String] {
        switch command {
        case nil: ["NONE"]
        case .shell(let text)?: ["CMD-SHELL", text]
        case .exec(let words)?: ["CMD"] + words
        }
    }
}

extension ExposeInstruction {
    /// `80/tcp`, each of a range.
    var names: [String] {
        get throws(DockerfileError) {
            var names: [String] = []
            for port in ports { names += try ExposedPort(parsing: port).names }
            return names
        }
    }
}
