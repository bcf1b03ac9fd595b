/// The values of the ARGs before the first FROM: what FROM lines see, and what an ARG without a
/// default takes inside a stage.
package struct GlobalScope: Hashable, Sendable {
    /// The values of the arguments that have one.
    package private(set) var values: [String: String] = [:]

    /// The names that were declared, with a value or without, in order and once each.
    package private(set) var names: [String] = []

    /// The variables that the defaults read.
    package private(set) var variables = VariableUse()

    /// By name, those that the defaults of an argument read, wherever it is declared.
    private var uses: [String: Set<String>] = [:]

    /// Evaluates the global ARGs in order: each default sees the ones before it. A default that is
    /// overridden is not looked at.
    ///
    /// - Parameters:
    ///   - buildArguments: the value that `--build-arg` gives a name, or nil.
    ///   - predefined: the value of a name that needs no ARG to be seen here, such as
    ///     `TARGETARCH`, or nil.
    /// - Throws: expansion's errors, with the ARG's range.
    package init(
        _ dockerfile: Dockerfile, buildArguments: (String) -> String?,
        predefined: (String) -> String? = { _ in nil }
    ) throws(DockerfileError) {
        let expander = WordExpander(escape: dockerfile.directives.escape)
        for located in dockerfile.globalArguments {
            guard case .arg(let arg) = located.instruction else { continue }
            for argument in arg.arguments {
                var value = buildArguments(argument.name)
                if value == nil, let text = argument.defaultValue {
                    do {
                        let known = values
                        let expansion = try expander.expand(text) { known[$0] ?? predefined($0) }
                        variables.formUnion(expansion.variables)
                        let used = expansion.variables.matched.union(expansion.variables.unmatched)
                        uses[argument.name, default: []].formUnion(used)
                        value = expansion.text
                    } catch { throw error.located(at: located.range) }
                }
                if !names.contains(argument.name) { names.append(argument.name) }
                if let value { values[argument.name] = value }
            }
        }
    }

    /// The names, and those that their values were made of.
    package func closure(of names: Set<String>) -> Set<String> {
        var found = names
        var waiting = Array(names)
        while let name = waiting.popLast() {
            for used in uses[name] ?? [] where found.insert(used).inserted { waiting.append(used) }
        }
        return found
    }
}
