/// An instruction after expansion, and what it read for it.
package struct ExpandedInstruction: Hashable, Sendable {
    package var instruction: Instruction

    /// The variables that were read: part of what the instruction's result depends on.
    package var variables: VariableUse
}

extension LocatedInstruction {
    /// The instruction with its variables expanded.
    ///
    /// ADD, COPY, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME and WORKDIR expand their
    /// arguments; ARG its names and defaults; RUN the values of its mounts, not its command.
    /// CMD, ENTRYPOINT, HEALTHCHECK, MAINTAINER, ONBUILD and SHELL stay as they are: their
    /// variables are the shell's. FROM sees other variables: see `Dockerfile.plan`.
    ///
    /// Every part of a line sees the same variables: in `ENV a=1 b=$a`, `b` gets the `a` from
    /// before the line.
    ///
    /// - Parameters:
    ///   - escape: the file's escape character.
    ///   - value: the value of a variable, or nil when it is not set.
    /// - Throws: `badSubstitution`, `unterminatedWord`, `unsupportedModifier`,
    ///   `invalidPattern`, `requiredVariable`, `nestingTooDeep`, with the instruction's range.
    package func expanded(
        escape: EscapeCharacter, with value: (String) -> String?
    ) throws(DockerfileError) -> ExpandedInstruction {
        do {
            var pass = ExpansionPass(expander: WordExpander(escape: escape))
            let instruction = try pass.expand(instruction, value)
            return ExpandedInstruction(instruction: instruction, variables: pass.variables)
        } catch { throw error.located(at: range) }
    }
}

/// The expansion of one instruction.
private struct ExpansionPass {
    typealias Lookup = (String) -> String?

    let expander: WordExpander
    var variables = VariableUse()

    mutating func expand(
        _ instruction: Instruction, _ value: Lookup
    ) throws(DockerfileError) -> Instruction {
        switch instruction {
        case .add(var add):
            add.transfer = try expand(add.transfer, value)
            add.checksum = try optional(add.checksum, value).nonEmpty
            return .add(add)
        case .copy(var copy):
            copy.transfer = try expand(copy.transfer, value)
            return .copy(copy)
        case .arg(let arg): return .arg(try expand(arg, value))
        case .env(let env): return .env(EnvInstruction(pairs: try pairs(env.pairs, value)))
        case .label(let label):
            return .label(LabelInstruction(pairs: try pairs(label.pairs, value)))
        case .expose(let expose):
            var ports: [String] = []
            for port in expose.ports {
                let expansion = try expander.expand(port, with: value)
                variables.formUnion(expansion.variables)
                ports.append(contentsOf: expansion.words.map { $0[...].decoded })
            }
            return .expose(ExposeInstruction(ports: ports))
        case .volume(let volume):
            return .volume(VolumeInstruction(paths: try words(volume.paths, value)))
        case .stopsignal(let stopsignal):
            return .stopsignal(StopsignalInstruction(signal: try word(stopsignal.signal, value)))
        case .user(let user): return .user(UserInstruction(user: try word(user.user, value)))
        case .workdir(let workdir):
            return .workdir(WorkdirInstruction(path: try word(workdir.path, value)))
        case .run(var run):
            for index in run.mounts.indices {
                run.mounts[index] = try expand(run.mounts[index], value)
            }
            return .run(run)
        case .cmd, .entrypoint, .from, .healthcheck, .maintainer, .onbuild, .shell:
            return instruction
        }
    }

    private mutating func word(_ text: String, _ value: Lookup) throws(DockerfileError) -> String {
        let expansion = try expander.expand(text, with: value)
        variables.formUnion(expansion.variables)
        return expansion.text
    }

    private mutating func optional(
        _ text: String?, _ value: Lookup
    ) throws(DockerfileError) -> String? {
        guard let text else { return nil }
        return try word(text, value)
    }

    private mutating func words(
        _ texts: [String], _ value: Lookup
    ) throws(DockerfileError) -> [String] {
        var result: [String] = []
        for text in texts { result.append(try word(text, value)) }
        return result
    }

    private mutating func pairs(
        _ pairs: [NamedValue], _ value: Lookup
    ) throws(DockerfileError) -> [NamedValue] {
        var result: [NamedValue] = []
        for pair in pairs {
            result.append(
                NamedValue(name: try word(pair.name, value), value: try word(pair.value, value)))
        }
        return result
    }

    private mutating func expand(
        _ arg: ArgInstruction, _ value: Lookup
    ) throws(DockerfileError) -> ArgInstruction {
        var arg = arg
        for index in arg.arguments.indices {
            arg.arguments[index].name = try word(arg.arguments[index].name, value)
            arg.arguments[index].defaultValue = try optional(
                arg.arguments[index].defaultValue, value)
        }
        return arg
    }

    private mutating func expand(
        _ mount: MountOptions, _ value: Lookup
    ) throws(DockerfileError) -> MountOptions {
        var mount = mount
        for index in mount.options.indices {
            mount.options[index].value = try optional(mount.options[index].value, value)
        }
        return mount
    }

    private mutating func expand(
        _ transfer: CopyTransfer, _ value: Lookup
    ) throws(DockerfileError) -> CopyTransfer {
        var transfer = transfer
        // Empty is as if it were not there, however it became so.
        transfer.chown = try optional(transfer.chown, value).nonEmpty
        transfer.chmod = try optional(transfer.chmod, value).nonEmpty
        transfer.excludes = try words(transfer.excludes, value)
        transfer.sources = try words(transfer.sources, value)
        transfer.destination = try word(transfer.destination, value)
        // A heredoc's body keeps its quotes, and a backslash escapes whatever the file says.
        let bodies = WordExpander(options: .literalQuotes)
        for index in transfer.inlineFiles.indices where transfer.inlineFiles[index].expands {
            let expansion = try bodies.expand(transfer.inlineFiles[index].content, with: value)
            variables.formUnion(expansion.variables)
            transfer.inlineFiles[index].content = expansion.bytes
            transfer.inlineFiles[index].expands = false
        }
        return transfer
    }
}
