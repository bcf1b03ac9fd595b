/// Which stages a build of one target needs, and where each takes its files from.
package struct StagePlan: Hashable, Sendable {
    /// Where files come from.
    package enum Source: Hashable, Sendable {
        /// An empty file system.
        case scratch
        /// A stage of this file, by its number.
        case stage(Int)
        /// An image, by reference.
        case image(String)
        /// A context that the build was given under this name.
        case context(String)
    }

    /// A stage that the build needs.
    package struct Step: Hashable, Sendable {
        package var stage: Stage

        /// The stage's base after expansion.
        package var base: Source

        /// `--platform` after expansion.
        package var platform: String?

        /// What COPY --from and RUN --mount=from name, by the text that names it.
        package var sources: [String: Source]
    }

    /// The stages in the order of the file, except that a stage comes after all it needs. The
    /// last one is the target.
    package var steps: [Step]

    /// The variables that the FROM lines of the whole file read.
    package var variables: VariableUse

    /// The numbers of the stages that the build needs.
    package var stages: Set<Int> { Set(steps.map(\.stage.index)) }

    /// The number of the target stage.
    package var target: Int { steps.last?.stage.index ?? 0 }
}

extension Dockerfile {
    /// Works out which stages a build needs.
    ///
    /// FROM lines see global ARGs only: `value` looks up those (see `globalScope`) and the
    /// platform arguments.
    ///
    /// - Parameters:
    ///   - target: a stage's name in any case or its number; nil for the last stage.
    ///   - isContext: whether the build was given a context under this name, which then stands for
    ///     the stage or the image that is called so.
    ///   - value: the value of a global argument, or nil when it has none.
    /// - Throws: `unknownStage`, `circularDependency`, `blankBaseName`, and expansion's errors.
    package func plan(
        target: String? = nil, isContext: (String) -> Bool = { _ in false },
        with value: (String) -> String?
    ) throws(DockerfileError) -> StagePlan {
        let overridden = stages.map { $0.name.map(isContext) ?? false }
        var graph = StageGraph(
            stages: stages, overridden: overridden,
            globalNames: globalArguments.flatMap { located -> [String] in
                guard case .arg(let arg) = located.instruction else { return [] }
                return arg.arguments.map(\.name)
            })
        try graph.resolveBases(escape: directives.escape, isContext: isContext, with: value)
        try graph.resolveSources(isContext: isContext)
        let last = try target.map { name throws(DockerfileError) in try stageIndex(of: name) }
        let order = try graph.order(from: last ?? stages.count - 1)
        return StagePlan(steps: order.map { graph.step($0) }, variables: graph.variables)
    }

    /// The number of the stage that a name or a number names. Of several stages with one name it
    /// is the last.
    ///
    /// - Throws: `unknownStage`.
    package func stageIndex(of reference: String) throws(DockerfileError) -> Int {
        let name = reference.lowercased()
        if let stage = stages.last(where: { $0.name == name }) { return stage.index }
        if let index = Int(reference), stages.indices.contains(index) { return index }
        let names = stages.compactMap(\.name)
        throw DockerfileError(
            .unknownStage, "target stage \(reference.quoted) could not be found",
            expected: names.isEmpty
                ? "a number below \(stages.count)" : "one of \(names.joined(separator: ", "))",
            hint: Suggestion.hint(for: name, among: names))
    }
}
