internal import Dockerfile
package import ImageSpec

/// Instructions that change an image's config apart from a build: `--change` of `commit` and `import`.
package struct ConfigChanges: Sendable {
    private let texts: [String]

    /// Docker's list; what else a Dockerfile knows needs a build.
    private static let allowed: [InstructionKeyword] = [
        .cmd, .entrypoint, .env, .expose, .healthcheck, .label, .onbuild, .stopsignal, .user,
        .volume, .workdir,
    ]

    private static let allowedNames = names(of: allowed)

    private static func names(of keywords: [InstructionKeyword]) -> String {
        "one of " + keywords.map(\.rawValue).joined(separator: ", ")
    }

    /// - Parameter texts: each of one instruction or more lines.
    /// - Throws: ``BuildError`` with the line that is wrong.
    package init(_ texts: [String]) throws {
        self.texts = texts
        // Better before anything is done than after it.
        for text in texts { try Self.forEach(in: text) { _, _ in } }
    }

    /// Applies them in their order. Variables are those of the config's environment.
    /// - Throws: ``BuildError`` with the line that is wrong.
    package func apply(to config: inout ContainerConfig) throws {
        var hasOwnCommand = false
        for text in texts {
            try Self.forEach(in: text) { instruction, escape in
                let environment = config
                let expanded = try instruction.expanded(escape: escape) {
                    environment.environmentValue($0)
                }.instruction
                if case .workdir(let workdir) = expanded {
                    let current = config.workingDirectory
                    config.workingDirectory = try DestinationPath.workingDirectory(
                        workdir.path, after: current.isEmpty ? "/" : current)
                } else {
                    try config.apply(expanded, hasOwnCommand: &hasOwnCommand)
                }
            }
        }
    }

    /// Calls `body` with each instruction of a text, if all are allowed.
    private static func forEach(
        in text: String, _ body: (LocatedInstruction, EscapeCharacter) throws -> Void
    ) throws {
        let source = Array(text.utf8)
        do {
            try LocatedInstruction.forEach(in: source) { instruction, escape in
                do {
                    try check(instruction)
                    try body(instruction, escape)
                } catch {
                    throw BuildError(error, at: instruction.range)
                }
            }
        } catch {
            var located = BuildError(error, at: nil)
            located.dockerfile = DockerfileText(name: "--change", bytes: source)
            // Not all that a Dockerfile knows.
            if located.expected == names(of: InstructionKeyword.allCases) {
                located.expected = allowedNames
                located.hint = located.offendingText.flatMap {
                    Suggestion.hint(
                        for: $0, among: allowed.map(\.rawValue), ignoringCase: true)
                }
            }
            throw located
        }
    }

    private static func check(_ instruction: LocatedInstruction) throws {
        let keyword = instruction.keyword
        guard !allowed.contains(keyword) else { return }
        throw BuildError(
            .invalidArgument, "\(keyword.rawValue) is not a valid change command",
            offending: keyword.rawValue,
            expected: allowedNames)
    }
}
