extension TreeEditor {
    /// Copies `node` of another tree to `path`, merging directories into those that are there.
    ///
    /// Shares everything it can: where `path` is free and `transform` is nil, this is one entry
    /// whatever is below. Where a directory meets a directory the copied one's attributes win,
    /// except at `path` itself when `keepsTopAttributes`.
    /// - Parameter transform: gives each copied node the attributes it gets here.
    package func merge(
        _ node: Node, at path: TreePath, keepsTopAttributes: Bool = false,
        source: some DirectorySource, transform: ((Node) -> NodeAttributes)? = nil
    ) throws(FileTreeError) {
        guard let reference = node.directory else {
            var copy = node
            if let transform { copy.attributes = transform(node) }
            try put(copy, at: path)
            return
        }
        let existing = path.isRoot ? nil : try self.node(at: path)
        let mergesInto = path.isRoot || existing?.isDirectory == true
        if !mergesInto && transform == nil {
            try put(node, at: path)
            return
        }
        if !(mergesInto && keepsTopAttributes) {
            try putDirectory(transform?(node) ?? node.attributes, at: path)
        }
        for entry in try source.directory(reference.id).entries {
            try merge(
                entry.node, at: path.appending(entry.name), source: source, transform: transform)
        }
    }
}
