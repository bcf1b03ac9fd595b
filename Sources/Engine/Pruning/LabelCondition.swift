/// A label that something must have, or must not have: `label=NAME[=VALUE]`, `label!=NAME[=VALUE]`.
package struct LabelCondition: Hashable, Sendable {
    package var name: String
    /// Nil for any.
    package var value: String?
    package var isWanted: Bool

    /// - Parameter text: `NAME` or `NAME=VALUE`.
    package init(_ text: String, isWanted: Bool = true) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        name = String(parts[0])
        value = parts.count == 2 ? String(parts[1]) : nil
        self.isWanted = isWanted
    }

    /// - Returns: nil for other filters than `label` and `label!`.
    package init?(_ text: FilterText) {
        guard text.key == "label" || text.key == "label!" else { return nil }
        self.init(text.value, isWanted: text.key == "label")
    }

    fileprivate func isThere(in labels: [String: String]) -> Bool {
        labels[name].map { value == nil || value == $0 } ?? false
    }
}

extension [LabelCondition] {
    /// As Docker joins them: each label that is wanted has to be there, and of those that are not
    /// wanted at least one must be missing.
    package func hold(for labels: [String: String]) -> Bool {
        let unwanted = filter { !$0.isWanted }
        return allSatisfy { !$0.isWanted || $0.isThere(in: labels) }
            && (unwanted.isEmpty || !unwanted.allSatisfy { $0.isThere(in: labels) })
    }
}
