internal import Dockerfile
internal import ImageSpec

/// The instructions that change the image's config only. Their history is what BuildKit writes.
extension StageBuild {
    func configure(_ instruction: Instruction) throws {
        var next = state
        try next.image.config.apply(
            instruction, defaultShell: state.defaultShell, hasOwnCommand: &next.hasOwnCommand)
        state = next
        switch instruction {
        case .env(let env):
            for pair in env.pairs { state.setEnvironment(pair.name, pair.value) }
            state.addHistory("ENV" + Self.joined(env.pairs), hasLayer: false)
        case .label(let label):
            state.addHistory("LABEL" + Self.joined(label.pairs), hasLayer: false)
        case .maintainer(let maintainer):
            state.image.author = maintainer.name
            state.addHistory("MAINTAINER \(maintainer.name)", hasLayer: false)
        case .cmd:
            state.addHistory("CMD \(state.image.config.command.goQuoted)", hasLayer: false)
        case .entrypoint:
            state.addHistory(
                "ENTRYPOINT \(state.image.config.entrypoint.goQuoted)", hasLayer: false)
        case .healthcheck(let healthcheck): addHistory(healthcheck)
        case .expose(let expose):
            state.addHistory("EXPOSE \(try expose.names.goList)", hasLayer: false)
        case .user(let user): state.addHistory("USER \(user.user)", hasLayer: false)
        case .volume(let volume):
            state.addHistory("VOLUME \(volume.paths.goList)", hasLayer: false)
        case .stopsignal(let stopsignal):
            state.addHistory("STOPSIGNAL \(stopsignal.signal)", hasLayer: false)
        case .shell(let shell):
            state.addHistory("SHELL \(shell.shell.goList)", hasLayer: false)
        // BuildKit notes triggers in the config alone.
        case .add, .arg, .copy, .from, .onbuild, .run, .workdir: break
        }
    }

    private static func joined(_ pairs: [NamedValue]) -> String {
        pairs.map { " \($0.name)=\($0.value)" }.joined()
    }

    private func addHistory(_ instruction: HealthcheckInstruction) {
        func text(_ duration: Duration?) -> String { (duration ?? .zero).goText }
        state.addHistory(
            "HEALTHCHECK {Test:\(instruction.test.goList) Interval:\(text(instruction.interval)) "
                + "Timeout:\(text(instruction.timeout)) "
                + "StartPeriod:\(text(instruction.startPeriod)) "
                + "StartInterval:\(text(instruction.startInterval)) "
                + "Retries:\(instruction.retries)}", hasLayer: false)
    }
}
