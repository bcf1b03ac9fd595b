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

        /// What the check is about, in Docker's words.
        package var summary: String {
            switch self {
            case .consistentInstructionCasing:
                "All commands within the Dockerfile should use the same casing (either upper or lower)"
            case .copyIgnoredFile:
                "Attempting to Copy file that is excluded by .dockerignore"
            case .duplicateStageName: "Stage names should be unique"
            case .exposeInvalidFormat:
                "IP address and host-port mapping should not be used in EXPOSE instruction. This will "
                    + "become an error in a future release"
            case .exposeProtoCasing: "Protocol in EXPOSE instruction should be lowercase"
            case .fromAsCasing: "The 'as' keyword should match the case of the 'from' keyword"
            case .fromPlatformFlagConstDisallowed:
                "FROM --platform flag should not use a constant value"
            case .invalidDefaultArgInFrom:
                "Default value for global ARG results in an empty or invalid base image name"
            case .invalidDefinitionDescription:
                "Comment for build stage or argument should follow the format: `# <arg/stage name> "
                    + "<description>`. If this is not intended to be a description comment, add an "
                    + "empty line or comment between the instruction and the comment."
            case .jsonArgsRecommended:
                "JSON arguments recommended for ENTRYPOINT/CMD to prevent unintended behavior related "
                    + "to OS signals"
            case .legacyKeyValueFormat:
                "Legacy key/value format with whitespace separator should not be used"
            case .maintainerDeprecated:
                "The MAINTAINER instruction is deprecated, use a label instead to define an image author"
            case .multipleInstructionsDisallowed:
                "Multiple instructions of the same type should not be used in the same stage"
            case .noEmptyContinuation:
                "Empty continuation lines will become errors in a future release"
            case .redundantTargetPlatform:
                "Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the "
                    + "default behavior"
            case .reservedStageName: "Reserved words should not be used as stage names"
            case .secretsUsedInArgOrEnv:
                "Sensitive data should not be used in the ARG or ENV commands"
            case .stageNameCasing: "Stage names should be lowercase"
            case .undefinedArgInFrom: "FROM command must use declared ARGs"
            case .undefinedVar: "Variables should be defined before their use"
            case .workdirRelativePath:
                "Relative workdir without an absolute workdir declared within the build can have "
                    + "unexpected results if the base image changes"
            }
        }

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
