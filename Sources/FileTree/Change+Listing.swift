internal import ImageSpec

/// Changes as `docker diff` lists them.
extension Change {
    /// The root changes its time with every name in it; only its owner, mode and extended attributes
    /// are worth a line.
    package var isWorthListing: Bool {
        guard path.isRoot, var old = old?.attributes, var new = new?.attributes else { return true }
        old.modificationTime = NodeTime(seconds: 0)
        new.modificationTime = NodeTime(seconds: 0)
        return old != new
    }

    /// `C /etc`, with a newline; what could move a terminal's cursor is escaped.
    package var line: String { "\(kind.rawValue) \(path.visible)\n" }
}

extension [Change] {
    /// Without directories that are as they were and have only changes further down: as Docker and
    /// Podman list containers. One from which or to which a name came or went always stays.
    ///
    /// The changes are in ascending order of path.
    package var withoutUntouchedDirectories: [Change] {
        var touched: Set<TreePath> = []
        var last: ArraySlice<EntryName>?
        for change in self where change.kind != .changed {
            // Nearly always the same directory as before.
            let parent = change.path.names.dropLast()
            if parent == last { continue }
            touched.insert(change.path.parent)
            last = parent
        }
        func stays(_ change: Change) -> Bool {
            change.isOwnChange || touched.contains(change.path)
        }
        // A change is large, and copying all of them takes longer than looking at them.
        return allSatisfy(stays) ? self : filter(stays)
    }
}
