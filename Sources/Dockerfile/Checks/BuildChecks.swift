extension Dockerfile {
    /// Everything that works and should not be written so: the warnings of parsing, and those of
    /// Docker's build checks, in the order of the file.
    ///
    /// - Parameters:
    ///   - options: which to tell.
    ///   - stages: those that a build needs; the instructions of others are not looked at. Nil for all.
    package func findings(
        _ facts: CheckFacts, _ options: CheckOptions, stages: Set<Int>? = nil
    ) -> [DockerfileWarning] {
        var checks = BuildChecks(file: self, facts: facts, needed: stages)
        checks.run()
        return told(of: checks, options)
    }

    /// What can be told of a file that cannot be read to its end: of each instruction before the first
    /// mistake what it shows itself. Nothing for a file without a mistake.
    ///
    /// - Parameter options: which to tell; nil where the file is to say it.
    package static func findings(
        beforeMistakeIn source: [UInt8], _ options: CheckOptions?
    ) -> [DockerfileWarning] {
        guard let file = beginning(of: source) else { return [] }
        // Options that are none are a mistake, too, and less of one than that of the file.
        guard let options = options ?? (try? file.checkOptions()) else { return [] }
        var checks = BuildChecks(file: file, facts: CheckFacts(), needed: [])
        checks.runAlone()
        return file.told(of: checks, options)
    }

    private func told(of checks: BuildChecks, _ options: CheckOptions) -> [DockerfileWarning] {
        (warnings + checks.findings).filter { options.reports($0.code) }
            .sorted { ($0.range.start, $0.code.rawValue) < ($1.range.start, $1.code.rawValue) }
    }

    /// What `# check=` says.
    ///
    /// - Throws: `invalidCheckOption`.
    package func checkOptions() throws(DockerfileError) -> CheckOptions {
        guard let text = directives.check else { return CheckOptions() }
        return try CheckOptions(parsing: text)
    }
}

/// One look through a file. What cannot be expanded is left to the build, which tells the error.
struct BuildChecks {
    let file: Dockerfile
    let facts: CheckFacts
    private(set) var findings: [DockerfileWarning] = []
    let expander: WordExpander
    /// What FROM lines see, with the arguments of this build; nil if it cannot be worked out.
    let scope: GlobalScope?
    /// How the stages so far end.
    var ends: [Int: StageWalk] = [:]
    /// The stages so far, by name.
    var stageIndices: [String: Int] = [:]

    /// The stages whose instructions count; nil for all.
    private let needed: Set<Int>?

    init(file: Dockerfile, facts: CheckFacts, needed: Set<Int>?) {
        self.file = file
        self.facts = facts
        self.needed = needed
        expander = WordExpander(escape: file.directives.escape)
        // The build tells of the error.
        scope = try? GlobalScope(file, buildArguments: { facts.buildArguments[$0] }) {
            facts.predefined[$0]
        }
    }

    mutating func run() {
        checkKeywords()
        checkDefaultBases()
        for located in file.globalArguments {
            if case .arg(let arg) = located.instruction { checkDescription(arg, located) }
        }
        for stage in file.stages {
            checkFrom(stage)
            for located in stage.instructions {
                if case .arg(let arg) = located.instruction { checkDescription(arg, located) }
            }
            if needed?.contains(stage.index) ?? true { checkStage(stage) }
            if let name = stage.name { stageIndices[name] = stage.index }
        }
    }

    /// The checks that look at one instruction and need nothing else.
    fileprivate mutating func runAlone() {
        for located in file.globalArguments + file.stages.flatMap(\.instructions) {
            if case .arg(let arg) = located.instruction { checkDescription(arg, located) }
        }
        for stage in file.stages { checkName(of: stage) }
    }

    mutating func note(
        _ code: DockerfileWarning.Code, _ message: String, at located: LocatedInstruction
    ) {
        findings.append(DockerfileWarning(code, message, at: located.range))
    }

    // MARK: - Letters

    /// Keywords are written as most of them are.
    private mutating func checkKeywords() {
        let instructions = file.stages.flatMap { [$0.fromInstruction] + $0.instructions }
        let lower = instructions.count { $0.writtenKeyword == $0.writtenKeyword.asciiLowercased }
        let upper = instructions.count { $0.writtenKeyword == $0.keyword.rawValue }
        let isLower = lower > upper
        for located in instructions {
            let written = located.writtenKeyword
            let wanted =
                isLower ? written.asciiLowercased : located.keyword.rawValue
            if written == wanted { continue }
            note(
                .consistentInstructionCasing,
                "Command '\(written)' should match the case of the command majority "
                    + "(\(isLower ? "lowercase" : "uppercase"))", at: located)
        }
    }

    // MARK: - What a whole stage shows

