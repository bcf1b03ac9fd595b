internal import Dockerfile
internal import ImageSpec

/// The instructions that change the image's config only. Their history is what BuildKit writes.
extension StageBuild {
    func configure(_ instruction: Instruction) throws {
        switch instruction {
        case .env(let env):
            for pair in env.pairs { state.setEnvironment(pair.name, pair.value) }
            state.addHistory("ENV" + Self.joined(env.pairs), hasLayer: false)
        case .label(let label):
            for pair in label.pairs { state.image.config.labels[pair.name] = pair.value }
            state.addHistory("LABEL" + Self.joined(label.pairs), hasLayer: false)
        case .maintainer(let maintainer):
            state.image.author = maintainer.name
            state.addHistory("MAINTAINER \(maintainer.name)", hasLayer: false)
        case .onbuild(let onbuild):
            // BuildKit notes triggers in the config alone.
            state.image.config.onBuild.append(onbuild.trigger)
        case .cmd(let cmd):
            state.image.config.command = words(cmd.command)
            state.image.config.argsEscaped = true
            state.hasOwnCommand = true
            state.addHistory("CMD \(state.image.config.command.goQuoted)", hasLayer: false)
        case .entrypoint(let entrypoint):
            state.image.config.entrypoint = words(entrypoint.command)
            if !state.hasOwnCommand { state.image.config.command = [] }
            state.addHistory(
                "ENTRYPOINT \(state.image.config.entrypoint.goQuoted)", hasLayer: false)
        case .healthcheck(let healthcheck): configure(healthcheck)
        case .expose(let expose): try configure(expose)
        case .user(let user):
            state.image.config.user = user.user
            state.addHistory("USER \(user.user)", hasLayer: false)
        case .volume(let volume):
            guard !volume.paths.contains("") else {
                throw BuildError(
                    .invalidArgument, "VOLUME specified can not be an empty string",
                    hint: "a variable that is not set is empty")
            }
            state.image.config.volumes.formUnion(volume.paths)
            state.addHistory("VOLUME \(volume.paths.goList)", hasLayer: false)
        case .stopsignal(let stopsignal):
            guard StopSignal.isValid(stopsignal.signal) else {
                throw BuildError(
                    .invalidArgument, "invalid signal: \(stopsignal.signal)",
                    offending: stopsignal.signal,
                    expected: "a number or a name such as SIGTERM")
            }
            state.image.config.stopSignal = stopsignal.signal
            state.addHistory("STOPSIGNAL \(stopsignal.signal)", hasLayer: false)
        case .shell(let shell):
            state.image.config.shell = shell.shell
            state.addHistory("SHELL \(shell.shell.goList)", hasLayer: false)
        case .add, .arg, .copy, .from, .run, .workdir: break
        }
    }

    private static func joined(_ pairs: [NamedValue]) -> String {
        pairs.map { " \($0.name)=\($0.value)" }.joined()
    }

    private func words(_ command: CommandForm) -> [String] {
        switch command {
        case .exec(let words): words
        case .shell(let text): state.shellCommand(text)
        }
    }

    private func configure(_ instruction: HealthcheckInstruction) {
        let test: [String]
        switch instruction.command {
        case nil: test = ["NONE"]
        case .shell(let text)?: test = ["CMD-SHELL", text]
        case .exec(let words)?: test = ["CMD"] + words
        }
        state.image.config.healthCheck = HealthCheck(
            test: test, interval: instruction.interval, timeout: instruction.timeout,
            startPeriod: instruction.startPeriod, startInterval: instruction.startInterval,
            retries: instruction.retries == 0 ? nil : instruction.retries)
        func text(_ duration: Duration?) -> String { (duration ?? .zero).goText }
        state.addHistory(
            "HEALTHCHECK {Test:\(test.goList) Interval:\(text(instruction.interval)) "
                + "Timeout:\(text(instruction.timeout)) "
                + "StartPeriod:\(text(instruction.startPeriod)) "
                + "StartInterval:\(text(instruction.startInterval)) "
                + "Retries:\(instruction.retries)}", hasLayer: false)
    }

    private func configure(_ instruction: ExposeInstruction) throws {
        let ports = try instruction.ports.flatMap { try ExposedPort(parsing: $0).names }
        state.image.config.exposedPorts.formUnion(ports)
        state.addHistory("EXPOSE \(ports.goList)", hasLayer: false)
    }
}
