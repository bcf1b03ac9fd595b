/// Which of what is in no use goes: what all conditions hold for.
package struct PruneFilter: Sendable {
    /// Nanoseconds since 1970: only what was made before, and of the build cache what was not used
    /// since.
    package var until: Int64?
    package var labels: [LabelCondition]

    package init(until: Int64? = nil, labels: [LabelCondition] = []) {
        self.until = until
        self.labels = labels
    }

    /// - Throws: ``EngineError`` `invalid`.
    package init(_ texts: [FilterText]) throws {
        self.init()
        for text in texts {
            if let label = LabelCondition(text) {
                labels.append(label)
            } else if text.key == "until" {
                guard until == nil else {
                    throw EngineError(.invalid, "\"until\" is given more than once")
                }
                until = try PointInTime.parse(text.value)
            } else {
                throw text.unknown("until=TIME, label=NAME[=VALUE] and label!=NAME[=VALUE]")
            }
        }
    }

    func passes(createdAt: Int64) -> Bool { until.map { createdAt < $0 } ?? true }

    func passes(_ present: [String: String]) -> Bool { labels.hold(for: present) }
}
