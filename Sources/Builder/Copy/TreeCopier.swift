internal import FileTree

/// What COPY and ADD change of the files they copy.
struct CopyTransform: Hashable {
    var owner: Ownership?
    var mode: ModeChange?
    /// The time that everything gets: SOURCE_DATE_EPOCH.
    var time: NodeTime?

    var isIdentity: Bool { self == CopyTransform() }

    func apply(to attributes: NodeAttributes, of node: Node) -> NodeAttributes {
        var result = attributes
        if let owner {
            result.userID = owner.userID
            result.groupID = owner.groupID
        }
        if let time { result.modificationTime = time }
        if case .symbolicLink = node.content { return result }
        if let mode {
            result.permissions = mode.applied(
                to: result.permissions, isDirectory: node.isDirectory)
            // As chmod(2): the mask of a list that says more is the group's bits.
            let name = AccessControlList.accessName
            if var list = result.extendedAttributes[name].flatMap({ AccessControlList($0) }) {
                list.setPermissions(result.permissions)
                result.extendedAttributes[name] = list.bytes
            }
        }
        return result
    }
}

/// Copies files of a source into a tree that is being edited, by BuildKit's rules.
///
/// Directories are shared, not walked, where nothing of them changes and nothing stands at their
/// place. Bytes are never copied.
final class TreeCopier {
    private let editor: TreeEditor
    /// Where the copied directories must be when the tree is stored.
    private let pending: PendingDirectories
    private let transform: CopyTransform
    /// `--link`: symbolic links of the destination are replaced, not followed.
    private let isLink: Bool
    /// Of directories that are made on the way.
    private let madePermissions: UInt16
    private static let ordinaryPermissions: UInt16 = 0o755
    /// Files that this instruction has written, to see when one would silently replace another; with
    /// the group of names that each is of.
    private var written: [TreePath: LinkedFile?] = [:]
    /// A file that several sources became, of which the last is left.
    private(set) var overwritten: TreePath?
    /// Where the first name of a file with several went: all that the instruction brings of one
    /// source stay one file, as they are in the source.
    private var firstNames: [LinkedFile: TreePath] = [:]

    private struct LinkedFile: Hashable {
        var source: ObjectIdentifier?
        var identifier: UInt64
    }

    init(
        editor: TreeEditor, pending: PendingDirectories, transform: CopyTransform,
        isLink: Bool = false
    ) {
        self.editor = editor
        self.pending = pending
        self.transform = transform
        self.isLink = isLink
        madePermissions = transform.mode?.ofMadeDirectories ?? Self.ordinaryPermissions
    }

    /// What one source brings.
    private struct Pass {
        let directories: any DirectorySource
        let isStored: Bool
        /// Whether files get longer paths than they have in the source, where none is too long.
        var goesDeeper = true
        let source: ObjectIdentifier?
    }

    /// Copies a file to `destination`, or a directory's content into it.
    /// - Parameters:
    ///   - name: what a file is called when the destination is a directory.
    ///   - source: where the node stands there.
    ///   - linkSource: what the identifiers of hard-link groups are unique in.
    ///   - givesTime: whether a directory's time becomes the destination's.
    /// - Throws: `FileTreeError` `tooDeep` for what would stand deeper than a path may be.
    func copy(
        _ node: Node, named name: EntryName?, at source: TreePath,
        from directories: any DirectorySource, isStored: Bool, to destination: DestinationPath,
        linksOf linkSource: ObjectIdentifier? = nil, givesTime: Bool = false
    ) throws {
        var pass = Pass(directories: directories, isStored: isStored, source: linkSource)
        var target = try prepare(destination)
        let existing = try editor.node(at: target)
        if let reference = node.directory {
            if existing?.isDirectory != true {
                guard existing == nil else { throw Self.notDirectory(target) }
                try makeDirectories(target)
            }
            pass.goesDeeper = target.names.count > source.names.count
            try copyContents(of: reference, to: target, &pass)
            if givesTime { try setTime(of: target, from: node) }
            return
        }
        if existing?.isDirectory == true {
            guard let name else { throw Self.isDirectory(target) }
            target = target.appending(name)
        } else if written[target] != nil {
            overwritten = target
        }
        try copyFile(node, to: target, &pass)
    }

    /// Makes the destination a directory, and says where it really is.
    /// - Parameter takesMode: whether directories that are made get the mode of `--chmod`.
    func prepareDirectory(
        _ destination: DestinationPath, takesMode: Bool = true
    ) throws -> TreePath {
        let target = try resolve(destination.path)
        try makeDirectories(target, takesMode: takesMode)
        return target
    }

    /// Makes the directories that must be there, and says where the destination really is.
    private func prepare(_ destination: DestinationPath) throws -> TreePath {
        if destination.isDirectory { return try prepareDirectory(destination) }
        let parent = try resolve(destination.path.parent)
        try makeDirectories(parent)
        return try resolve(destination.path)
    }

