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
        // All of what is new is listed.
        let (before, after) = (old.directory.entryCount, new.directory.entryCount)
        if after > before { changes.reserveCapacity(Int(min(after - before, 1 << 20)) + 16) }
        try forEachChange(from: old, to: new, in: source) { changes.append($0) }
        return changes
    }

    /// As ``changes(from:to:in:)``, one at a time.
    package static func forEachChange(
        from old: Tree, to new: Tree, in source: some DirectorySource,
        _ body: (Change) -> Void
    ) throws(FileTreeError) {
        try walk(DiffWalk(passesOverOneSided: false), from: old, to: new, in: source, body)
    }

    /// Those of ``forEachChange(from:to:in:_:)`` that are of paths in both trees, without a look at
    /// what only one of them has.
    package static func forEachCommonChange(
        from old: Tree, to new: Tree, in source: some DirectorySource,
        _ body: (Change) -> Void
    ) throws(FileTreeError) {
        try walk(DiffWalk(passesOverOneSided: true), from: old, to: new, in: source, body)
    }

    private static func walk(
        _ walk: DiffWalk, from old: Tree, to new: Tree, in source: some DirectorySource,
        _ body: (Change) -> Void
    ) throws(FileTreeError) {
        if old.id == new.id { return }
        var walk = walk
        try walk.compare(old.root, new.root, at: nil, source, body)
        while try walk.step(source, body) {}
    }
}

/// A walk through two directories side by side, and through what only the new one has. Its stack is
/// its own: trees may be deeper than a thread's.
private struct DiffWalk {
    /// A pair of directories under comparison; of an added one `left` is empty.
    private struct Pair {
        /// Nil for the root.
        let name: EntryName?
        let old: Node
        let new: Node
        let left: Directory.Entries
        let right: Directory.Entries
        var leftIndex = 0
        var rightIndex = 0
        /// Whether the directory itself is in the list: it is with its first difference.
        var isReported: Bool
    }

    private let passesOverOneSided: Bool
    private var stack: [Pair] = []

    init(passesOverOneSided: Bool) { self.passesOverOneSided = passesOverOneSided }

    /// Takes the next entry of the directories at hand.
    /// - Returns: false at the end.
    mutating func step(
        _ source: some DirectorySource, _ report: (Change) -> Void
    ) throws(FileTreeError) -> Bool {
        skipEqual()
        guard let pair = stack.last else { return false }
        let old = pair.leftIndex < pair.left.count ? pair.left[pair.leftIndex] : nil
        let new = pair.rightIndex < pair.right.count ? pair.right[pair.rightIndex] : nil
        switch (old, new) {
        case (nil, nil): stack.removeLast()
        case (let old?, nil): reportDeleted(old, report)
        case (nil, let new?): try reportAdded(new, source, report)
        case (let old?, let new?):
            if old.name < new.name {
                reportDeleted(old, report)
            } else if new.name < old.name {
                try reportAdded(new, source, report)
            } else {
                stack[stack.count - 1].leftIndex += 1
                stack[stack.count - 1].rightIndex += 1
                try compare(old.node, new.node, at: new.name, source, report)
            }
        }
        return true
    }

    /// Passes over entries that are the same on both sides: in a large directory nearly all are.
    private mutating func skipEqual() {
        guard let pair = stack.last else { return }
        var (left, right) = (pair.leftIndex, pair.rightIndex)
        while left < pair.left.count, right < pair.right.count,
            pair.left.isSame(at: left, as: pair.right, at: right)
        {
            left += 1
            right += 1
        }
        stack[stack.count - 1].leftIndex = left
        stack[stack.count - 1].rightIndex = right
    }

    /// Compares two nodes of one path; two directories' entries with the steps to come.
    mutating func compare(
        _ old: Node, _ new: Node, at name: EntryName?, _ source: some DirectorySource,
        _ report: (Change) -> Void
    ) throws(FileTreeError) {
        guard let oldDirectory = old.directory, let newDirectory = new.directory else {
            if old.equalsIgnoringLinks(new) { return }
            emit(.changed, name, old: old, new: new, report)
            if let directory = new.directory, !passesOverOneSided {
                try enterAdded(directory, new, name, source)
            }
            return
        }
        let isOwnChange = old.attributes != new.attributes
        if isOwnChange { emit(.changed, name, old: old, new: new, report) }
        if oldDirectory.id == newDirectory.id { return }
        stack.append(
            Pair(
                name: name, old: old, new: new,
                left: try source.directory(oldDirectory.id).entries,
                right: try source.directory(newDirectory.id).entries, isReported: isOwnChange))
    }

    private mutating func reportDeleted(
        _ entry: DirectoryEntry, _ report: (Change) -> Void
    ) {
        stack[stack.count - 1].leftIndex += 1
        if passesOverOneSided { return }
        emit(.deleted, entry.name, old: entry.node, new: nil, report)
    }

    private mutating func reportAdded(
        _ entry: DirectoryEntry, _ source: some DirectorySource, _ report: (Change) -> Void
    ) throws(FileTreeError) {
        stack[stack.count - 1].rightIndex += 1
        if passesOverOneSided { return }
        emit(.added, entry.name, old: nil, new: entry.node, report)
        if let directory = entry.node.directory {
            try enterAdded(directory, entry.node, entry.name, source)
        }
    }

    private mutating func enterAdded(
        _ directory: DirectoryReference, _ node: Node, _ name: EntryName?,
        _ source: some DirectorySource
    ) throws(FileTreeError) {
        stack.append(
            Pair(
                name: name, old: node, new: node, left: Directory.empty.entries,
                right: try source.directory(directory.id).entries, isReported: true))
    }

    /// Reports a change, those of the directories above it first.
    private mutating func emit(
        _ kind: Change.Kind, _ name: EntryName?, old: Node?, new: Node?,
        _ report: (Change) -> Void
    ) {
        var path = TreePath()
        path.names.reserveCapacity(stack.count)
        for index in stack.indices {
            if let name = stack[index].name { path.names.append(name) }
            guard !stack[index].isReported else { continue }
            stack[index].isReported = true
            report(
                Change(kind: .changed, path: path, old: stack[index].old, new: stack[index].new))
        }
        if let name { path.names.append(name) }
        report(Change(kind: kind, path: path, old: old, new: new))
    }
}
