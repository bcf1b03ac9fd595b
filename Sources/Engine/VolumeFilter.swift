internal import Store

/// Which volumes are meant: conditions of one kind are alternatives, but those for labels, which are
/// joined as Docker does it.
package struct VolumeFilter: Sendable {
    package enum Condition: Sendable {
        case dangling(Bool)
        /// A part of the name, as Docker has it.
        case name(String)
        case label(LabelCondition)

        /// - Throws: ``EngineError`` `invalid`.
        package init(_ text: String) throws {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                .map(String.init)
            guard parts.count == 2, !parts[1].isEmpty else {
                throw EngineError(.invalid, "a filter is KEY=VALUE, not \"\(text)\"")
            }
            switch (parts[0], parts[1]) {
            case ("dangling", "true"), ("dangling", "1"): self = .dangling(true)
            case ("dangling", "false"), ("dangling", "0"): self = .dangling(false)
            case ("name", let value): self = .name(value)
            case ("driver", "local"): self = .name("")
            case ("label", let value): self = .label(LabelCondition(value))
            case ("label!", let value): self = .label(LabelCondition(value, isWanted: false))
            default:
                throw EngineError(
                    .invalid, "there is no filter \"\(text)\" for volumes",
                    hint: "dangling=true|false, name=TEXT, label=NAME[=VALUE], label!=NAME[=VALUE]")
            }
        }
    }

    private let conditions: [Condition]

    package init(_ conditions: [Condition] = []) { self.conditions = conditions }

    func passes(_ volume: Engine.VolumeSummary) -> Bool {
        var names: [String] = []
        var labels: [LabelCondition] = []
        for condition in conditions {
            switch condition {
            case .dangling(let wanted): if volume.users.isEmpty != wanted { return false }
            case .name(let part): names.append(part)
            case .label(let label): labels.append(label)
            }
        }
        if !labels.hold(for: volume.record.labels) { return false }
        return names.isEmpty || names.contains { $0.isEmpty || volume.record.name.contains($0) }
    }
}
