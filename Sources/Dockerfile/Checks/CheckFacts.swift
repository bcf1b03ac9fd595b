/// What the checks have to know besides the file.
package struct CheckFacts: Sendable {
    /// `--build-arg`
    package var buildArguments: [String: String]

    /// What FROM lines see without an ARG, such as `TARGETARCH`.
    package var predefined: [String: String]

    /// What a stage takes over from an image.
    package struct Base: Hashable, Sendable {
        package var environment: [String: String]
        /// Whether its config names the shell of the shell forms.
        package var hasShell: Bool

        package init(environment: [String: String] = [:], hasShell: Bool = false) {
            self.environment = environment
            self.hasShell = hasShell
        }
    }

    /// What an image has; nil where it is not known, when nothing is said of variables that may come
    /// from it.
    package var base: @Sendable (_ image: String) -> Base?

    /// Whether a text is the name of an image.
    package var isReference: @Sendable (String) -> Bool

    /// Whether the ignore file leaves a path of the build context out, with all that is below it; `.`
    /// is the context itself.
    package var isIgnored: @Sendable (_ path: [UInt8]) -> Bool

    package init(
        buildArguments: [String: String] = [:], predefined: [String: String] = [:],
        base: @escaping @Sendable (String) -> Base? = { _ in nil },
        isReference: @escaping @Sendable (String) -> Bool = { _ in true },
        isIgnored: @escaping @Sendable ([UInt8]) -> Bool = { _ in false }
    ) {
        self.buildArguments = buildArguments
        self.predefined = predefined
        self.base = base
        self.isReference = isReference
        self.isIgnored = isIgnored
    }
}
