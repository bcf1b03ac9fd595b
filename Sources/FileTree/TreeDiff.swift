/// One path on which two trees differ.
package struct Change: Hashable, Sendable {
    /// The letters that `docker diff` uses.
    package enum Kind: Character, Sendable {
        case added = "A"
        case changed = "C"
        case deleted = "D"
    }
    package var kind: Kind
    package var path: TreePath
    /// Nil for `added`.
    package var old: Node?
    /// Nil for `deleted`.
    package var new: Node?

    package init(kind: Kind, path: TreePath, old: Node?, new: Node?) {
        self.kind = kind
        self.path = path
        self.old = old
        self.new = new
    }

    /// Whether the node itself differs, not only something below it.
    package var isOwnChange: Bool {
        guard let old, let new else { return true }
        if old.isDirectory && new.isDirectory { return old.attributes != new.attributes }
        return !old.equalsIgnoringLinks(new)
    }
}

/// Compares trees in the time of what differs: directories with equal digests are not opened.
package enum TreeDiff {
    /// All changes that lead from `old` to `new`, in ascending order of path.
    ///
    /// As `docker diff` does, a directory above a change is listed as changed; an added directory
    /// is listed with all that is below it, a deleted one alone. Names that differ
    /// only in the number of their other names are equal.
    package static func changes(
        from old: Tree, to new: Tree, in source: some DirectorySource
    ) throws(FileTreeError) -> [Change] {
        var changes: [Change] = []
        try forEachChange(from: old, to: new, in: source) { changes.append($0) }
        return changes
    }

    /// As ``changes(from:to:in:)``, one at a time.
    package static func forEachChange(
        from old: Tree, to new: Tree, in source: some DirectorySource,
        _ body: (Change) -> Void
    ) throws(FileTreeError) {
        if old.id == new.id { return }
        var found: [Change] = []
        try compare(old.directory, new.directory, at: .root, source) { found.append($0) }
        if !found.isEmpty || old.attributes != new.attributes {
            body(Change(kind: .changed, path: .root, old: old.root, new: new.root))
        }
        for change in found { body(change) }
    }

    private static func compare(
        _ old: DirectoryReference, _ new: DirectoryReference, at path: TreePath,
        _ source: some DirectorySource, _ report: (Change) -> Void
    ) throws(FileTreeError) {
        if old.id == new.id { return }
        let left = try source.directory(old.id).entries
        let right = try source.directory(new.id).entries
        var (i, j) = (0, 0)
        while i < left.count || j < right.count {
            if j == right.count || (i < left.count && left[i].name < right[j].name) {
                report(
                    Change(
                        kind: .deleted, path: path.appending(left[i].name), old: left[i].node,
                        new: nil))
                i += 1
            } else if i == left.count || right[j].name < left[i].name {
                try reportAdded(right[j].node, at: path.appending(right[j].name), source, report)
                j += 1
            } else {
                try compareNodes(
                    left[i].node, right[j].node, at: path.appending(right[j].name), source, report)
                i += 1
                j += 1
            }
        }
    }

    private static func compareNodes(
        _ old: Node, _ new: Node, at path: TreePath, _ source: some DirectorySource,
        _ report: (Change) -> Void
    ) throws(FileTreeError) {
        guard let oldDirectory = old.directory, let newDirectory = new.directory else {
            if old.equalsIgnoringLinks(new) { return }
            report(Change(kind: .changed, path: path, old: old, new: new))
            if let added = new.directory {
                try reportAdded(contentsOf: added, at: path, source, report)
            }
            return
        }
        var below: [Change] = []
        try compare(oldDirectory, newDirectory, at: path, source) { below.append($0) }
        if !below.isEmpty || old.attributes != new.attributes {
            report(Change(kind: .changed, path: path, old: old, new: new))
        }
        for change in below { report(change) }
    }

    private static func reportAdded(
        _ node: Node, at path: TreePath, _ source: some DirectorySource,
        _ report: (Change) -> Void
    ) throws(FileTreeError) {
        report(Change(kind: .added, path: path, old: nil, new: node))
        if let reference = node.directory {
            try reportAdded(contentsOf: reference, at: path, source, report)
        }
    }

    private static func reportAdded(
        contentsOf reference: DirectoryReference, at path: TreePath,
        _ source: some DirectorySource, _ report: (Change) -> Void
    ) throws(FileTreeError) {
        for entry in try source.directory(reference.id).entries {
            try reportAdded(entry.node, at: path.appending(entry.name), source, report)
        }
    }
}
