internal import FileTree

/// Makes a step's result depend on no clock: what it changed is at most as new as the time that the
/// user gave (SOURCE_DATE_EPOCH, `--timestamp`).
///
/// What the step left alone keeps its time, even a later one: it is no part of the layer.
enum TimeClamp {
    /// - Parameter directories: has the new ones of `tree`, and takes those of the result.
    static func clamped(
        _ tree: Tree, from parent: Tree, to time: NodeTime, _ directories: PendingDirectories
    ) throws -> Tree {
        var late: [(path: TreePath, node: Node)] = []
        var names: [UInt64: Int] = [:]
        try TreeDiff.forEachChange(from: parent, to: tree, in: directories) { change in
            guard let node = change.new, change.isOwnChange else { return }
            if let link = node.hardLink { names[link.identifier, default: 0] += 1 }
            if time < node.attributes.modificationTime { late.append((change.path, node)) }
        }
        var root = tree.attributes
        if root != parent.attributes, time < root.modificationTime { root.modificationTime = time }
        let isRootLate = root != tree.attributes
        guard !late.isEmpty || isRootLate else { return tree }
        let editor = TreeEditor(base: tree, directories: directories)
        if isRootLate { try editor.putDirectory(root, at: .root) }
        for (path, node) in late {
            // A further name of a file that is older than the step: the file is not the step's.
            if let link = node.hardLink, names[link.identifier] != Int(link.count) { continue }
            var attributes = node.attributes
            attributes.modificationTime = time
            try editor.setAttributes(attributes, at: path)
        }
        return try editor.finish()
    }
}
