import Dockerfile

/// A stable text form of a parsed Dockerfile: what it says, where, what its variables become,
/// and which stages a build of it needs.
struct DockerfileDump {
    private var lines: [String] = []

    static func text(of dockerfile: Dockerfile) throws -> String {
        var dump = DockerfileDump()
        try dump.add(dockerfile)
        return dump.lines.joined(separator: "\n") + "\n"
    }

    private mutating func add(_ dockerfile: Dockerfile) throws {
        let directives = dockerfile.directives
        lines.append("escape \(directives.escape)")
        if let syntax = directives.syntax { lines.append("syntax \(Self.shown(syntax))") }
        if let check = directives.check { lines.append("check \(Self.shown(check))") }
        let globals = try GlobalScope(dockerfile, buildArguments: { _ in nil })
        for argument in dockerfile.globalArguments { add(argument, indent: "") }
        for name in globals.names {
            lines.append("global \(name) = \(globals.values[name].map(Self.shown) ?? "unset")")
        }
        var scopes: [Int: [String: String]] = [:]
        let plan = try dockerfile.plan { globals.values[$0] }
        let needed = Dictionary(uniqueKeysWithValues: plan.steps.map { ($0.stage.index, $0) })
        for stage in dockerfile.stages {
            lines.append("stage \(stage.index) \(stage.displayName)")
            add(stage.fromInstruction, indent: "  ")
            var scope = StageScope(globals: globals)
            if case .stage(let base) = needed[stage.index]?.base {
                scope.environment = scopes[base] ?? [:]
            }
            for instruction in stage.instructions {
                add(instruction, indent: "  ")
                try addExpansion(of: instruction, dockerfile.directives.escape, &scope)
            }
            scopes[stage.index] = scope.environment
        }
        for warning in dockerfile.warnings {
            lines.append(
                "warning \(warning.code.rawValue) \(Self.shown(warning.range)): \(warning.message)")
        }
        for step in plan.steps {
            var text = "build \(step.stage.displayName) from \(step.base)"
            if let platform = step.platform { text += " for \(platform)" }
            for (name, source) in step.sources.sorted(by: { $0.key < $1.key }) {
                text += ", \(Self.shown(name)) is \(source)"
            }
            lines.append(text)
        }
        if !plan.variables.unmatched.isEmpty {
            lines.append("unset in FROM \(plan.variables.unmatched.sorted())")
        }
    }

    private mutating func add(_ located: LocatedInstruction, indent: String) {
        for comment in located.comments { lines.append("\(indent)# \(Self.shown(comment))") }
        lines.append("\(indent)\(Self.shown(located.range)) \(Self.shown(located.original))")
        for line in InstructionDump.lines(of: located.instruction) {
            lines.append("\(indent)  \(line)")
        }
    }

    private mutating func addExpansion(
        of located: LocatedInstruction, _ escape: EscapeCharacter, _ scope: inout StageScope
    ) throws {
        let expanded = try located.expanded(escape: escape) { scope.value(of: $0) }
        scope.apply(expanded.instruction)
        let variables = expanded.variables
        if !variables.matched.isEmpty { lines.append("    reads \(variables.matched.sorted())") }
        if !variables.unmatched.isEmpty {
            lines.append("    misses \(variables.unmatched.sorted())")
        }
        guard expanded.instruction != located.instruction else { return }
        for line in InstructionDump.lines(of: expanded.instruction) {
            lines.append("    => \(line)")
        }
    }

    static func shown(_ range: SourceRange) -> String {
        "\(range.start.line):\(range.start.column)-\(range.end.line):\(range.end.column)"
    }

    static func shown(_ text: String) -> String { shown(Array(text.utf8)) }

    /// The bytes in quotes; what is not printable ASCII or a letter of UTF-8 is escaped.
    static func shown(_ bytes: [UInt8]) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            return "bytes" + bytes.map { " " + String($0, radix: 16) }.joined()
        }
        return text.debugDescription
    }
}

/// The variables that a stage's instructions see, kept as a build would keep them.
struct StageScope {
    let globals: GlobalScope
    var environment: [String: String] = [:]
    var arguments: [String: String] = [:]

    init(globals: GlobalScope) {
        self.globals = globals
    }

    func value(of name: String) -> String? { environment[name] ?? arguments[name] }

    mutating func apply(_ instruction: Instruction) {
        switch instruction {
        case .env(let env):
            for pair in env.pairs { environment[pair.name] = pair.value }
        case .arg(let arg):
            for argument in arg.arguments {
                arguments[argument.name] =
                    argument.defaultValue ?? globals.values[argument.name]
                    ?? arguments[argument.name]
            }
        default: break
        }
    }
}
