/// What the checks have to know besides the file.
package struct CheckFacts: Sendable {
    /// `--build-arg`
    package var buildArguments: [String: String]

    /// What FROM lines see without an ARG, such as `TARGETARCH`.
    package var predefined: [String: String]

    /// The environment of an image; nil where it is not known, when nothing is said of variables that
    /// may come from it.
    package var environment: @Sendable (_ image: String) -> [String: String]?

    /// Whether a text is the name of an image.
    package var isReference: @Sendable (String) -> Bool

    /// Whether the ignore file leaves a path of the build context out.
    package var isIgnored: @Sendable (_ path: [UInt8]) -> Bool

    package init(
        buildArguments: [String: String] = [:], predefined: [String: String] = [:],
        environment: @escaping @Sendable (String) -> [String: String]? = { _ in nil },
        isReference: @escaping @Sendable (String) -> Bool = { _ in true },
        isIgnored: @escaping @Sendable ([UInt8]) -> Bool = { _ in false }
    ) {
        self.buildArguments = buildArguments
        self.predefined = predefined
        self.environment = environment
        self.isReference = isReference
        self.isIgnored = isIgnored
    }
}
