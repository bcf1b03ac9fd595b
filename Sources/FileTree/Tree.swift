package import ImageSpec

/// The digest of a tree: of its root directory with the root's own attributes.
package struct TreeID: DigestIdentifier {
    package let digest: Digest
    package init(_ digest: Digest) { self.digest = digest }
}

/// A root file system as an immutable value.
///
///     Tree ── root: Node(attributes, .directory(reference))
///                                        │ DirectoryID
///                                        ▼
///                     Directory ── entries: [name → Node]
///                                              ├── .file(digest)           an object of the store
///                                              └── .directory(reference)   the next Directory
///
/// Trees share directories and files by digest. Equal digests mean equal trees.
package struct Tree: Hashable, Sendable {
    package let attributes: NodeAttributes
    package let directory: DirectoryReference
    package let id: TreeID

    package init(attributes: NodeAttributes, directory: DirectoryReference) {
        self.attributes = attributes
        self.directory = directory
        id = TreeID(
            Digest(of: TreeEncoding.encode(attributes: attributes, directory: directory)))
    }

    /// The tree with nothing in it.
    package static let empty = Tree(
        attributes: .implicitDirectory,
        directory: Directory.empty.reference(id: Directory.empty.encoded().id))

    /// The root as a node.
    package var root: Node { Node(attributes: attributes, content: .directory(directory)) }
}

/// Where directories are read from by digest.
package protocol DirectorySource: Sendable {
    /// - Throws: ``FileTreeError`` `missingDirectory` or `corruptEncoding`.
    func directory(_ id: DirectoryID) throws(FileTreeError) -> Directory
}

extension DirectorySource {
    /// The node at `path`; symbolic links on the way are not followed.
    /// - Returns: nil when a name on the way is absent or no directory.
    package func node(at path: TreePath, in tree: Tree) throws(FileTreeError) -> Node? {
        var node = tree.root
        for name in path.names {
            guard let reference = node.directory else { return nil }
            guard let next = try directory(reference.id)[name] else { return nil }
            node = next
        }
        return node
    }

    /// The directory at `path` as a tree of its own; nil if there is none.
    package func directoryTree(at path: TreePath, in tree: Tree) throws(FileTreeError) -> Tree? {
        guard let node = try node(at: path, in: tree), let directory = node.directory else {
            return nil
        }
        return Tree(attributes: node.attributes, directory: directory)
    }

    /// The node that `path` leads to when symbolic links are followed inside the tree, as a process
    /// sees it whose root directory the tree is, and the path where it stands.
    /// - Returns: nil when a name on the way is absent or no directory.
    /// - Throws: `symbolicLinkLoop` after 40 links, as Linux; `tooDeep`.
    package func resolve(
        _ path: TreePath, in tree: Tree, followLast: Bool = true
    ) throws(FileTreeError) -> (path: TreePath, node: Node)? {
        let found = try PathResolver.resolve(path.names.map(\.bytes), from: tree.root) {
            (parent, name, isLast) throws(FileTreeError) in
            guard let reference = parent.directory,
                let node = try directory(reference.id)[name]
            else { return nil }
            if case .symbolicLink(let target) = node.content, followLast || !isLast {
                return .symbolicLink(target: target)
            }
            return .place(node)
        }
        return found.map { (TreePath($0.names), $0.place) }
    }
}
