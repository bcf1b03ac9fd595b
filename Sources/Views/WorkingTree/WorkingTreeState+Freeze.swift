internal import FileTree
internal import VirtualFS

extension WorkingTreeState {
    /// What a freeze has to do outside the lock: see ``WorkingTree/Survey``.
    func survey() -> WorkingTree.Survey {
        var survey = WorkingTree.Survey()
        var stack: [(inode: WorkingInode, depth: Int)] = [(root, 0)]
        var seen: Set<UInt64> = []
        func note(_ inode: WorkingInode) {
            guard case .regular(.own) = inode.body, seen.insert(inode.number.rawValue).inserted
            else { return }
            survey.files.append(inode.number)
        }
        while let (inode, depth) = stack.popLast() {
            guard let body = inode.directory, body.isDirty else { continue }
            if depth > TreePath.maximumDepth { survey.isTooDeep = true }
            if body.hasLowerEntries && body.pinned == nil, let lower = body.lower {
                survey.directories.append(lower.id)
            }
            for link in body.links.values {
                guard let child = link.inode, !child.flags.contains(.synthesised) else { continue }
                if child.isDirectory { stack.append((child, depth + 1)) } else { note(child) }
            }
        }
        for inode in changedGroups.values { note(inode) }
        return survey
    }

    func pin(_ directories: [DirectoryID: Directory]) {
        var stack = [root]
        while let inode = stack.popLast() {
            guard let body = inode.directory, body.isDirty else { continue }
            if body.pinned == nil, let lower = body.lower { body.pinned = directories[lower.id] }
            for link in body.links.values {
                if let child = link.inode, child.isDirectory { stack.append(child) }
            }
        }
    }

    func contentMoved(of number: InodeNumber, to content: FileContent) {
        guard let inode = find(number) else { return }
        inode.body = .regular(content.sizeBytes == 0 ? .empty : .object(content))
    }

    /// Makes `tree`, which was frozen from this state, the lower tree.
    /// - Parameter copied: the numbers of inodes whose own files were copied, and stay own.
    /// - Returns: inodes that lost all their known names, and a name each that they still have.
    func rebase(
        on tree: Tree, from directories: PendingDirectories, links: FrozenLinks?,
        copied: some Sequence<UInt64>
    ) -> [(InodeNumber, TreePath)] {
        base = tree
        var regrouped: [(inode: WorkingInode, link: HardLink?)] = []
        var strays: [(InodeNumber, TreePath)] = []
        for (group, inode) in changedGroups {
            guard let outcome = links?.outcome(group) else { continue }
            regrouped.append((inode, outcome.link))
            if inode.place == nil { strays.append((inode.number, outcome.firstPath)) }
            inode.flags.remove(.changed)
        }
        root.flags.remove(.changed)
        var stack: [(inode: WorkingInode, reference: DirectoryReference)] = [
            (root, tree.directory)
        ]
        while let (inode, reference) = stack.popLast() {
            guard let body = inode.directory, body.isDirty || body.lower != reference,
                // Encoded by this freeze, hence in memory.
                let directory = try? directories.directory(reference.id)
            else { continue }
            if body.isDirty {
                let listed = listedChildren(of: inode, body)
                body.rebase(on: reference, to: directory)
                relist(listed, of: body, on: directory)
            } else {
                body.relabel(reference)
                if body.listedCount > 0 { body.pinned = directory }
            }
            for (name, link) in body.links {
                guard let child = link.inode, let node = directory[name.entryName] else { continue }
                child.flags.remove(.changed)
                if let below = node.directory {
                    stack.append((child, below))
                } else if child.group != node.hardLink?.identifier
                    || child.linkCount != node.hardLink?.count ?? 1
                {
                    regrouped.append((child, node.hardLink))
                }
            }
        }
        regroup(regrouped)
        touchedHardLinks = false
        // What was being written to may differ from the tree already, closed meanwhile or not.
        let writers = handles.values.filter { $0.inode.opened?.isUnsettled == true }.map(\.inode)
        for inode in copied.compactMap({ inodes[$0] }) + writers
        where inode.linkCount > 0 && !inode.flags.contains(.synthesised) {
            markChanged(inode)
        }
        return strays
    }

    private func regroup(_ changes: [(inode: WorkingInode, link: HardLink?)]) {
        // All out before any goes in: groups may have traded identifiers.
        for change in changes { leaveGroup(change.inode) }
        changedGroups = [:]
        for (inode, link) in changes {
            inode.group = link?.identifier
            inode.linkCount = link?.count ?? 1
            if let link { groups[link.identifier] = inode }
        }
    }
}