    private mutating func checkStage(_ stage: Stage) {
        var walk = beginning(of: stage)
        var last: [InstructionKeyword: LocatedInstruction] = [:]
        for located in stage.instructions {
            checkVariables(of: located, &walk)
            checkSecrets(located)
            switch located.instruction {
            case .cmd(let cmd):
                checkForm(cmd.command, walk, located)
                checkUsedOnce(located, &last)
            case .entrypoint(let entrypoint):
                checkForm(entrypoint.command, walk, located)
                checkUsedOnce(located, &last)
            case .healthcheck: checkUsedOnce(located, &last)
            case .shell: walk.hasShell = true
            case .workdir(let workdir): checkDirectory(workdir, &walk, located)
            case .copy(let copy) where copy.from == nil:
                checkIgnored(copy.transfer, "Copy", walk, located)
            case .add(let add): checkIgnored(add.transfer, "Add", walk, located)
            case .env(let env): checkFormat(env.pairs, located)
            case .label(let label): checkFormat(label.pairs, located)
            case .expose(let expose): checkPorts(expose, walk, located)
            default: break
            }
        }
        ends[stage.index] = walk
    }

    private mutating func checkForm(
        _ command: CommandForm, _ walk: StageWalk, _ located: LocatedInstruction
    ) {
        guard case .shell = command, !walk.hasShell else { return }
        note(
            .jsonArgsRecommended,
            "JSON arguments recommended for \(located.writtenKeyword) to prevent unintended "
                + "behavior related to OS signals", at: located)
    }

    /// The earlier one is told: it is the one that means nothing.
    private mutating func checkUsedOnce(
        _ located: LocatedInstruction, _ last: inout [InstructionKeyword: LocatedInstruction]
    ) {
        if let earlier = last.updateValue(located, forKey: located.keyword) {
            note(
                .multipleInstructionsDisallowed,
                "Multiple \(located.keyword.rawValue) instructions should not be used in the same "
                    + "stage because only the last one will be used", at: earlier)
        }
    }

    /// The first one is told: where it is absolute, all after it are.
    private mutating func checkDirectory(
        _ workdir: WorkdirInstruction, _ walk: inout StageWalk, _ located: LocatedInstruction
    ) {
        let path = walk.expanded(workdir.path, expander)
        let isAbsolute =
            facts.predefined["TARGETOS"] == "windows"
            ? WindowsPath.isAbsolute(path) : path.hasPrefix("/")
        if !walk.hasDirectory, !isAbsolute {
            note(
                .workdirRelativePath,
                "Relative workdir \(path.quoted) can have unexpected results if the base image "
                    + "changes", at: located)
        }
        walk.hasDirectory = true
    }

    /// `ENV NAME VALUE`: a pair whose name is not followed by `=` in the text.
    private mutating func checkFormat(_ pairs: [NamedValue], _ located: LocatedInstruction) {
        guard pairs.count == 1, let name = pairs.first?.name else { return }
        let keyword = located.keyword.rawValue
        let text = located.original.dropFirst(keyword.count).drop { $0.isWhitespace }
        guard text.hasPrefix(name), text.dropFirst(name.count).first != "=" else { return }
        note(
            .legacyKeyValueFormat,
            "\"\(keyword) key=value\" should be used instead of legacy \"\(keyword) key value\" "
                + "format", at: located)
    }

    private mutating func checkPorts(
        _ expose: ExposeInstruction, _ walk: StageWalk, _ located: LocatedInstruction
    ) {
        for word in expose.ports.map({ walk.expanded($0, expander) }) {
            let parts = word.split(separator: "/", maxSplits: 1).map(String.init)
            if parts.first?.contains(":") == true {
                note(
                    .exposeInvalidFormat,
                    "EXPOSE instruction should not define an IP address or host-port mapping, found "
                        + "'\(word)'", at: located)
            }
            if parts.count == 2, parts[1] != parts[1].asciiLowercased {
                note(
                    .exposeProtoCasing,
                    "Defined protocol '\(word)' in EXPOSE instruction should be lowercase",
                    at: located)
            }
        }
    }

    private mutating func checkIgnored(
        _ transfer: CopyTransfer, _ verb: String, _ walk: StageWalk, _ located: LocatedInstruction
    ) {
        for source in transfer.sources {
            let path = walk.expanded(source, expander)
            let isPattern = path.contains { "*?[\\".contains($0) }
            let isRemote = path.contains("://") || path.hasPrefix("git@")
            guard !isPattern, !isRemote else { continue }
            let names = path.split(separator: "/").filter { $0 != "." }
            guard !names.isEmpty || !path.hasPrefix("/"), !names.contains("..") else { continue }
            let name = names.isEmpty ? "." : names.joined(separator: "/")
            if facts.isIgnored(Array(name.utf8)) {
                note(
                    .copyIgnoredFile,
                    "Attempting to \(verb) file \(path.quoted) that is excluded by .dockerignore",
                    at: located)
            }
        }
    }

    /// A comment right above an ARG describes one of its names.
    private mutating func checkDescription(_ arg: ArgInstruction, _ located: LocatedInstruction) {
        checkDescription(of: arg.arguments.map(\.name), located)
    }

    mutating func checkDescription(of names: [String], _ located: LocatedInstruction) {
        guard let name = names.first, let comment = located.comments.last else { return }
        let word = comment.drop { $0.isWhitespace }.prefix { $0 != " " }
        if names.contains(String(word)) { return }
        let wanted = names.count == 1 ? name : "<arg_key>"
        note(
            .invalidDefinitionDescription,
            "Comment for \(located.keyword.rawValue) should follow the format: "
                + "`# \(wanted) <description>`", at: located)
    }
}

extension LocatedInstruction {
    /// The keyword in the letters of the file.
    var writtenKeyword: String { String(original.prefix { !$0.isWhitespace }) }
}
