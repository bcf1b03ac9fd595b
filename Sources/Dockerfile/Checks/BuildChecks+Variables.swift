/// What a stage has so far, while its instructions are looked at, one after the other. A stage that
/// begins with another goes on with what that one ends with, its ARGs included.
struct StageWalk {
    /// Of the image and of ENV; nil where the base is not known.
    var environment: [String: String]?
    /// Whether the shell of the shell forms was chosen.
    var hasShell = false
    /// Whether the file has set a working directory.
    var hasDirectory = false
    /// Of ENV alone, while the base's are not known.
    private var set: [String: String] = [:]
    private var arguments: [String: String?] = [:]
    private let scope: GlobalScope?
    private let facts: CheckFacts

    init(scope: GlobalScope?, facts: CheckFacts) {
        self.scope = scope
        self.facts = facts
    }

    func value(_ name: String) -> String? {
        environment?[name] ?? set[name] ?? arguments[name] ?? nil
    }

    /// Whether an ARG without a value declared it, or the base may have it.
    func mayBeSet(_ name: String) -> Bool {
        environment == nil || arguments[name] != nil || set[name] != nil
    }

    /// All that could have been meant.
    var names: [String] {
        (Array(environment?.keys ?? [:].keys) + arguments.keys + set.keys).sorted()
    }

    /// The text with its variables, or as it is where they cannot be expanded.
    func expanded(_ text: String, _ expander: WordExpander) -> String {
        // The build tells of the error.
        (try? expander.expand(text, with: value))?.text ?? text
    }

    mutating func set(_ pairs: [NamedValue]) {
        for pair in pairs {
            environment?[pair.name] = pair.value
            set[pair.name] = pair.value
        }
    }

    mutating func declare(_ arg: ArgInstruction) {
        for argument in arg.arguments {
            let name = argument.name
            arguments[name] = .some(
                facts.buildArguments[name] ?? argument.defaultValue ?? scope?.values[name]
                    ?? facts.predefined[name])
        }
    }
}

extension BuildChecks {
    mutating func checkVariables(of located: LocatedInstruction, _ walk: inout StageWalk) {
        let known = walk
        // The build tells of the error.
        guard
            let expanded = try? located.expanded(
                escape: file.directives.escape, with: known.value)
        else { return }
        for name in expanded.variables.undefined.sorted() where !known.mayBeSet(name) {
            note(
                .undefinedVar,
                "Usage of undefined variable '$\(name)'"
                    + Self.suggestion(for: name, among: known.names, prefix: "$"), at: located)
        }
        switch expanded.instruction {
        case .env(let env): walk.set(env.pairs)
        case .arg(let arg): walk.declare(arg)
        default: break
        }
    }

    mutating func checkSecrets(_ located: LocatedInstruction) {
        let names: [String] =
            switch located.instruction {
            case .env(let env): env.pairs.map(\.name)
            case .arg(let arg): arg.arguments.map(\.name)
            default: []
            }
        for name in names where Self.soundsSecret(name) {
            note(
                .secretsUsedInArgOrEnv,
                "Do not use ARG or ENV instructions for sensitive data "
                    + "(\(located.keyword.rawValue) \(name.quoted))", at: located)
        }
    }

    private static let secretWords: Set<String> = [
        "apikey", "auth", "credential", "credentials", "key", "password", "pword", "passwd",
        "secret", "token",
    ]

    /// Words of names that stand for what is around a secret: `KEY_FILE`, `PUBLIC_KEY`.
    private static let harmlessWords: Set<String> = ["public", "file", "version"]

    /// Whether a word of the name is one that secrets go by, and none is harmless.
    private static func soundsSecret(_ name: String) -> Bool {
        let words = Set(name.asciiLowercased.split(separator: "_").map(String.init))
        return !words.isDisjoint(with: secretWords) && words.isDisjoint(with: harmlessWords)
    }
}
