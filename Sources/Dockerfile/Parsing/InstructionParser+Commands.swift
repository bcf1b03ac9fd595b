extension InstructionParser {
    func parseRun(_ flags: InstructionFlags) throws(DockerfileError) -> RunInstruction {
        var mounts: [MountOptions] = []
        for value in flags.all("mount") {
            do {
                let options = try MountOptions(parsing: value.text)
                // What holds no variable is known to be wrong before anything runs.
                if options.isLiteral { _ = try RunMount(options) }
                mounts.append(options)
            } catch {
                throw error.located(at: line.range(of: value.token))
            }
        }
        var run = RunInstruction(command: try commandForm(), mounts: mounts, heredocs: heredocs)
        if let value = flags.all("network").last {
            guard let network = RunInstruction.Network(rawValue: value.text) else {
                throw invalid(
                    value, "invalid network mode: \(value.text.quoted)",
                    RunInstruction.Network.allCases.map(\.rawValue))
            }
            run.network = network
        }
        if let value = flags.all("security").last {
            guard let security = RunInstruction.Security(rawValue: value.text) else {
                throw invalid(
                    value, "security \(value.text.quoted) is not valid",
                    RunInstruction.Security.allCases.map(\.rawValue))
            }
            run.security = security
        }
        return run
    }

    private func invalid(
        _ value: InstructionFlags.Value, _ message: String, _ options: [String]
    ) -> DockerfileError {
        DockerfileError(
            .invalidFlagValue, message, at: line.range(of: value.token), offending: value.text,
            expected: "one of \(options.joined(separator: ", "))",
            hint: Suggestion.hint(for: value.text, among: options))
    }

    func parseShell() throws(DockerfileError) -> ShellInstruction {
        guard let strings = try jsonStrings() else {
            guard !line.arguments.isEmpty else { throw needsOne(.shell) }
            throw DockerfileError(
                .jsonRequired, "SHELL requires the arguments to be in JSON form",
                offending: argumentText, expected: "SHELL [\"/bin/sh\", \"-c\"]")
        }
        guard !strings.isEmpty else { throw needsOne(.shell) }
        return ShellInstruction(shell: strings)
    }

    func parseExpose() throws(DockerfileError) -> ExposeInstruction {
        let words = WordSplitter.blankSeparated(line.arguments).map(\.text)
        guard !words.isEmpty else { throw needsOne(.expose) }
        return ExposeInstruction(
            ports: words.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
    }

    func parseVolume() throws(DockerfileError) -> VolumeInstruction {
        let paths = try list().map { Array($0.utf8)[...].trimmingSpace().decoded }
        guard !paths.isEmpty else { throw needsOne(.volume) }
        guard !paths.contains("") else {
            throw DockerfileError(
                .missingArgument, "VOLUME specified can not be an empty string",
                offending: argumentText)
        }
        return VolumeInstruction(paths: paths)
    }

    func parseHealthcheck(
        _ flags: InstructionFlags
    ) throws(DockerfileError) -> HealthcheckInstruction {
        let kind = line.arguments.prefix { !$0.isASCIISpace }
        let rest = line.arguments[kind.endIndex...].drop(while: \.isASCIISpace)
        guard !kind.isEmpty else { throw needsOne(.healthcheck) }
        let kindRange = line.line.range(of: kind.startIndex..<kind.endIndex)
        switch kind.decoded.uppercased() {
        case "NONE":
            guard rest.isEmpty else {
                throw DockerfileError(
                    .tooManyArguments, "HEALTHCHECK NONE takes no arguments",
                    at: line.line.range(of: rest.startIndex..<rest.endIndex),
                    offending: rest.decoded)
            }
            return HealthcheckInstruction(command: nil)
        case "CMD":
            var healthcheck = HealthcheckInstruction(
                command: try healthcheckCommand(rest, kindRange))
            healthcheck.interval = try duration("interval", flags)
            healthcheck.timeout = try duration("timeout", flags)
            healthcheck.startPeriod = try duration("start-period", flags)
            healthcheck.startInterval = try duration("start-interval", flags)
            healthcheck.retries = try retries(flags)
            return healthcheck
        case let name:
            throw DockerfileError(
                .unknownInstruction, "Unknown type \(name.quoted) in HEALTHCHECK (try CMD)",
                at: kindRange, offending: kind.decoded,
                expected: "HEALTHCHECK CMD COMMAND or HEALTHCHECK NONE",
                hint: Suggestion.hint(for: name, among: ["CMD", "NONE"]))
        }
    }

    private func healthcheckCommand(
        _ rest: ArraySlice<UInt8>, _ kindRange: SourceRange
    ) throws(DockerfileError) -> CommandForm {
        let missing = DockerfileError(
            .missingArgument, "Missing command after HEALTHCHECK CMD", at: kindRange,
            offending: "CMD", expected: "HEALTHCHECK CMD COMMAND")
        if let strings = try jsonStrings(rest) {
            guard !strings.isEmpty else { throw missing }
            return .exec(strings)
        }
        guard !rest.isEmpty else { throw missing }
        return .shell(rest.decoded)
    }

    private func duration(
        _ name: String, _ flags: InstructionFlags
    ) throws(DockerfileError) -> Duration? {
        guard let value = flags.all(name).last, !value.text.isEmpty else { return nil }
        let duration: Duration
        do { duration = try GoDuration.parse(value.text) } catch {
            throw error.located(at: line.range(of: value.token))
        }
        if duration == .zero { return nil }
        guard duration >= HealthcheckInstruction.minimumDuration else {
            throw DockerfileError(
                .invalidDuration, "Interval \(name.quoted) cannot be less than 1ms",
                at: line.range(of: value.token), offending: value.text)
        }
        return duration
    }

    private func retries(_ flags: InstructionFlags) throws(DockerfileError) -> Int {
        guard let value = flags.all("retries").last, !value.text.isEmpty else { return 0 }
        let range = line.range(of: value.token)
        guard let retries = Int32(value.text) else {
            let isNumber = value.text.utf8.allSatisfy(\.isASCIIDigit)
            throw DockerfileError(
                .invalidNumber,
                "strconv.ParseInt: parsing \(value.text.quoted): "
                    + (isNumber ? "value out of range" : "invalid syntax"),
                at: range, offending: value.text, expected: "a number such as 3")
        }
        guard retries >= 0 else {
            throw DockerfileError(
                .invalidNumber, "--retries cannot be negative (\(retries))", at: range,
                offending: value.text)
        }
        return Int(retries)
    }
}
