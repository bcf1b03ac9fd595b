/// What one tree changed of another, as a tree: added and changed files, the directories above
/// them, and an empty file `.wh.NAME` for every deleted `NAME` (OCI image-spec, layer.md).
package enum ChangeTree {
    /// - Note: a deleted name of more than 251 bytes has no whiteout that a directory could hold;
    ///   it is left out.
    package static func make(
        from old: Tree, to new: Tree, in directories: PendingDirectories
    ) throws(FileTreeError) -> Tree {
        let changes = try TreeDiff.changes(from: old, to: new, in: directories)
        let base = Tree(attributes: new.attributes, directory: directories.insert(.empty))
        let editor = TreeEditor(base: base, directories: directories)
        // The subtree that the last change brought whole.
        var covered: TreePath?
        for change in changes where !change.path.isRoot {
            if let top = covered, change.path.names.starts(with: top.names) { continue }
            covered = nil
            switch (change.kind, change.new) {
            case (.deleted, _):
                guard let name = change.path.last,
                    // Too long: see the note.
                    let whiteout = try? EntryName(Whiteout.name(removing: name))
                else { continue }
                try editor.put(
                    Node(
                        attributes: NodeAttributes(permissions: 0o644), content: .file(.empty)),
                    at: change.path.parent.appending(whiteout))
            case (_, let node?) where node.isDirectory && change.old?.isDirectory == true:
                try editor.putDirectory(node.attributes, at: change.path)
            case (_, let node?):
                try editor.put(node, at: change.path)
                covered = change.path
            default: break
            }
        }
        return try editor.finish()
    }
}
