/// Something in a Dockerfile that works and still deserves a look.
package struct DockerfileWarning: Hashable, Sendable {
    /// The names are those of Docker's build checks.
    package enum Code: String, Hashable, Sendable, CaseIterable {
        case consistentInstructionCasing = "ConsistentInstructionCasing"
        case copyIgnoredFile = "CopyIgnoredFile"
        case duplicateStageName = "DuplicateStageName"
        case exposeInvalidFormat = "ExposeInvalidFormat"
        case exposeProtoCasing = "ExposeProtoCasing"
        case fromAsCasing = "FromAsCasing"
        case fromPlatformFlagConstDisallowed = "FromPlatformFlagConstDisallowed"
        case invalidDefaultArgInFrom = "InvalidDefaultArgInFrom"
        case invalidDefinitionDescription = "InvalidDefinitionDescription"
        case jsonArgsRecommended = "JSONArgsRecommended"
        case legacyKeyValueFormat = "LegacyKeyValueFormat"
        case maintainerDeprecated = "MaintainerDeprecated"
        case multipleInstructionsDisallowed = "MultipleInstructionsDisallowed"
        case noEmptyContinuation = "NoEmptyContinuation"
        case redundantTargetPlatform = "RedundantTargetPlatform"
        case reservedStageName = "ReservedStageName"
        case secretsUsedInArgOrEnv = "SecretsUsedInArgOrEnv"
        case stageNameCasing = "StageNameCasing"
        case undefinedArgInFrom = "UndefinedArgInFrom"
        case undefinedVar = "UndefinedVar"
        case workdirRelativePath = "WorkdirRelativePath"

        /// Looked for only where the file or the user asks for it.
        package var isExperimental: Bool { self == .invalidDefinitionDescription }
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
