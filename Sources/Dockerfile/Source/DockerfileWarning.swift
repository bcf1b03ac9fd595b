/// Something in a Dockerfile that works and still deserves a look.
package struct DockerfileWarning: Hashable, Sendable {
    /// The names are those of Docker's build checks.
    package enum Code: String, Hashable, Sendable, CaseIterable {
        case noEmptyContinuation = "NoEmptyContinuation"
        case duplicateStageName = "DuplicateStageName"
        case reservedStageName = "ReservedStageName"
        case maintainerDeprecated = "MaintainerDeprecated"
        case legacyKeyValueFormat = "LegacyKeyValueFormat"
    }

    package var code: Code
    package var message: String
    package var range: SourceRange

    package init(_ code: Code, _ message: String, at range: SourceRange) {
        self.code = code
        self.message = message
        self.range = range
    }
}
