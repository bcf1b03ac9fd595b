internal import FileTree

/// Brings the hard-link groups of a tree that was just frozen in order.
///
/// All names of a group get the node that the group's inode has now, also the names that nobody
/// looked up; and every group its canonical identifier and count (``HardLink``).
struct FrozenLinks {
    /// What the names of a group are to be, by the identifier they have in the tree.
    private var outcomes: [UInt64: Outcome] = [:]

    struct Outcome {
        /// Nil where the nodes in the tree are right but for the link.
        var node: Node?
        /// Nil where only one name is left.
        var link: HardLink?
        var firstPath: TreePath
    }

    private let directories: PendingDirectories

    /// - Parameter changed: the nodes of groups that changed, by identifier.
    init(
        _ tree: Tree, changed: [UInt64: Node], in directories: PendingDirectories
    ) throws(FileTreeError) {
        self.directories = directories
        let groups = try HardLinkGroups.paths(in: tree, directories)
        let identifiers = HardLinkGroups.identifiers(
            ofFirstPaths: groups.values.filter { $0.count > 1 }.map { $0[0] })
        for (identifier, paths) in groups {
            let link = identifiers[paths[0]].map {
                HardLink(identifier: $0, count: UInt32(clamping: paths.count))
            }
            outcomes[identifier] = Outcome(
                node: changed[identifier], link: link, firstPath: paths[0])
        }
    }

    func outcome(_ identifier: UInt64) -> Outcome? { outcomes[identifier] }

    func apply(to tree: Tree) throws(FileTreeError) -> Tree {
        Tree(attributes: tree.attributes, directory: try rewrite(tree.directory))
    }

    private func rewrite(
        _ reference: DirectoryReference
    ) throws(FileTreeError) -> DirectoryReference {
        guard reference.containsHardLinks else { return reference }
        var entries = Array(try directories.directory(reference.id).entries)
        var changed = false
        for index in entries.indices {
            let node = entries[index].node
            if let link = node.hardLink, let outcome = outcomes[link.identifier] {
                var wanted = outcome.node ?? node
                wanted.hardLink = outcome.link
                guard wanted != node else { continue }
                entries[index].node = wanted
                changed = true
            } else if let child = node.directory, child.containsHardLinks {
                let rewritten = try rewrite(child)
                guard rewritten != child else { continue }
                entries[index].node.content = .directory(rewritten)
                changed = true
            }
        }
        return changed ? directories.insert(Directory(entries)) : reference
    }
}
