// What FROM lines show.
extension BuildChecks {
    mutating func checkFrom(_ stage: Stage) {
        let located = stage.fromInstruction
        checkName(of: stage)
        checkPlatform(of: stage)
        checkBaseName(of: stage)
        guard let scope else { return }
        for text in [stage.from.base, stage.from.platform ?? ""] {
            // The build tells of the error.
            guard
                let expansion = try? expander.expand(
                    text, with: { scope.values[$0] ?? facts.predefined[$0] })
            else { continue }
            for name in expansion.variables.undefined.sorted() where !scope.names.contains(name) {
                let known = scope.names + facts.predefined.keys.sorted()
                note(
                    .undefinedArgInFrom,
                    "FROM argument '\(name)' is not declared"
                        + Self.suggestion(for: name, among: known, prefix: ""), at: located)
            }
        }
    }

    mutating func checkName(of stage: Stage) {
        let located = stage.fromInstruction
        guard let name = stage.name else { return }
        let words = located.original.split(whereSeparator: \.isWhitespace).map(String.init)
        guard words.count >= 3 else { return }
        let (written, keyword) = (words[words.count - 1], words[words.count - 2])
        if written != name {
            note(.stageNameCasing, "Stage name '\(written)' should be lowercase", at: located)
        }
        let from = located.writtenKeyword
        let isLower = from == from.asciiLowercased
        let isMixed = !isLower && from != located.keyword.rawValue
        if !isMixed, keyword != (isLower ? "as" : "AS") {
            note(
                .fromAsCasing, "'\(keyword)' and '\(from)' keywords' casing do not match",
                at: located)
        }
        checkDescription(of: [name], located)
    }

    /// Stages are found in any letters here; other builders take their names in small ones only.
    private mutating func checkBaseName(of stage: Stage) {
        guard let base = baseName(of: stage), stageIndices[base.asciiLowercased] != nil,
            base != base.asciiLowercased
        else { return }
        note(
            .stageNameCasing, "Stage name '\(base)' should be lowercase",
            at: stage.fromInstruction)
    }

    /// What FROM names; nil where that cannot be worked out.
    private func baseName(of stage: Stage) -> String? {
        guard let scope else { return nil }
        // The build tells of the error.
        return try? expander.expand(
            stage.from.base, with: { scope.values[$0] ?? facts.predefined[$0] }
        ).text
    }

    private mutating func checkPlatform(of stage: Stage) {
        guard let text = stage.from.platform else { return }
        let located = stage.fromInstruction
        if isTargetPlatform(text) {
            note(
                .redundantTargetPlatform,
                "Setting platform to predefined \(text) in FROM is redundant as this is the default "
                    + "behavior", at: located)
        } else if !text.contains("$") {
            // A stage that is named for its platform means what it says.
            let parts = text.split(separator: "/").map(String.init)
            if let name = stage.name, parts.contains(where: { name.contains($0) }) { return }
            note(
                .fromPlatformFlagConstDisallowed,
                "FROM --platform flag should not use constant value \(text.quoted)", at: located)
        }
    }

    /// Whether the variable is all that the text comes to, however it is written.
    private func isTargetPlatform(_ text: String) -> Bool {
        let name = "TARGETPLATFORM"
        // The build tells of the error.
        guard
            let expansion = try? expander.expand(
                text, with: { scope?.values[$0] ?? facts.predefined[$0] })
        else { return false }
        return expansion.variables.matched == [name] && expansion.variables.unmatched.isEmpty
            && expansion.text == facts.predefined[name]
    }

    /// A file should build without any `--build-arg`.
    mutating func checkDefaultBases() {
        guard
            // The build tells of the error.
            let defaults = try? GlobalScope(
                file, buildArguments: { _ in nil },
                predefined: {
                    facts.predefined[$0]
                })
        else { return }
        for stage in file.stages where stage.from.base.contains("$") {
            let base = try? expander.expand(stage.from.base) {  // the same
                defaults.values[$0] ?? facts.predefined[$0]
            }
            guard let text = base?.text, text.isEmpty || !facts.isReference(text),
                !file.stages.prefix(stage.index).contains(where: { $0.name == text.lowercased() })
            else { continue }
            note(
                .invalidDefaultArgInFrom,
                "Default value for ARG \(stage.from.base) results in empty or invalid base image name",
                at: stage.fromInstruction)
        }
    }

    /// What a stage has before its first instruction.
    func beginning(of stage: Stage) -> StageWalk {
        let base = baseName(of: stage)
        if let index = base.flatMap({ stageIndices[$0.lowercased()] }), let end = ends[index] {
            return end
        }
        var walk = StageWalk(scope: scope, facts: facts)
        if base == "scratch" {
            walk.environment = ["PATH": ""]
        } else if let found = base.flatMap(facts.base) {
            walk.environment = found.environment.merging(["PATH": ""]) { old, _ in old }
            walk.hasShell = found.hasShell
        }
        return walk
    }

    static func suggestion(for name: String, among known: [String], prefix: String) -> String {
        Suggestion.hint(for: name, among: known, ignoringCase: true, prefix: prefix)
            .map { " (\($0))" } ?? ""
    }
}
