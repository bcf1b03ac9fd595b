package import FileTree
package import ImageSpec
internal import LinuxIO
package import Store

/// A container's root file system as it is at the moment, as a tree: what a freeze would make of it,
/// read from its journal without its lock and without hashing its files.
///
///     journal ──▶ WorkingTreeState ──▶ directories, pending and never stored
///     files/n ──▶ status ──▶ stand-in, a digest that no content has ──▶ OwnContent
///
/// Of a container at rest it is read from where its last process wrote it down (``SavedDraft``).
///
/// The content of an own file is named by a *stand-in*: a digest over what tells that nobody has
/// written to it since. So trees can be compared as always, and two drafts are equal only if the
/// container is as it was. Stand-ins never go into the store.
package final class ContainerDraft: DirectorySource, Sendable {
    package let tree: Tree
    /// The lower tree, which the store keeps for the container.
    package let base: Tree
    private let store: Store
    let directories: PendingDirectories
    let own: OwnFileTable
    private let stamp: DraftStamp
    /// Of the stand-ins whose files were read, the digests that were found.
    private let found: [Digest: Digest]

    init(
        tree: Tree, base: Tree, store: Store, directories: PendingDirectories,
        own: OwnFileTable, stamp: DraftStamp, found: [Digest: Digest]
    ) {
        self.tree = tree
        self.base = base
        self.store = store
        self.directories = directories
        self.own = own
        self.stamp = stamp
        self.found = found
    }

    /// Reads a container's draft, whoever uses the container meanwhile.
    /// - Parameters:
    ///   - former: one that was read before; what it knows of files need not be found again.
    ///   - isSavedTaken: whether what the container's last process wrote down will do. Its files are
    ///     not looked at then.
    /// - Throws: ``JournalError``; ``FileTreeError``; Errno.
    package static func read(
        _ container: ContainerID, in store: Store, after former: ContainerDraft? = nil,
        isSavedTaken: Bool = true
    ) throws -> ContainerDraft {
        let found = former?.found ?? [:]
        if isSavedTaken, let saved = SavedDraft.load(container, in: store, found: found) {
            return saved
        }
        let place = store.layout.container(container)
        for attempt in 1... {
            let before = try? FileStatus(ofPath: place.journal)  // reading it tells
            do {
                var reader = DraftReader(container, store: store)
                return try reader.read(journal: before, found: found)
            } catch {
                // Files go, and trees, that only an older journal names.
                guard attempt < attemptLimit, let before,
                    let after = try? FileStatus(ofPath: place.journal), !after.isAs(before)
                else { throw error }
            }
        }
        preconditionFailure("the last attempt throws")
    }

    /// Each finds a journal that was written to since the last one began.
    private static let attemptLimit = 20

    package func directory(_ id: DirectoryID) throws(FileTreeError) -> Directory {
        try directories.directory(id)
    }

    /// One of the directories that are in no store; nil for all others.
    func pendingDirectory(_ id: DirectoryID) -> Directory? { directories.made(id) }

    /// What stands behind a stand-in of this draft; nil for what is an object of the store.
    package func ownContent(of digest: Digest) -> OwnContent? { own[digest] }

    /// Whether the container is as it was. Costs a look at each changed file.
    package func isCurrent() -> Bool { stamp.isCurrent() }

    /// Whether whatever changes from now on will be seen.
    var isSettled: Bool { !stamp.isUnsettled }

    /// A directory of it as a draft of its own; nil if there is none.
    package func part(at path: TreePath) throws(FileTreeError) -> ContainerDraft? {
        try directoryTree(at: path, in: tree).map { with($0, found: found) }
    }

    private func with(_ tree: Tree, found: [Digest: Digest]) -> ContainerDraft {
        ContainerDraft(
            tree: tree, base: base, store: store, directories: directories, own: own, stamp: stamp,
            found: found)
    }

    // MARK: - Comparison

    /// The draft in which files have the contents of `other` whose attributes and bytes are the same
    /// there: only for those does it take reading to know whether they differ.
    /// - Parameter others: another draft whose tree `other` is.
    /// - Throws: ``FileTreeError``; Errno.
    package func refined(
        against other: Tree, of others: ContainerDraft? = nil
    ) throws -> ContainerDraft {
        let source = JoinedDirectories(self, others ?? self)
        var pairs: [(old: FileContent, new: FileContent)] = []
        try TreeDiff.forEachCommonChange(from: other, to: tree, in: source) { change in
            guard case .file(let old)? = change.old?.content,
                case .file(let new)? = change.new?.content, old.sizeBytes == new.sizeBytes,
                change.old?.attributes == change.new?.attributes, own[new.digest] != nil
            else { return }
            pairs.append((old, new))
        }
        if pairs.isEmpty { return self }
        let objects = try ObjectReader(store.layout)
        var found = found
        func digest(_ content: FileContent, _ file: OwnContent?) throws -> Digest {
            guard let file else { return content.digest }
            if let known = found[content.digest] { return known }
            let digest = try file.digest(objects)
            found[content.digest] = digest
            return digest
        }
        var equal: [FileContent: FileContent] = [:]
        for (old, new) in pairs {
            let wanted = try digest(old, others?.own[old.digest])
            if try digest(new, own[new.digest]) == wanted { equal[new] = old }
        }
        return with(try directories.replacing(equal, in: tree), found: found)
    }
}

/// The directories of two sources.
package struct JoinedDirectories: DirectorySource {
    private let first: any DirectorySource
    private let second: any DirectorySource

    package init(_ first: any DirectorySource, _ second: any DirectorySource) {
        self.first = first
        self.second = second
    }

    package func directory(_ id: DirectoryID) throws(FileTreeError) -> Directory {
        do throws(FileTreeError) {
            return try first.directory(id)
        } catch  where error.code == .missingDirectory {
            return try second.directory(id)
        }
    }
}

extension ContainerDraft {
    /// Whether a frozen tree is this one but for its contents' names: then layers of both are alike.
    /// Sockets may be missing.
    package func isFrozen(
        as frozen: Tree, in frozenDirectories: some DirectorySource
    ) throws(FileTreeError) -> Bool {
        var isAlike = true
        try TreeDiff.forEachChange(
            from: tree, to: frozen, in: JoinedDirectories(self, frozenDirectories)
        ) { change in
            switch (change.old, change.new) {
            case (let old?, nil): if old.content != .socket { isAlike = false }
            case (let old?, let new?):
                guard old.attributes == new.attributes else { return isAlike = false }
                if old.isDirectory && new.isDirectory { return }
                guard case .file(let before) = old.content, case .file(let after) = new.content,
                    before.sizeBytes == after.sizeBytes, ownContent(of: before.digest) != nil
                else { return isAlike = false }
            case (nil, _): isAlike = false
            }
        }
        return isAlike
    }
}
