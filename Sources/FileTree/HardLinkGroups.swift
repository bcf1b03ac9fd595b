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
        try forEachName(in: tree, source) { path, node, link in
            groups[link.identifier, default: []].append(path)
        }
        return groups
    }

    /// The identifiers of groups that begin with these paths, no two alike.
    ///
    /// Paths whose hashes collide, which a layer's author can arrange, count up in their order.
    package static func identifiers(
        ofFirstPaths paths: [TreePath], hash: (TreePath, _ attempt: Int) -> UInt64
    ) -> [TreePath: UInt64] {
        var identifiers: [TreePath: UInt64] = [:]
        identifiers.reserveCapacity(paths.count)
        var taken: Set<UInt64> = []
        for path in paths {
            let identifier = hash(path, 0)
            identifiers[path] = identifier
            taken.insert(identifier)
        }
        if taken.count == identifiers.count { return identifiers }
        taken = []
        for path in paths.sorted() {
            var attempt = 0
            while true {
                let identifier = hash(path, attempt)
                identifiers[path] = identifier
                if taken.insert(identifier).inserted { break }
                attempt += 1
            }
        }
        return identifiers
    }

    /// ``identifiers(ofFirstPaths:hash:)`` as trees have them.
    package static func identifiers(ofFirstPaths paths: [TreePath]) -> [TreePath: UInt64] {
        identifiers(ofFirstPaths: paths) { HardLink.identifier(of: $0, attempt: $1) }
    }

    /// The tree with canonical groups; names that no longer share a file lose their mark, and so do
    /// names that share one by their mark alone, with different nodes.
    package static func canonicalized(
        _ tree: Tree, in directories: PendingDirectories
    ) throws(FileTreeError) -> Tree {
        guard tree.directory.containsHardLinks else { return tree }
        var groups: [Group: (first: TreePath, count: Int)] = [:]
        try forEachName(in: tree, directories) { path, node, link in
            groups[Group(node, link), default: (path, 0)].count += 1
        }
        let identifiers = identifiers(
            ofFirstPaths: groups.values.filter { $0.count > 1 }.map(\.first))
        let canonical = groups.mapValues { group in
            identifiers[group.first].map {
                HardLink(identifier: $0, count: UInt32(clamping: group.count))
            }
        }
        let directory = try rewrite(tree.directory, directories) { node, link in
            canonical[Group(node, link)] ?? nil
        }
        return Tree(attributes: tree.attributes, directory: directory)
    }

    /// One file with several names.
    private struct Group: Hashable {
        let identifier: UInt64
        let attributes: NodeAttributes
        let content: NodeContent

        init(_ node: Node, _ link: HardLink) {
            identifier = link.identifier
            attributes = node.attributes
            content = node.content
        }
    }

    /// Calls `body` with each name that has a mark, in ascending order. Walks with a stack of its
    /// own: trees may be deeper than a thread's.
    private static func forEachName(
        in tree: Tree, _ source: some DirectorySource,
        _ body: (TreePath, Node, HardLink) -> Void
    ) throws(FileTreeError) {
        guard tree.directory.containsHardLinks else { return }
        var path = TreePath()
        var stack = [try source.directory(tree.directory.id).entries[...]]
        while !stack.isEmpty {
            guard let entry = stack[stack.count - 1].popFirst() else {
                stack.removeLast()
                _ = path.names.popLast()
                continue
            }
            if let link = entry.node.hardLink {
                body(path.appending(entry.name), entry.node, link)
            } else if let child = entry.node.directory, child.containsHardLinks {
                path.names.append(entry.name)
                stack.append(try source.directory(child.id).entries[...])
            }
        }
    }

    /// A directory on its way to other marks.
    private struct Rewriting {
        let reference: DirectoryReference
        var entries: [DirectoryEntry]
        /// The entry at hand.
        var index = 0
        var isChanged = false
    }

    /// The directory with the mark on each name that `mark` gives it.
    private static func rewrite(
        _ reference: DirectoryReference, _ directories: PendingDirectories,
        mark: (Node, HardLink) -> HardLink?
    ) throws(FileTreeError) -> DirectoryReference {
        func begin(_ reference: DirectoryReference) throws(FileTreeError) -> Rewriting {
            Rewriting(
                reference: reference,
                entries: Array(try directories.directory(reference.id).entries))
        }
        var stack = [try begin(reference)]
        while true {
            let top = stack.count - 1
            let index = stack[top].index
            if index < stack[top].entries.count {
                let node = stack[top].entries[index].node
                if let child = node.directory, child.containsHardLinks {
                    stack.append(try begin(child))
                    continue
                }
                if let link = node.hardLink {
                    let wanted = mark(node, link)
                    if wanted != link {
                        stack[top].entries[index].node.hardLink = wanted
                        stack[top].isChanged = true
                    }
                }
                stack[top].index += 1
                continue
            }
            let done = stack.removeLast()
            let result =
                done.isChanged
                ? directories.insert(Directory(sorted: done.entries)) : done.reference
            guard top > 0 else { return result }
            let place = stack[top - 1].index
            if result != done.reference {
                stack[top - 1].entries[place].node.content = .directory(result)
                stack[top - 1].isChanged = true
            }
            stack[top - 1].index += 1
        }
    }
}
