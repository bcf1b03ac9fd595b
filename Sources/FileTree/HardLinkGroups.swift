/// Gives hard-link groups their canonical identifiers and counts.
///
/// Invariant of a finished tree: see ``HardLink``. Edits (a name removed, a group made, a directory
/// grafted or renamed) break it; this mends it in the time of the directories that hold links.
package enum HardLinkGroups {
    /// The names of every group of `tree`, each in ascending order, by identifier.
    package static func paths(
        in tree: Tree, _ source: some DirectorySource
    ) throws(FileTreeError) -> [UInt64: [TreePath]] {
        var groups: [UInt64: [TreePath]] = [:]
        try collect(tree.directory, at: .root, source, into: &groups)
        return groups
    }

    /// The tree with canonical groups; names that no longer share a file lose their mark.
    package static func canonicalized(
        _ tree: Tree, in directories: PendingDirectories
    ) throws(FileTreeError) -> Tree {
        guard tree.directory.containsHardLinks else { return tree }
        var canonical: [UInt64: HardLink?] = [:]
        for (identifier, paths) in try paths(in: tree, directories) {
            let first = paths[0]
            canonical[identifier] = .some(
                paths.count < 2
                    ? nil
                    : HardLink(
                        identifier: HardLink.identifier(of: first), count: UInt32(paths.count)))
        }
        let directory = try rewrite(tree.directory, with: canonical, directories)
        return Tree(attributes: tree.attributes, directory: directory)
    }

    private static func collect(
        _ reference: DirectoryReference, at path: TreePath, _ source: some DirectorySource,
        into groups: inout [UInt64: [TreePath]]
    ) throws(FileTreeError) {
        guard reference.containsHardLinks else { return }
        for entry in try source.directory(reference.id).entries {
            if let link = entry.node.hardLink {
                groups[link.identifier, default: []].append(path.appending(entry.name))
            } else if let child = entry.node.directory, child.containsHardLinks {
                try collect(child, at: path.appending(entry.name), source, into: &groups)
            }
        }
    }

    private static func rewrite(
        _ reference: DirectoryReference, with canonical: [UInt64: HardLink?],
        _ directories: PendingDirectories
    ) throws(FileTreeError) -> DirectoryReference {
        guard reference.containsHardLinks else { return reference }
        var entries = try directories.directory(reference.id).entries
        var changed = false
        for index in entries.indices {
            let node = entries[index].node
            if let link = node.hardLink, let wanted = canonical[link.identifier], wanted != link {
                entries[index].node.hardLink = wanted
                changed = true
            } else if let child = node.directory, child.containsHardLinks {
                let rewritten = try rewrite(child, with: canonical, directories)
                if rewritten != child {
                    entries[index].node.content = .directory(rewritten)
                    changed = true
                }
            }
        }
        return changed ? directories.insert(Directory(sorted: entries)) : reference
    }
}
