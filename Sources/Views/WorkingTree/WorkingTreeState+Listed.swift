internal import FileTree
internal import VirtualFS

/// An inode of the lower tree that the kernel knows from a listing or a lookup, and of which nobody
/// has asked anything else: walks over images of a million files leave it at that.
///
/// It becomes a ``WorkingInode`` as soon as it is asked for by its number, or by its name for more
/// than a lookup. Directories and hard links are always whole.
struct ListedInode {
    /// Invariant: counts it in `listedCount`.
    let parent: WorkingInode
    /// Of its entry in the parent's lower directory, which is pinned.
    let index: UInt32
    var lookups: UInt32
}

extension WorkingTreeState {
    /// Counts a lookup of a lower entry whose name is not in `links`.
    /// - Returns: nil if it has to be a whole inode.
    func list(
        _ entry: DirectoryEntry, at index: Int, of lower: Directory, in parent: WorkingInode,
        _ body: WorkingDirectory
    ) -> Entry? {
        guard !entry.node.isDirectory, entry.node.hardLink == nil, index <= UInt32.max else {
            return nil
        }
        let number = derivedNumber(of: entry, in: parent)
        guard inodes[number.rawValue] == nil else { return nil }
        if var known = listed[number] {
            guard known.parent === parent, known.index == UInt32(index), known.lookups < .max
            else { return nil }
            known.lookups += 1
            listed[number] = known
        } else {
            put(ListedInode(parent: parent, index: UInt32(index), lookups: 1), number, body, lower)
        }
        return Entry(
            attributes: FileAttributes(
                entry.node, inode: number, serialNumber: number.rawValue))
    }

    private func put(
        _ inode: ListedInode, _ number: InodeNumber, _ body: WorkingDirectory, _ lower: Directory
    ) {
        listed[number] = inode
        body.listedCount += 1
        body.pinned = lower
    }

    /// Makes a listed inode a whole one.
    func wake(_ number: InodeNumber) -> WorkingInode? {
        guard let known = listed[number], let body = known.parent.directory,
            let lower = body.pinned
        else { return nil }
        let index = Int(known.index)
        return know(lower.entries[index], at: index, in: known.parent, body)
    }

    /// Takes an inode that becomes a whole one out of the listed ones.
    /// - Returns: its lookups, 0 if it was not listed; nil if another one has the number.
    func takeListed(_ number: InodeNumber, at index: Int, in parent: WorkingInode) -> UInt64? {
        guard let known = listed[number] else { return 0 }
        guard known.parent === parent, Int(known.index) == index else { return nil }
        listed[number] = nil
        parent.directory?.unlist()
        return UInt64(known.lookups)
    }

    /// - Returns: false if it is not listed.
    func forgetListed(_ number: InodeNumber, count: UInt64) -> Bool {
        guard var known = listed[number] else { return false }
        if known.lookups > count {
            known.lookups -= UInt32(count)
            listed[number] = known
            return true
        }
        listed[number] = nil
        known.parent.directory?.unlist()
        release(known.parent)
        return true
    }

    /// Makes a whole inode of the lower tree, which was closed unchanged, a listed one again.
    func rest(_ inode: WorkingInode) {
        guard inode.lookupCount > 0, inode.lookupCount < UInt32.max, inode.flags.isEmpty,
            inode.linkCount == 1, inode.group == nil, inode.opened == nil,
            inode.extras?.saysNothing(besides: inode.modificationTime) ?? true,
            inodes[inode.number.rawValue] === inode,
            case .regular(.object(let content)) = inode.body, let place = inode.place,
            let body = place.parent.directory, let lower = body.pinned,
            let index = lower.index(of: place.name.entryName), index <= UInt32.max
        else { return }
        let entry = lower.entries[index]
        guard derivedNumber(of: entry, in: place.parent) == inode.number,
            entry.node == Node(attributes: inode.attributes, content: .file(content))
        else { return }
        body.forget(place.name)
        remove(inode)
        put(
            ListedInode(
                parent: place.parent, index: UInt32(index), lookups: UInt32(inode.lookupCount)),
            inode.number, body, lower)
    }

    // MARK: - Freezing

    /// The listed inodes of a directory, by name.
    func listedChildren(
        of inode: WorkingInode, _ body: WorkingDirectory
    ) -> [(number: InodeNumber, name: EntryName)] {
        guard body.listedCount > 0, let lower = body.pinned else { return [] }
        return lower.entries.compactMap { entry in
            let number = derivedNumber(of: entry, in: inode)
            guard let known = listed[number], known.parent === inode else { return nil }
            return (number, entry.name)
        }
    }

    /// Finds listed inodes again in the directory that a freeze made of theirs.
    func relist(
        _ children: [(number: InodeNumber, name: EntryName)], of body: WorkingDirectory,
        on directory: Directory
    ) {
        if body.listedCount > 0 { body.pinned = directory }
        for (number, name) in children {
            guard let known = listed[number] else { continue }
            guard let index = directory.index(of: name) else {
                // A freeze leaves out no lower entry; if it did, the kernel would ask again.
                listed[number] = nil
                body.unlist()
                continue
            }
            listed[number] = ListedInode(
                parent: known.parent, index: UInt32(index), lookups: known.lookups)
        }
    }
}
