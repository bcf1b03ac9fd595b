internal import Store

/// Compares the inputs of two steps, line by line: see ``CacheInputs`` for what they look like.
struct InputComparison {
    /// The names of the stage's ARGs.
    var arguments: Set<String>
    /// What to say of another parent.
    var parentChange: String
    var mountedPaths = MountedPaths()

    typealias Change = CacheExplanation.Change

    /// Longer values are cut in sentences.
    private static let shownCharacters = 120

    /// What differs, in the order of the inputs.
    func changes(from old: String, to new: String) -> [Change] {
        let (old, new) = (Lines(old), Lines(new))
        var changes: [Change] = []
        if old.head != new.head {
            changes.append(change("instruction", old.head, new.head))
        }
        var names = new.names
        names += old.names.filter { !names.contains($0) }
        for name in names where old[name] != new[name] {
            changes += self.changes(of: name, old[name], new[name])
        }
        if changes.isEmpty {
            changes.append(Change("inputs", text: "its inputs are in another order"))
        }
        return changes
    }

    private func changes(of name: String, _ old: [String], _ new: [String]) -> [Change] {
        switch name {
        case "parent": return [Change(name, old: old.first, new: new.first, text: parentChange)]
        case "argument":
            return [change("command", old.joined(separator: " "), new.joined(separator: " "))]
        case "environment": return variables(old, new)
        case "source": return SourceComparison(old, new, mountedPaths).changes
        default: return others(name, old, new)
        }
    }

    // MARK: - Variables

    private func variables(_ old: [String], _ new: [String]) -> [Change] {
        let (before, after) = (values(old), values(new))
        var names = after.map(\.name)
        names += before.map(\.name).filter { !names.contains($0) }
        return names.compactMap { name in
            let former = before.last { $0.name == name }?.value
            let value = after.last { $0.name == name }?.value
            guard former != value else { return nil }
            let kind = arguments.contains(name) ? "argument" : "environment"
            return change("\(kind) \(name)", former, value)
        }
    }

    private func values(_ lines: [String]) -> [(name: String, value: String)] {
        lines.map { line in
            let name = line.prefix { $0 != "=" }
            return (String(name), String(line.dropFirst(name.count + 1)))
        }
    }

    // MARK: - All others

    private func others(_ name: String, _ old: [String], _ new: [String]) -> [Change] {
        let gone = old.filter { !new.contains($0) }
        let came = new.filter { !old.contains($0) }
        if gone.count == 1, came.count == 1 { return [change(name, gone[0], came[0])] }
        return gone.map { change(name, $0, nil) } + came.map { change(name, nil, $0) }
    }

    private func change(_ subject: String, _ old: String?, _ new: String?) -> Change {
        let text =
            switch (old, new) {
            case (let old?, let new?): "\(subject): \(Self.shown(old)) → \(Self.shown(new))"
            case (nil, let new?): "\(subject) added: \(Self.shown(new))"
            case (let old?, nil): "\(subject) removed, was \(Self.shown(old))"
            case (nil, nil): subject
            }
        return Change(subject, old: old, new: new, text: text)
    }

    private static func shown(_ text: String) -> String {
        if text.isEmpty { return "\"\"" }
        return text.count <= shownCharacters ? text : text.prefix(shownCharacters - 1) + "…"
    }

    /// The lines of inputs by their first words, in the order in which those come.
    private struct Lines {
        let head: String
        private(set) var names: [String] = []
        private var values: [String: [String]] = [:]

        init(_ text: String) {
            let lines = text.split(separator: "\n", omittingEmptySubsequences: true)
            head = lines.first.map(String.init) ?? ""
            for line in lines.dropFirst() {
                let name = line.prefix { $0 != " " }
                if values[String(name)] == nil { names.append(String(name)) }
                values[String(name), default: []].append(String(line.dropFirst(name.count + 1)))
            }
        }

        subscript(name: String) -> [String] { values[name] ?? [] }
    }
}
