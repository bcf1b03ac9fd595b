/// What a stage does with ARGs, as far as the file shows it. What cannot be expanded a build tells.
struct StageArguments {
    /// Those that count in the stage: its own, and the global ones.
    private(set) var arguments: [String: StageOutline.Argument]
    /// The names that its FROM reads and its ARGs declare.
    private(set) var used: Set<String> = []
    /// Of its RUNs, with the values of variables.
    private(set) var mounts: [(options: MountOptions, range: SourceRange)] = []
    /// Of ARG and ENV, as variables see them.
    private var values: [String: String] = [:]
    private let expander: WordExpander

    init(_ escape: EscapeCharacter, _ globals: [String: StageOutline.Argument]) {
        expander = WordExpander(escape: escape)
        arguments = globals
    }

    /// Takes over what the stage that this one begins with ends with.
    mutating func stand(on base: StageArguments) { values = base.values }

    mutating func read(_ from: FromInstruction) {
        for text in [from.base, from.platform ?? ""] {
            // Only the names count.
            guard let found = try? expander.expand(text, with: { _ in "x" }) else { continue }
            used.formUnion(found.variables.matched)
        }
    }

    /// - Parameters:
    ///   - given: what `--build-arg` says.
    ///   - global: what an ARG without a default takes.
    mutating func read(
        _ located: LocatedInstruction, _ given: (String) -> String?, _ global: (String) -> String?
    ) {
        switch located.instruction {
        case .arg(let arg):
            for argument in arg.arguments { declare(argument, located, given, global) }
        case .env, .run:
            let known = values
            let expanded = try? located.expanded(escape: expander.escape) { known[$0] }
            switch expanded?.instruction ?? located.instruction {
            case .env(let env): for pair in env.pairs { values[pair.name] = pair.value }
            case .run(let run): mounts += run.mounts.map { ($0, located.range) }
            default: break
            }
        default: break
        }
    }

    private mutating func declare(
        _ argument: ArgInstruction.Argument, _ located: LocatedInstruction,
        _ given: (String) -> String?, _ global: (String) -> String?
    ) {
        let name = argument.name
        used.insert(name)
        let known = values
        // A default that cannot be expanded is shown as it is written.
        let text = argument.defaultValue.map { text in
            (try? expander.expand(text) { known[$0] }.text) ?? text
        }
        let value = given(name) ?? text
        if value == nil, let inherited = global(name) {
            // What is told of it is the global ARG's; what needs none is given by no user.
            values[name] = inherited
            arguments[name]?.value = inherited
            return
        }
        values[name] = value ?? values[name]
        arguments[name] = StageOutline.Argument(
            name: name, value: values[name],
            description: located.comment(about: name) ?? arguments[name]?.description,
            range: located.range)
    }
}
