/// Why a Dockerfile or an ignore file cannot be used, and where.
package struct DockerfileError: Error, Hashable, Sendable {
    /// What kind of mistake it is. Callers branch on this, never on the message.
    package enum Code: String, Hashable, Sendable, CaseIterable {
        // The text as a whole.
        case emptyFile
        case lineTooLong
        case notUTF8
        case duplicateDirective
        case invalidEscape
        case invalidCheckOption

        // An instruction's form.
        case unknownInstruction
        case unknownFlag
        case duplicateFlag
        case missingFlagValue
        case invalidFlagValue
        case missingArgument
        case tooManyArguments
        case malformedPair
        case blankName
        case notStringArray
        case jsonRequired
        case invalidMount
        case invalidDuration
        case invalidNumber
        case invalidPort
        case forbiddenTrigger
        case unterminatedHeredoc
        case invalidHeredoc

        // Stages.
        case noStage
        case invalidStageName
        case unknownStage
        case circularDependency
        case blankBaseName
        case unexpandableReference

        // Expansion.
        case badSubstitution
        case unterminatedWord
        case unsupportedModifier
        case invalidPattern
        case requiredVariable
        case nestingTooDeep

        // Ignore files.
        case illegalExclusion
    }

    package var code: Code

    /// One line, in the words that Docker's users know.
    package var message: String

    /// Where in the file. Nil when the mistake is the file's as a whole.
    package var range: SourceRange?

    /// The text that is wrong, as the file has it.
    package var offendingText: String?

    /// What would have been right.
    package var expected: String?

    /// What may help.
    package var hint: String?

    package init(
        _ code: Code, _ message: String, at range: SourceRange? = nil,
        offending offendingText: String? = nil, expected: String? = nil, hint: String? = nil
    ) {
        self.code = code
        self.message = message
        self.range = range
        self.offendingText = offendingText
        self.expected = expected
        self.hint = hint
    }

    /// The same error at `range`, when it has no place yet.
    package func located(at range: SourceRange) -> DockerfileError {
        var error = self
        error.range = error.range ?? range
        return error
    }
}

extension DockerfileError: CustomStringConvertible {
    package var description: String {
        var text = message
        if let range { text = "\(range.start.line):\(range.start.column): \(text)" }
        if let hint { text += " (\(hint))" }
        return text
    }
}
