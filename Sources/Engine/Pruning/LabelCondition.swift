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

    package func holds(for labels: [String: String]) -> Bool {
        let isThere = labels[name].map { value == nil || value == $0 } ?? false
        return isThere == isWanted
    }
}
