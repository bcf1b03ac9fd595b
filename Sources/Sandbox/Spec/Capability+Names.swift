extension Capability {
    /// What stands for all of them.
    private static let everything = "ALL"

    /// The whole name of a capability in either case, with or without `CAP_`, or `ALL`.
    /// - Returns: nil for a name that there is not.
    package static func name(_ text: String) -> String? {
        let upper = text.uppercased()
        if upper == everything || upper == "CAP_\(everything)" { return everything }
        let name = upper.hasPrefix("CAP_") ? upper : "CAP_\(upper)"
        return all.contains(name) ? name : nil
    }

    /// Docker's sum (moby's `TweakCapabilities`): the standard ones without what is dropped, and
    /// with what is added. `ALL` among the added is all but what is dropped; among the dropped it
    /// leaves what is added. Sorted.
    package static func sum(added: [String], dropped: [String]) -> [String] {
        let added = Set(added.compactMap(name))
        let dropped = Set(dropped.compactMap(name))
        if added.contains(everything) { return all.filter { !dropped.contains($0) } }
        if dropped.contains(everything) { return added.sorted() }
        return Set(standard).subtracting(dropped).union(added).sorted()
    }
}
