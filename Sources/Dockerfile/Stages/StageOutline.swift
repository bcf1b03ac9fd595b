/// What a target can be given and asks for: what `build --call=outline` tells.
///
/// Descriptions are the comments before a FROM or an ARG that begin with its name.
package struct StageOutline: Hashable, Sendable {
    package struct Argument: Hashable, Sendable {
        package var name: String
        /// As a build would begin with it; nil for one without.
        package var value: String?
        package var description: String?
    }

    /// A secret or an agent.
    package struct Need: Hashable, Sendable {
        package var id: String
        package var isRequired: Bool
    }

    /// Nil for a stage without one.
    package var name: String?
    package var description: String?
    /// Those that FROM lines and stages use, each once, in the order of the file.
    package private(set) var arguments: [Argument] = []
    package private(set) var secrets: [Need] = []
    package private(set) var agents: [Need] = []
    package private(set) var caches: [String] = []

    /// - Parameters:
    ///   - plan: the stages that the target needs.
    ///   - scope: the values of the global ARGs.
    ///   - given: what `--build-arg` says.
    package init(
        _ plan: StagePlan, of file: Dockerfile, scope: GlobalScope, given: (String) -> String?
    ) {
        let stages = plan.steps.map(\.stage).sorted { $0.index < $1.index }
        guard let target = plan.steps.last?.stage else { return }
        name = target.name
        description = target.description
        addGlobals(of: file, used: Self.globalsUsed(by: stages, file), scope)
        let expander = WordExpander(escape: file.directives.escape)
        for stage in stages {
            var values: [String: String] = [:]
            for located in stage.instructions {
                switch located.instruction {
                case .arg(let arg):
                    for argument in arg.arguments {
                        let known = values
                        // A default that cannot be expanded is shown as it is written.
                        let text = argument.defaultValue.map { text in
                            (try? expander.expand(text) { known[$0] ?? scope.values[$0] }.text)
                                ?? text
                        }
                        let value = given(argument.name) ?? text ?? scope.values[argument.name]
                        values[argument.name] = value
                        add(argument.name, value, located.comment(about: argument.name))
                    }
                case .run(let run):
                    for options in run.mounts { add(options) }
                default: break
                }
            }
        }
    }

    private static func globalsUsed(by stages: [Stage], _ file: Dockerfile) -> Set<String> {
        let expander = WordExpander(escape: file.directives.escape)
        var names: Set<String> = []
        for stage in stages {
            for text in [stage.from.base, stage.from.platform ?? ""] {
                // Only the names count; what cannot be expanded a build tells.
                guard let found = try? expander.expand(text, with: { _ in "x" }) else { continue }
                names.formUnion(found.variables.matched)
            }
            for located in stage.instructions {
                guard case .arg(let arg) = located.instruction else { continue }
                for argument in arg.arguments where argument.defaultValue == nil {
                    names.insert(argument.name)
                }
            }
        }
        return names
    }

    private mutating func addGlobals(
        of file: Dockerfile, used: Set<String>, _ scope: GlobalScope
    ) {
        for located in file.globalArguments {
            guard case .arg(let arg) = located.instruction else { continue }
            for argument in arg.arguments where used.contains(argument.name) {
                add(
                    argument.name, scope.values[argument.name],
                    located.comment(about: argument.name))
            }
        }
    }

    private mutating func add(_ name: String, _ value: String?, _ description: String?) {
        guard let place = arguments.firstIndex(where: { $0.name == name }) else {
            arguments.append(Argument(name: name, value: value, description: description))
            return
        }
        if let description, arguments[place].description == nil {
            arguments[place].description = description
        }
    }

    private mutating func add(_ options: MountOptions) {
        // One that is wrong a build tells.
        guard let mount = try? RunMount(options) else { return }
        switch mount.kind {
        case .secret:
            var id = mount.id.isEmpty ? mount.source : mount.id
            if id.isEmpty { id = mount.target.split(separator: "/").last.map(String.init) ?? "" }
            Self.add(Need(id: id, isRequired: mount.isRequired), to: &secrets)
        case .ssh:
            let id = mount.id.isEmpty ? "default" : mount.id
            Self.add(Need(id: id, isRequired: mount.isRequired), to: &agents)
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

extension Stage {
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