/// The changed part of a working tree, taken under the lock, to be encoded outside it.
struct FrozenState {
    private struct ChangedDirectory {
        var number: InodeNumber
        /// Not in order. References to changed directories are still to be put in.
        var entries: [DirectoryEntry] = []
        var children: [(index: Int, number: InodeNumber)] = []
    }

    private let rootAttributes: NodeAttributes
    private let rootReference: DirectoryReference
    /// Parents before children.
    private var changed: [ChangedDirectory] = []
    /// The nodes of changed lower hard-link groups, by identifier.
    private(set) var changedGroups: [UInt64: Node] = [:]
    let touchedHardLinks: Bool
    private let copies: [UInt64: FileContent]
    private let leavesOutSockets: Bool
    /// Identifiers for groups that are new, until they get their canonical ones.
    private var newGroups: [UInt64: UInt64] = [:]

    /// - Parameter copies: the contents of files that are open for writing.
    init(
        _ state: WorkingTreeState, copies: [UInt64: FileContent], leavesOutSockets: Bool
    ) throws(Interruption) {
        self.copies = copies
        self.leavesOutSockets = leavesOutSockets
        rootAttributes = state.root.attributes
        rootReference = state.root.directory?.lower ?? Tree.empty.directory
        touchedHardLinks = state.touchedHardLinks
        var stack = [state.root]
        while let inode = stack.popLast() {
            guard let body = inode.directory, body.isDirty else { continue }
            stack += add(inode.number, body, try state.lower(of: body) ?? .empty)
        }
        for (group, inode) in state.changedGroups { changedGroups[group] = node(of: inode) }
    }

    /// - Returns: the changed directories inside.
    private mutating func add(
        _ number: InodeNumber, _ body: WorkingDirectory, _ lower: Directory
    ) -> [WorkingInode] {
        var directory = ChangedDirectory(number: number)
        var below: [WorkingInode] = []
        directory.entries.reserveCapacity(lower.count + body.addedCount)
        func put(_ name: EntryName, _ inode: WorkingInode) {
            guard !inode.flags.contains(.synthesised) else { return }
            if leavesOutSockets, case .socket = inode.body { return }
            if inode.directory?.isDirty == true {
                directory.children.append((directory.entries.count, inode.number))
                below.append(inode)
            }
            directory.entries.append(DirectoryEntry(name: name, node: node(of: inode)))
        }
        for entry in lower.entries {
            guard !body.links.isEmpty, let link = body.links[LinkName(entry.name)] else {
                directory.entries.append(entry)
                continue
            }
            if let inode = link.inode { put(entry.name, inode) }
        }
        for name in body.added.compactMap(\.name) {
            if let inode = body.links[name]?.inode { put(name.entryName, inode) }
        }
        changed.append(directory)
        return below
    }

    /// What the inode is in a tree. A changed directory's reference is not yet right.
    private mutating func node(of inode: WorkingInode) -> Node {
        var link: HardLink?
        if !inode.isDirectory && (inode.group != nil || inode.linkCount > 1) {
            let number = inode.number.rawValue
            // Temporary ones count down from the top, where a hash hardly ever lies.
            let identifier =
                inode.group ?? newGroups[number, default: .max - UInt64(newGroups.count)]
            if inode.group == nil { newGroups[number] = identifier }
            link = HardLink(identifier: identifier, count: inode.linkCount)
        }
        return Node(attributes: inode.attributes, content: content(of: inode), hardLink: link)
    }

    private func content(of inode: WorkingInode) -> NodeContent {
        switch inode.body {
        case .directory(let body): .directory(body.lower ?? Tree.empty.directory)
        case .regular(.empty): .file(.empty)
        case .regular(.object(let content)): .file(content)
        case .regular(.own): .file(copies[inode.number.rawValue] ?? .empty)
        case .symbolicLink(let target): .symbolicLink(target: target)
        case .characterDevice(let device): .characterDevice(DeviceNumber(rawValue: device))
        case .blockDevice(let device): .blockDevice(DeviceNumber(rawValue: device))
        case .fifo: .fifo
        case .socket: .socket
        }
    }

    /// Encodes the changed directories, children first.
    func encode(in directories: PendingDirectories) throws(FileTreeError) -> Tree {
        var references: [InodeNumber: DirectoryReference] = [:]
        for var directory in changed.reversed() {
            for child in directory.children {
                guard let reference = references[child.number] else { continue }
                directory.entries[child.index].node.content = .directory(reference)
            }
            references[directory.number] = directories.insert(Directory(directory.entries))
        }
        return Tree(
            attributes: rootAttributes, directory: references[.root] ?? rootReference)
    }
}
