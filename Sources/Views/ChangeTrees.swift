package import FileTree
internal import ImageSpec
package import Store
internal import Synchronization

/// The trees that show what one tree changed of another, made when first looked at. Thread-safe.
package final class ChangeTrees: DirectorySource {
    private struct Pair: Hashable {
        var old: TreeID
        var new: TreeID
    }
    private let directories: PendingDirectories
    private let made = Mutex<[Pair: Tree]>([:])

    package init(store: Store) { directories = PendingDirectories(base: store) }

    package func directory(_ id: DirectoryID) throws(FileTreeError) -> Directory {
        try directories.directory(id)
    }

    /// The change as a tree, whiteouts as `.wh.` files.
    package func tree(from old: Tree, to new: Tree) throws(FileTreeError) -> Tree {
        if old.directory.id == Tree.empty.directory.id { return new }
        let pair = Pair(old: old.id, new: new.id)
        if let found = made.withLock({ $0[pair] }) { return found }
        let tree = try ChangeTree.make(from: old, to: new, in: directories)
        made.withLock { $0[pair] = tree }
        return tree
    }
}
