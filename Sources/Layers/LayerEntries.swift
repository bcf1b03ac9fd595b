internal import FileTree

/// Applies the entries of a layer's tar to a tree, one after another: whiteouts, hard links, nodes.
struct LayerEntries: ~Copyable {
    let editor: TreeEditor
    /// AUFS kept files with several names under numbers in `.wh..wh.plnk`, which old layers of
    /// Docker carry: targets of hard links, and no part of the tree. By their paths.
    private var pseudoLinks: [TreePath: Node] = [:]

    /// What AUFS called its own files.
    private static let bookkeepingPrefix = Whiteout.prefix + Whiteout.prefix
    private static let pseudoLinkName = bookkeepingPrefix + Array("plnk".utf8)

    init(_ editor: TreeEditor) { self.editor = editor }

    /// Applies one entry.
    ///
    /// Whiteouts are known by name whatever their type (OCI image-spec, layer.md). Names are cleaned
    /// below the root; those that leave it are refused.
    /// - Returns: where the entry was put; nil for a whiteout and the root.
    @discardableResult
    mutating func apply(_ entry: TarEntry, content: FileContent) throws -> TreePath? {
        let member = try MemberPath(entry.path)
        guard let last = member.last else {
            // The root itself: only as a directory does it mean anything.
            if entry.kind == .directory {
                try editor.putDirectory(entry.nodeAttributes, at: .root)
            }
            return nil
        }
        let isWhiteout = last.starts(with: Whiteout.prefix)
        let name = isWhiteout ? try Self.name(in: last) : try EntryName(last)
        let path = try editor.followingLayerLinks(member.parent.appending(name))
        if let part = path.names.dropLast().first(where: \.isWhiteout) {
            try passOver(entry, at: path, below: part, content)
            return nil
        }
        if isWhiteout {
            try applyWhiteout(of: name, at: path)
            return nil
        }
        switch entry.kind {
        case .directory: try editor.putDirectory(entry.nodeAttributes, at: path)
        case .hardLink: try link(entry, at: path)
        default: try editor.put(try entry.node(content), at: path)
        }
        return path
    }

    private func link(_ entry: TarEntry, at path: TreePath) throws {
        let target = try MemberPath(entry.linkTarget).whole
        if let node = pseudoLinks[target] {
            try editor.put(node, at: path)
        } else {
            try editor.link(try editor.followingLayerLinks(target), at: path)
        }
    }

    /// Takes an entry below a name that is a whiteout's.
    /// - Throws: `invalidEntry` unless AUFS made it.
    private mutating func passOver(
        _ entry: TarEntry, at path: TreePath, below part: EntryName, _ content: FileContent
    ) throws {
        guard part.bytes.starts(with: Self.bookkeepingPrefix) else {
            throw LayerError(
                .invalidEntry, "an entry below \"\(part)\", which marks a deletion",
                path: entry.path)
        }
        guard part.bytes == Self.pseudoLinkName, !entry.kind.isLinkOrDirectory else { return }
        var node = try entry.node(content)
        node.hardLink = editor.newHardLink()
        pseudoLinks[path] = node
    }

    /// What a whiteout's name holds behind the prefix.
    private static func name(in whiteout: [UInt8]) throws(FileTreeError) -> EntryName {
        let hidden = whiteout.dropFirst(Whiteout.prefix.count)
        guard !hidden.isEmpty else {
            throw FileTreeError(.invalidWhiteout, "a whiteout without a name", path: whiteout)
        }
        return try EntryName(hidden)
    }

    private func applyWhiteout(of name: EntryName, at path: TreePath) throws {
        if Whiteout.prefix + name.bytes == Whiteout.opaqueName {
            return try editor.makeOpaque(path.parent)
        }
        // AUFS's own bookkeeping, which every engine passes over.
        if name.isWhiteout { return }
        try editor.whiteout(path)
    }
}

extension TarEntry.Kind {
    fileprivate var isLinkOrDirectory: Bool { self == .hardLink || self == .directory }
}
