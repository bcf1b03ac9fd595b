extension PendingDirectories {
    /// The tree with other contents in its pending directories: each that is a key is its value there.
    package func replacing(
        _ contents: [FileContent: FileContent], in tree: Tree
    ) throws(FileTreeError) -> Tree {
        var made: [DirectoryID: DirectoryReference] = [:]
        for (id, _) in reachable(from: tree) {
            var entries = Array(try directory(id).entries)
            var isChanged = false
            for index in entries.indices {
                switch entries[index].node.content {
                case .file(let content):
                    guard let other = contents[content] else { continue }
                    entries[index].node.content = .file(other)
                case .directory(let reference):
                    guard let other = made[reference.id] else { continue }
                    entries[index].node.content = .directory(other)
                default: continue
                }
                isChanged = true
            }
            if isChanged { made[id] = insert(Directory(sorted: entries)) }
        }
        guard let root = made[tree.directory.id] else { return tree }
        return Tree(attributes: tree.attributes, directory: root)
    }
}
