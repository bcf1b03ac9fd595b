package import FileTree
internal import ImageSpec

/// Adds up the file contents of root file systems, each content once.
package struct ContentCounter {
    private let store: Store
    private var seen: Set<DirectoryID> = []
    private var contents: Set<Digest> = []
    package private(set) var bytes: UInt64 = 0

    package init(_ store: Store) { self.store = store }

    /// - Returns: the bytes that none of the former trees has.
    /// - Throws: ``FileTreeError`` for a tree that is not whole.
    package mutating func add(_ tree: Tree) throws -> UInt64 {
        let before = bytes
        var stack = [tree.directory.id]
        while let id = stack.popLast() {
            guard seen.insert(id).inserted else { continue }
            for entry in try store.directory(id).entries {
                switch entry.node.content {
                case .directory(let child): stack.append(child.id)
                case .file(let content):
                    if contents.insert(content.digest).inserted { bytes += content.sizeBytes }
                default: break
                }
            }
        }
        return bytes - before
    }
}