    private func resolve(_ path: TreePath) throws -> TreePath {
        guard isLink else { return try editor.followingLinks(path) }
        for count in path.names.indices {
            let part = TreePath(Array(path.names[...count]))
            if case .symbolicLink? = try editor.node(at: part)?.content {
                try editor.remove(part)
            }
        }
        return path
    }

    private func makeDirectories(_ path: TreePath, takesMode: Bool = true) throws {
        let owner = transform.owner ?? .root
        try editor.makeDirectories(
            path, permissions: takesMode ? madePermissions : Self.ordinaryPermissions,
            userID: owner.userID, groupID: owner.groupID,
            time: transform.time)
    }

    /// The root's is no part of an image.
    private func setTime(of path: TreePath, from node: Node) throws {
        guard !path.isRoot, var attributes = try editor.node(at: path)?.attributes else { return }
        attributes.modificationTime = transform.time ?? node.attributes.modificationTime
        try editor.putDirectory(attributes, at: path)
    }

    /// In the order of a walk. Its stack is its own: trees may be deeper than a thread's.
    private func copyContents(
        of reference: DirectoryReference, to path: TreePath, _ pass: inout Pass
    ) throws {
        var waiting: [(node: Node, path: TreePath)] = []
        func enter(_ reference: DirectoryReference, _ path: TreePath) throws {
            for entry in try pass.directories.directory(reference.id).entries.reversed() {
                waiting.append((entry.node, path.appending(entry.name)))
            }
        }
        try enter(reference, path)
        while let (node, path) = waiting.popLast() {
            if let child = try copyEntry(node, to: path, &pass) { try enter(child, path) }
        }
    }

    /// - Returns: the directory whose entries are still to be copied.
    private func copyEntry(
        _ node: Node, to path: TreePath, _ pass: inout Pass
    ) throws -> DirectoryReference? {
        guard let reference = node.directory else {
            try copyFile(node, to: path, &pass)
            return nil
        }
        let isFree = try editor.node(at: path) == nil
        if isFree, transform.isIdentity, !reference.containsHardLinks {
            if !pass.isStored || pass.goesDeeper { try look(through: reference, at: path, pass) }
            try editor.put(node, at: path)
            return nil
        }
        try putDirectory(node, at: path)
        return reference
    }

    private func putDirectory(_ node: Node, at path: TreePath) throws {
        if let existing = try editor.node(at: path), !existing.isDirectory {
            throw Self.notDirectory(path)
        }
        try editor.putDirectory(transform.apply(to: node.attributes, of: node), at: path)
    }

    private func copyFile(_ node: Node, to path: TreePath, _ pass: inout Pass) throws {
        if try editor.node(at: path)?.isDirectory == true { throw Self.isDirectory(path) }
        if case .socket = node.content { return }
        let file = node.hardLink.map {
            LinkedFile(source: pass.source, identifier: $0.identifier)
        }
        // What stood here is another file's name no longer.
        if let former = written[path] ?? nil, former != file, firstNames[former] == path {
            firstNames[former] = nil
        }
        written[path] = .some(file)
        if let file, let first = firstNames[file] { return try editor.link(first, at: path) }
        if let file { firstNames[file] = path }
        var copy = node
        copy.hardLink = nil
        copy.attributes = transform.apply(to: node.attributes, of: node)
        try editor.put(copy, at: path)
    }

    /// Goes through the directories of a shared one: none may get too deep, and the result's must be
    /// where they are looked for.
    private func look(
        through reference: DirectoryReference, at path: TreePath, _ pass: Pass
    ) throws {
        var deepest: [DirectoryID: Int] = [:]
        var waiting = [(id: reference.id, depth: path.names.count)]
        while let (id, depth) = waiting.popLast() {
            if let known = deepest.updateValue(depth, forKey: id), known >= depth {
                deepest[id] = known
                continue
            }
            let directory = try pass.directories.directory(id)
            guard depth < TreePath.maximumDepth || directory.entries.isEmpty else {
                throw TreePath.tooDeep(path)
            }
            if !pass.isStored { _ = pending.insert(directory) }
            for entry in directory.entries {
                if let child = entry.node.directory { waiting.append((child.id, depth + 1)) }
            }
        }
    }

    private static func notDirectory(_ path: TreePath) -> BuildError {
        BuildError(
            .invalidDestination, "cannot copy to non-directory: \(path)",
            hint: "a directory cannot take the place of a file or a symbolic link")
    }

    private static func isDirectory(_ path: TreePath) -> BuildError {
        BuildError(
            .invalidDestination, "cannot replace the directory \(path) with a file",
            hint: "remove it in an earlier step, or choose another place")
    }
}
