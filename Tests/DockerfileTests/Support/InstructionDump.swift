import Dockerfile

/// The text form of an instruction's value, one fact a line.
enum InstructionDump {
    private static func shown(_ text: String) -> String { DockerfileDump.shown(text) }

    private static func shown(_ texts: [String]) -> String {
        "[" + texts.map(shown).joined(separator: ", ") + "]"
    }

    static func lines(of instruction: Instruction) -> [String] {
        let keyword = instruction.keyword.rawValue
        switch instruction {
        case .from(let from):
            return ["\(keyword) \(shown(from.base))"]
                + fact("name", from.name) + fact("platform", from.platform)
        case .run(let run): return lines(of: run)
        case .copy(let copy):
            return lines(keyword, copy.transfer) + fact("from", copy.from)
                + flag("parents", copy.parents)
        case .add(let add):
            return lines(keyword, add.transfer) + fact("checksum", add.checksum)
                + fact("keep-git-dir", add.keepGitDir.map(String.init))
                + fact("unpack", add.unpack.map(String.init))
        case .env(let env):
            return env.pairs.map { "\(keyword) \(shown($0.name)) = \(shown($0.value))" }
        case .label(let label):
            return label.pairs.map { "\(keyword) \(shown($0.name)) = \(shown($0.value))" }
        case .arg(let arg):
            return arg.arguments.map {
                "\(keyword) \(shown($0.name)) = \($0.defaultValue.map(shown) ?? "none")"
            }
        case .cmd(let cmd): return ["\(keyword) \(command(cmd.command))"]
        case .entrypoint(let entrypoint): return ["\(keyword) \(command(entrypoint.command))"]
        case .shell(let shell): return ["\(keyword) \(shown(shell.shell))"]
        case .workdir(let workdir): return ["\(keyword) \(shown(workdir.path))"]
        case .user(let user): return ["\(keyword) \(shown(user.user))"]
        case .expose(let expose): return ["\(keyword) \(shown(expose.ports))"]
        case .volume(let volume): return ["\(keyword) \(shown(volume.paths))"]
        case .stopsignal(let stopsignal): return ["\(keyword) \(shown(stopsignal.signal))"]
        case .maintainer(let maintainer): return ["\(keyword) \(shown(maintainer.name))"]
        case .onbuild(let onbuild): return ["\(keyword) \(shown(onbuild.trigger))"]
        case .healthcheck(let healthcheck): return lines(of: healthcheck)
        }
    }

    private static func command(_ command: CommandForm) -> String {
        switch command {
        case .shell(let text): "shell \(shown(text))"
        case .exec(let arguments): "exec \(shown(arguments))"
        }
    }

    private static func lines(of run: RunInstruction) -> [String] {
        var lines = ["RUN \(command(run.command))"]
        for mount in run.mounts {
            let options = mount.options.map { "\($0.key)\($0.value.map { "=" + shown($0) } ?? "")" }
            lines.append("mount \(mount.type): \(options.joined(separator: " "))")
        }
        if run.network != .default { lines.append("network \(run.network.rawValue)") }
        if run.security != .sandbox { lines.append("security \(run.security.rawValue)") }
        for heredoc in run.heredocs {
            lines.append(
                "heredoc \(shown(heredoc.name)) fd=\(heredoc.fileDescriptor) "
                    + "expands=\(heredoc.expands) dropsTabs=\(heredoc.dropsTabs) "
                    + DockerfileDump.shown(heredoc.content))
        }
        if !run.heredocs.isEmpty {
            switch run.program {
            case .exec(let arguments): lines.append("runs exec \(shown(arguments))")
            case .shell(let script): lines.append("runs shell \(DockerfileDump.shown(script))")
            case .file(let name, let content):
                lines.append("runs file \(shown(name)) \(DockerfileDump.shown(content))")
            }
        }
        return lines
    }

    private static func lines(_ keyword: String, _ transfer: CopyTransfer) -> [String] {
        var lines = ["\(keyword) \(shown(transfer.sources)) -> \(shown(transfer.destination))"]
        for file in transfer.inlineFiles {
            lines.append(
                "inline \(shown(file.name)) expands=\(file.expands) "
                    + DockerfileDump.shown(file.content))
        }
        lines += fact("chown", transfer.chown) + fact("chmod", transfer.chmod)
        if !transfer.excludes.isEmpty { lines.append("exclude \(shown(transfer.excludes))") }
        return lines + flag("link", transfer.link)
    }

    private static func lines(of healthcheck: HealthcheckInstruction) -> [String] {
        guard let test = healthcheck.command else { return ["HEALTHCHECK none"] }
        return ["HEALTHCHECK \(command(test))"]
            + fact("interval", healthcheck.interval.map { "\($0)" })
            + fact("timeout", healthcheck.timeout.map { "\($0)" })
            + fact("start-period", healthcheck.startPeriod.map { "\($0)" })
            + fact("start-interval", healthcheck.startInterval.map { "\($0)" })
            + ["retries \(healthcheck.retries)"]
    }

    private static func fact(_ name: String, _ value: String?) -> [String] {
        value.map { ["\(name) \(shown($0))"] } ?? []
    }

    private static func flag(_ name: String, _ value: Bool) -> [String] { value ? [name] : [] }
}
