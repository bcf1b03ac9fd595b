package import FileTree
internal import ImageSpec
internal import Synchronization

/// The trees that show what one tree changed of another, made when first looked at. Thread-safe.
package final class ChangeTrees: DirectorySource {
    /// Change trees that are kept. A listing of an image's layers looks at each, and a build may
    /// have a hundred steps; what was dropped is made again when somebody comes back to it.
    private static let capacity = 256

    private struct Pair: Hashable {
        var old: TreeID
        var new: TreeID
    }
    private struct Made {
        var tree: Tree
        var directories: [DirectoryID: Directory]
        var lastUse: UInt64
    }
    private struct Contents {
        var made: [Pair: Made] = [:]
        var useCount: UInt64 = 0

        mutating func use(_ pair: Pair) {
            useCount += 1
            made[pair]?.lastUse = useCount
        }
    }
    private let source: any DirectorySource
    private let contents = Mutex(Contents())

    package init(source: any DirectorySource) { self.source = source }

    package func directory(_ id: DirectoryID) throws(FileTreeError) -> Directory {
        let found = contents.withLock { contents in
            for (pair, made) in contents.made {
                guard let directory = made.directories[id] else { continue }
                contents.use(pair)
                return directory as Directory?
            }
            return nil
        }
        if let found { return found }
        return try source.directory(id)
    }

    /// The change as a tree, whiteouts as `.wh.` files.
    package func tree(from old: Tree, to new: Tree) throws(FileTreeError) -> Tree {
        if old.directory.id == Tree.empty.directory.id { return new }
        let pair = Pair(old: old.id, new: new.id)
        let known = contents.withLock { contents in
            contents.use(pair)
            return contents.made[pair]?.tree
        }
        if let known { return known }
        let pending = PendingDirectories(base: source)
        let tree = try ChangeTree.make(from: old, to: new, in: pending)
        var directories: [DirectoryID: Directory] = [:]
        for (id, _) in pending.reachable(from: tree) {
            directories[id] = try pending.directory(id)
        }
        contents.withLock { contents in
            contents.made[pair] = Made(tree: tree, directories: directories, lastUse: 0)
            contents.use(pair)
            if contents.made.count > Self.capacity {
                let oldest = contents.made.min { $0.value.lastUse < $1.value.lastUse }
                if let oldest { contents.made[oldest.key] = nil }
            }
        }
        return tree
    }
}
