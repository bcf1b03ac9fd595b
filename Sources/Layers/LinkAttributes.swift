internal import FileTree

/// What the hard-link entries of a layer say about the files that they link to.
///
/// A link's header has a mode, an owner and a time of its own. containerd, Docker and podman set
/// them on the file that is linked, under all its names, so an image means that; archivers mostly
/// write what the file has anyhow, and then there is nothing to do.
struct LinkAttributes {
    /// In the layer's order; empty until a link says something new.
    private var stated: [(path: TreePath, attributes: NodeAttributes)] = []

    /// Notes a link that was just made at `path`.
    mutating func note(_ entry: TarEntry, at path: TreePath, in editor: TreeEditor) throws {
        guard let node = try editor.node(at: path) else { return }
        var attributes = entry.nodeAttributes
        if case .symbolicLink = node.content {
            attributes.permissions = node.attributes.permissions
        }
        var merged = node.attributes.extendedAttributes
        for attribute in attributes.extendedAttributes.attributes {
            merged[attribute.name] = attribute.value
        }
        attributes.extendedAttributes = merged
        // Once one link said something new, another may take it back.
        if stated.isEmpty, attributes == node.attributes { return }
        stated.append((path, attributes))
    }

    /// The tree with the links' attributes on the files; of several for one file the last counts.
    func applied(to tree: Tree, in directories: PendingDirectories) throws -> Tree {
        guard !stated.isEmpty else { return tree }
        let groups = try HardLinkGroups.paths(in: tree, directories)
        var wanted: [UInt64: NodeAttributes] = [:]
        for (path, attributes) in stated {
            if let link = try directories.node(at: path, in: tree)?.hardLink {
                wanted[link.identifier] = attributes
            }
        }
        let editor = TreeEditor(base: tree, directories: directories)
        for (identifier, attributes) in wanted {
            for path in groups[identifier] ?? [] {
                guard var node = try editor.node(at: path) else { continue }
                node.attributes = attributes
                try editor.put(node, at: path)
            }
        }
        return try editor.finish()
    }
}
