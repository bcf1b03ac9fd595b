/// Makes a new tree out of an old one by edits, copying only directories on changed paths.
///
/// One thread at a time. Paths are resolved inside the tree, never on the host; a file on the way
/// is replaced by a directory, as extracting a layer does. What would stand deeper than
/// ``TreePath/maximumDepth`` is refused (`tooDeep`).
package final class TreeEditor {
    private let directories: PendingDirectories
    private let root: EditableDirectory
    /// Identifiers for groups made here, until ``finish()`` gives them their canonical ones.
    private var nextTemporaryLink = UInt64.max
    private var touchedHardLinks: Bool

    package init(base: Tree, directories: PendingDirectories) {
        self.directories = directories
        root = EditableDirectory(attributes: base.attributes, base: base.directory)
        touchedHardLinks = base.directory.containsHardLinks
    }

    /// The node at `path` as edited so far; a directory's reference may be out of date until
    /// ``finish()``. Symbolic links are not followed.
    package func node(at path: TreePath) throws(FileTreeError) -> Node? {
        guard let name = path.last else { return currentNode(of: root) }
        guard let parent = try existingDirectory(path.parent) else { return nil }
        switch try parent.slot(name, directories)?.value {
        case .node(let node): return node
        case .directory(let child): return currentNode(of: child)
        case nil: return nil
        }
    }

    /// Puts `node` at `path`, replacing what is there; a directory takes the place of another
    /// with all that is below. Missing parents are made.
    package func put(_ node: Node, at path: TreePath) throws(FileTreeError) {
        guard let name = path.last else {
            throw FileTreeError(.isDirectory, "the root directory cannot be replaced")
        }
        if node.hardLink != nil || node.directory?.containsHardLinks == true {
            touchedHardLinks = true
        }
        try makeDirectory(path.parent).set(
            name, to: .init(value: .node(node), isFromLayer: true), directories)
    }

    /// Makes a directory at `path`, or gives the one that is there new attributes.
    package func putDirectory(
        _ attributes: NodeAttributes, at path: TreePath
    ) throws(FileTreeError) {
        guard let name = path.last else {
            root.setAttributes(attributes)
            return
        }
        let parent = try makeDirectory(path.parent)
        if let existing = try parent.child(name, directories) {
            existing.setAttributes(attributes)
            try parent.set(
                name, to: .init(value: .directory(existing), isFromLayer: true), directories)
        } else {
            let made = EditableDirectory(attributes: attributes)
            try parent.set(
                name, to: .init(value: .directory(made), isFromLayer: true), directories)
        }
    }

    /// Gives the node at `path` other attributes; other names of the same file keep theirs.
    /// - Throws: `notFound`.
    package func setAttributes(
        _ attributes: NodeAttributes, at path: TreePath
    ) throws(FileTreeError) {
        guard var node = try node(at: path) else {
            throw FileTreeError(.notFound, "there is no such file", path: path.bytes)
        }
        if node.isDirectory {
            try putDirectory(attributes, at: path)
        } else {
            node.attributes = attributes
            try put(node, at: path)
        }
    }

    /// Gives the file at `target` a further name.
    /// - Throws: `notFound`, `isDirectory`.
    package func link(_ target: TreePath, at path: TreePath) throws(FileTreeError) {
        guard var node = try node(at: target) else {
            throw FileTreeError(
                .notFound, "a hard link to \(target), which does not exist", path: path.bytes)
        }
        guard !node.isDirectory else {
            throw FileTreeError(
                .isDirectory, "a hard link to \(target), which is a directory", path: path.bytes)
        }
        if target == path { return }
        if node.hardLink == nil {
            node.hardLink = newHardLink()
            let parent = try makeDirectory(target.parent)
            if let name = target.last, var slot = try parent.slot(name, directories) {
                slot.value = .node(node)
                try parent.set(name, to: slot, directories)
            }
        }
        try put(node, at: path)
    }

    /// A mark for nodes that are to be put as one file under several names.
    package func newHardLink() -> HardLink {
        defer { nextTemporaryLink -= 1 }
        return HardLink(identifier: nextTemporaryLink, count: 2)
    }

    /// Takes away what is at `path`, if anything.
    package func remove(_ path: TreePath) throws(FileTreeError) {
        guard let name = path.last, let parent = try existingDirectory(path.parent),
            try parent.slot(name, directories) != nil
        else { return }
        try parent.set(name, to: nil, directories)
    }

    /// Takes away what lower layers have at `path`; what this layer brought stays.
    package func whiteout(_ path: TreePath) throws(FileTreeError) {
        guard let name = path.last, let parent = try existingDirectory(path.parent),
            let slot = try parent.slot(name, directories)
        else { return }
        if let child = try parent.child(name, directories) {
            let kept = child.removeLower()
            if slot.isFromLayer { return }
            if kept {
                child.setAttributes(.implicitDirectory)
                return
            }
        } else if slot.isFromLayer {
            return
        }
        try parent.set(name, to: nil, directories)
    }

    /// Takes away all that lower layers have inside the directory at `path`.
    package func makeOpaque(_ path: TreePath) throws(FileTreeError) {
        guard let directory = try existingDirectory(path) else { return }
        _ = directory.removeLower()
    }

    /// Where an entry of an archive stands when its parents that are symbolic links *of this layer*
    /// are followed inside the root, as `tar -x` in a chroot follows them. Links of lower layers
    /// are not followed: the entry's parents replace them.
    /// - Throws: `symbolicLinkLoop`, `tooDeep`.
    package func followingLayerLinks(_ path: TreePath) throws(FileTreeError) -> TreePath {
        try following(path, below: .root) { slot, isLast in slot.isFromLayer && !isLast }
    }

    /// Where `path` leads when all symbolic links are followed inside a directory.
    ///
    /// Names that are not there are kept as they are, so that the result can be made.
    /// - Parameter root: the directory that `path` is relative to and that no link leads out of.
    /// - Throws: `symbolicLinkLoop`, `tooDeep`.
    package func followingLinks(
        _ path: TreePath, below root: TreePath = .root
    ) throws(FileTreeError) -> TreePath {
        try following(path, below: root) { _, _ in true }
    }

    private func following(
        _ path: TreePath, below root: TreePath,
        isFollowed: (EditableDirectory.Slot, _ isLast: Bool) -> Bool
    ) throws(FileTreeError) -> TreePath {
        let found = try PathResolver.resolve(
            path.names.map(\.bytes), from: try existingDirectory(root), depth: root.names.count
        ) { (parent, name, isLast) throws(FileTreeError) in
            // Below what is not there, or is no directory, there is nothing to follow.
            guard let parent, let slot = try parent.slot(name, directories) else {
                return .place(nil)
            }
            if case .node(let node) = slot.value, case .symbolicLink(let target) = node.content,
                isFollowed(slot, isLast)
            {
                return .symbolicLink(target: target)
            }
            return .place(isLast ? nil : try parent.child(name, directories))
        }
        return TreePath(root.names + (found?.names ?? []))
    }

    /// The edited tree. Its new directories are in the ``PendingDirectories``.
    package func finish() throws(FileTreeError) -> Tree {
        let tree = Tree(attributes: root.attributes, directory: root.finish(directories))
        guard touchedHardLinks || nextTemporaryLink != .max else { return tree }
        return try HardLinkGroups.canonicalized(tree, in: directories)
    }

    // MARK: - Walking

    private func currentNode(of directory: EditableDirectory) -> Node {
        Node(
            attributes: directory.attributes, content: .directory(Tree.empty.directory))
    }

    private func existingDirectory(_ path: TreePath) throws(FileTreeError) -> EditableDirectory? {
        var directory = root
        for name in path.names {
            guard let child = try directory.child(name, directories) else { return nil }
            directory = child
        }
        return directory
    }

    private func makeDirectory(_ path: TreePath) throws(FileTreeError) -> EditableDirectory {
        guard path.names.count < TreePath.maximumDepth else { throw TreePath.tooDeep(path) }
        var directory = root
        for name in path.names {
            if let child = try directory.child(name, directories) {
                directory = child
                continue
            }
            let made = EditableDirectory(attributes: .implicitDirectory)
            try directory.set(
                name, to: .init(value: .directory(made), isFromLayer: true), directories)
            directory = made
        }
        return directory
    }
}
