/// The stages of a file and how they lean on each other.
struct StageGraph {
    private let stages: [Stage]
    /// By stage: whether a named context stands for it.
    private let overridden: [Bool]
    /// The names of the ARGs before the first FROM.
    private let globalNames: [String]
    private var bases: [StagePlan.Source] = []
    private var platforms: [String?] = []
    private var sources: [[String: StagePlan.Source]] = []
    /// The stages that each stage needs, with the instruction that names them.
    private var needs: [[(stage: Int, instruction: LocatedInstruction)]]
    private(set) var variables = VariableUse()

    init(stages: [Stage], overridden: [Bool], globalNames: [String]) {
        self.stages = stages
        self.overridden = overridden
        self.globalNames = globalNames
        needs = Array(repeating: [], count: stages.count)
    }

    func step(_ index: Int) -> StagePlan.Step {
        var stage = stages[index]
        // The context has what the instructions would make.
        if overridden[index] { stage.instructions = [] }
        return StagePlan.Step(
            stage: stage, base: bases[index], platform: platforms[index],
            sources: sources[index])
    }

    /// Expands every FROM line. A base is an earlier stage, a named context, `scratch`, or an image.
    mutating func resolveBases(
        escape: EscapeCharacter, isContext: (String) -> Bool, with value: (String) -> String?
    ) throws(DockerfileError) {
        let expander = WordExpander(escape: escape)
        var indexOfName: [String: Int] = [:]
        for stage in stages {
            do throws(DockerfileError) {
                try resolveBase(of: stage, expander, indexOfName, isContext, value)
            } catch {
                throw error.located(at: stage.fromInstruction.range)
            }
            if let name = stage.name { indexOfName[name] = stage.index }
        }
    }

    private mutating func resolveBase(
        of stage: Stage, _ expander: WordExpander, _ indexOfName: [String: Int],
        _ isContext: (String) -> Bool, _ value: (String) -> String?
    ) throws(DockerfileError) {
        if overridden[stage.index], let name = stage.name {
            platforms.append(nil)
            bases.append(.context(name))
            return
        }
        let base = try expander.expand(stage.from.base, with: value)
        variables.formUnion(base.variables)
        var platform: String?
        if let text = stage.from.platform {
            let expansion = try expander.expand(text, with: value)
            variables.formUnion(expansion.variables)
            guard !expansion.text.isEmpty else { throw Self.blankPlatform(text, expansion) }
            platform = expansion.text
        }
        guard !base.text.isEmpty else { throw blankBase(stage, base.variables) }
        platforms.append(platform)
        if let index = indexOfName[base.text.lowercased()] {
            bases.append(.stage(index))
            needs[stage.index].append((index, stage.fromInstruction))
        } else if isContext(base.text) {
            bases.append(.context(base.text))
        } else {
            bases.append(base.text == "scratch" ? .scratch : .image(base.text))
        }
    }

    /// Resolves what COPY --from and RUN --mount=from name: a stage anywhere in the file, or an
    /// image.
    mutating func resolveSources(isContext: (String) -> Bool) throws(DockerfileError) {
        var indexOfName: [String: Int] = [:]
        for stage in stages { if let name = stage.name { indexOfName[name] = stage.index } }
        for stage in stages {
            var resolved: [String: StagePlan.Source] = [:]
            for located in overridden[stage.index] ? [] : stage.instructions {
                for reference in located.instruction.stageReferences {
                    let source = try source(reference, located, indexOfName, isContext)
                    resolved[reference] = source
                    if case .stage(let index) = source {
                        needs[stage.index].append((index, located))
                    }
                }
            }
            sources.append(resolved)
        }
    }

    private func source(
        _ reference: String, _ located: LocatedInstruction, _ indexOfName: [String: Int],
        _ isContext: (String) -> Bool
    ) throws(DockerfileError) -> StagePlan.Source {
        if let index = indexOfName[reference.lowercased()] { return .stage(index) }
        if isContext(reference) { return .context(reference) }
        if let index = Int(reference) {
            guard stages.indices.contains(index) else {
                throw DockerfileError(
                    .unknownStage, "invalid stage index \(index)", at: located.range,
                    offending: reference, expected: "a number below \(stages.count)")
            }
            return .stage(index)
        }
        return reference == "scratch" ? .scratch : .image(reference)
    }

    /// The stages that `target` needs and itself, each after what it needs.
    ///
    /// - Throws: `circularDependency`.
    func order(from target: Int) throws(DockerfileError) -> [Int] {
        enum Mark {
            case new
            case open
            case done
        }
        var marks = Array(repeating: Mark.new, count: stages.count)
        var order: [Int] = []
        // A depth-first walk with a stack of its own: stages and how many needs were followed.
        var path: [(stage: Int, followed: Int)] = [(target, 0)]
        marks[target] = .open
        while let (stage, followed) = path.last {
            guard followed < needs[stage].count else {
                marks[stage] = .done
                order.append(stage)
                path.removeLast()
                continue
            }
            path[path.count - 1].followed += 1
            let need = needs[stage][followed]
            switch marks[need.stage] {
            case .done: continue
            case .new:
                marks[need.stage] = .open
                path.append((need.stage, 0))
            case .open:
                let cycle = path.drop { $0.stage != need.stage }.map {
                    stages[$0.stage].displayName
                }
                throw DockerfileError(
                    .circularDependency,
                    "circular dependency detected on stage: \(stages[need.stage].displayName)",
                    at: need.instruction.range, offending: need.instruction.original,
                    hint: "the stages lean on each other: "
                        + (cycle + cycle.prefix(1)).joined(separator: " -> "))
            }
        }
        return order
    }

    private static func blankPlatform(
        _ text: String, _ expansion: WordExpander.Expansion
    ) -> DockerfileError {
        DockerfileError(
            .invalidFlagValue, "empty platform value from expression \(text)", offending: text,
            hint: expansion.variables.unmatched.sorted().first.flatMap {
                Suggestion.hint(for: $0, among: ["BUILDPLATFORM", "TARGETPLATFORM"])
            })
    }

    private func blankBase(_ stage: Stage, _ variables: VariableUse) -> DockerfileError {
        DockerfileError(
            .blankBaseName, "base name (\(stage.from.base)) should not be blank",
            offending: stage.from.base,
            hint: variables.unmatched.sorted().first.map {
                globalNames.contains($0)
                    ? "give it a default, ARG \($0)=…, or pass --build-arg \($0)=…"
                    : "declare ARG \($0) before the first FROM, or pass --build-arg \($0)=…"
            })
    }
}

extension Instruction {
    /// The stages or images, other than the base, that the instruction takes files from.
    package var stageReferences: [String] {
        switch self {
        case .copy(let copy): copy.from.map { [$0] } ?? []
        case .run(let run): run.mounts.filter { $0.type != "tmpfs" }.compactMap(\.from)
        default: []
        }
    }
}
