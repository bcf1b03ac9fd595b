/// `FROM [--platform=PLATFORM] BASE [AS NAME]`: begins a stage.
package struct FromInstruction: Hashable, Sendable {
    /// An image, an earlier stage, or `scratch`; before expansion it may hold variables.
    package var base: String

    /// The stage's name in lower case.
    package var name: String?

    /// `--platform`; before expansion it may hold variables.
    package var platform: String?

    package init(base: String, name: String? = nil, platform: String? = nil) {
        self.base = base
        self.name = name
        self.platform = platform
    }
}
