/// What a target can be given and asks for: what `build --call=outline` tells.
///
/// Descriptions are the comments before a FROM or an ARG that begin with its name.
package struct StageOutline: Hashable, Sendable {
    package struct Argument: Hashable, Sendable {
        package var name: String
        /// As a build would begin with it; nil for one without.
        package var value: String?
        package var description: String?
        /// Of the ARG that has the last word.
        package var range: SourceRange
    }

    /// A secret or an agent.
    package struct Need: Hashable, Sendable {
        package var id: String
        package var isRequired: Bool
        package var range: SourceRange
    }

    /// Nil for a stage without one.
    package var name: String?
    package var description: String?
    /// Those that FROM lines and stages use, and what their values are made of; each once, in the
    /// order of the file. Of several stages' ARGs of one name it is the one nearest to the target.
    package private(set) var arguments: [Argument] = []
    package private(set) var secrets: [Need] = []
    package private(set) var agents: [Need] = []
    package private(set) var caches: [String] = []

    /// - Parameters:
    ///   - plan: the stages that the target needs.
    ///   - scope: the values of the global ARGs.
    ///   - given: what `--build-arg` says.
    ///   - predefined: what is there without a global ARG, such as `TARGETARCH`.
    ///   - triggers: what the base of a stage has it do first, by the stage's number.
    package init(
        _ plan: StagePlan, of file: Dockerfile, scope: GlobalScope,
        given: (String) -> String?, predefined: (String) -> String? = { _ in nil },
        triggers: [Int: [LocatedInstruction]] = [:]
    ) {
        guard let target = plan.steps.last?.stage else { return }
        name = target.name
        description = target.description
        let globals = Self.globals(of: file, scope)
        let global = { (name: String) in scope.values[name] ?? predefined(name) }
        var walks: [Int: StageArguments] = [:]
        var declarations = file.globalArguments + file.stages.flatMap(\.instructions)
        for step in plan.steps {
            var walk = StageArguments(file.directives.escape, globals)
            if case .stage(let index) = step.base, let base = walks[index] { walk.stand(on: base) }
            walk.read(step.stage.from)
            let fired = triggers[step.stage.index] ?? []
            declarations += fired
            for located in fired + step.stage.instructions {
                walk.read(located, given, global)
            }
            walks[step.stage.index] = walk
        }
        let order = Self.nearestFirst(plan)
        var found: [String: Argument] = [:]
        for index in order {
            guard let walk = walks[index] else { continue }
            for name in scope.closure(of: walk.used) {
                found[name] = found[name] ?? walk.arguments[name]
            }
        }
        // Those of one line are in its order.
        let places = Self.places(in: declarations)
        arguments = found.values.sorted {
            ($0.range.start, places[$0.name] ?? 0) < ($1.range.start, places[$1.name] ?? 0)
        }
        for (_, walk) in walks.sorted(by: { $0.key < $1.key }) {
            for mount in walk.mounts { add(mount.options, at: mount.range) }
        }
    }

    private static func globals(of file: Dockerfile, _ scope: GlobalScope) -> [String: Argument] {
        var found: [String: Argument] = [:]
        for located in file.globalArguments {
            guard case .arg(let arg) = located.instruction else { continue }
            for argument in arg.arguments {
                let name = argument.name
                found[name] = Argument(
                    name: name, value: scope.values[name],
                    description: located.comment(about: name) ?? found[name]?.description,
                    range: located.range)
            }
        }
        return found
    }

    /// The target, what it stands on, then what these take files from.
    private static func nearestFirst(_ plan: StagePlan) -> [Int] {
        let steps = Dictionary(plan.steps.map { ($0.stage.index, $0) }) { first, _ in first }
        var order: [Int] = []
        var waiting = [plan.target]
        while let index = waiting.popLast() {
            guard !order.contains(index), let step = steps[index] else { continue }
            order.append(index)
            waiting += step.sources.values.compactMap(\.stageIndex).sorted(by: >)
            if let base = step.base.stageIndex { waiting.append(base) }
        }
        return order
    }

    /// Where a name stands first among the ARGs.
    private static func places(in instructions: [LocatedInstruction]) -> [String: Int] {
        var places: [String: Int] = [:]
        for located in instructions {
            guard case .arg(let arg) = located.instruction else { continue }
            for argument in arg.arguments where places[argument.name] == nil {
                places[argument.name] = places.count
            }
        }
        return places
    }

    private mutating func add(_ options: MountOptions, at range: SourceRange) {
        // One that is wrong a build tells.
        guard let mount = try? RunMount(options) else { return }
        switch mount.kind {
        case .secret:
            var id = mount.id.isEmpty ? mount.source : mount.id
            if id.isEmpty { id = mount.target.split(separator: "/").last.map(String.init) ?? "" }
            Self.add(Need(id: id, isRequired: mount.isRequired, range: range), to: &secrets)
        case .ssh:
            let id = mount.id.isEmpty ? "default" : mount.id
            Self.add(Need(id: id, isRequired: mount.isRequired, range: range), to: &agents)
        case .cache:
            let id = mount.id.isEmpty ? mount.target : mount.id
            if !caches.contains(id) { caches.append(id) }
        case .bind, .tmpfs: break
        }
    }

    private static func add(_ need: Need, to needs: inout [Need]) {
        guard let place = needs.firstIndex(where: { $0.id == need.id }) else {
            needs.append(need)
            return
        }
        if need.isRequired { needs[place].isRequired = true }
    }
}

extension StagePlan.Source {
    fileprivate var stageIndex: Int? {
        if case .stage(let index) = self { index } else { nil }
    }
}

extension Stage {
    /// What the stages have to do that begin with this one.
    package var triggers: [String] {
        instructions.compactMap { located in
            guard case .onbuild(let onbuild) = located.instruction else { return nil }
            return onbuild.trigger
        }
    }

    /// What the comment before its FROM says of it.
    package var description: String? { name.flatMap { fromInstruction.comment(about: $0) } }
}

extension LocatedInstruction {
    /// The rest of the comment line before the instruction that begins with the name.
    func comment(about name: String) -> String? {
        for line in comments {
            let text = line.drop { $0 == " " || $0 == "\t" }
            guard text.hasPrefix(name + " ") else { continue }
            return String(text.dropFirst(name.count + 1))
        }
        return nil
    }
}
