internal import ArgumentParser
internal import Engine

/// What `--filter` of the `prune` commands says.
enum PruneCondition: Sendable {
    case until(Int64)
    case label(LabelCondition)
    case dangling(Bool)

    /// - Parameter text: `KEY=VALUE`.
    init(_ text: String) throws {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            .map(String.init)
        guard parts.count == 2, !parts[1].isEmpty else {
            throw ValidationError("a filter is KEY=VALUE, not \"\(text)\"")
        }
        switch parts[0] {
        case "until": self = .until(try PointInTime.parse(parts[1]))
        case "label": self = .label(LabelCondition(parts[1]))
        case "label!": self = .label(LabelCondition(parts[1], isWanted: false))
        case "dangling":
            guard let flag = GoFlags.boolean(parts[1]) else {
                throw ValidationError("dangling is true or false")
            }
            self = .dangling(flag)
        default:
            throw ValidationError(
                "there is no filter \"\(parts[0])\" here; there are until=TIME, "
                    + "label=NAME[=VALUE] and label!=NAME[=VALUE]")
        }
    }
}

/// The conditions of what is pruned.
struct PruneFilterOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Only what was made before a time (10m, 24h, 2026-11-27), or has a label or has it not.",
            valueName: "until=time or label[!]=name[=value]"),
        transform: { text in
            let condition = try PruneCondition(text)
            if case .dangling = condition {
                throw ValidationError("\"dangling\" is a filter of \"image prune\"")
            }
            return condition
        })
    var filter: [PruneCondition] = []
}

extension PruneFilter {
    init(_ conditions: [PruneCondition]) {
        self.init()
        for condition in conditions {
            switch condition {
            // Each has to hold.
            case .until(let time): until = min(until ?? time, time)
            case .label(let label): labels.append(label)
            case .dangling: continue
            }
        }
    }
}
