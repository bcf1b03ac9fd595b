/// Sorts instructions into global ARGs and stages, and looks for what deserves a warning.
struct StageListBuilder {
    /// Names that mean something else where a stage could be named.
    private static let reservedNames = ["scratch", "context"]

    private(set) var globalArguments: [LocatedInstruction] = []
    private(set) var stages: [Stage] = []
    private(set) var warnings: [DockerfileWarning] = []
    private var names: Set<String> = []

    var isEmpty: Bool { globalArguments.isEmpty && stages.isEmpty }

    /// - Throws: `noStage` for an instruction other than ARG before the first FROM.
    mutating func add(_ located: LocatedInstruction) throws(DockerfileError) {
        warn(about: located)
        switch located.instruction {
        case .from(let from):
            stages.append(Stage(index: stages.count, from: from, fromInstruction: located))
        case .arg where stages.isEmpty:
            globalArguments.append(located)
        default:
            guard !stages.isEmpty else {
                throw DockerfileError(
                    .noStage, "no build stage in current context", at: located.range,
                    offending: located.original, expected: "FROM, or ARG before it",
                    hint: "begin the file with FROM")
            }
            stages[stages.count - 1].instructions.append(located)
        }
    }

    private mutating func warn(about located: LocatedInstruction) {
        func note(_ code: DockerfileWarning.Code, _ message: String) {
            warnings.append(DockerfileWarning(code, message, at: located.range))
        }
        switch located.instruction {
        case .from(let from):
            guard let name = from.name else { return }
            if Self.reservedNames.contains(name) {
                note(
                    .reservedStageName,
                    "Stage name should not use the same name as reserved stage \(name.quoted)")
            }
            if !names.insert(name).inserted {
                note(
                    .duplicateStageName,
                    "Duplicate stage name \(name.quoted), stage names should be unique")
            }
        case .maintainer:
            note(
                .maintainerDeprecated,
                "Maintainer instruction is deprecated in favor of using label")
        default: break
        }
    }
}
