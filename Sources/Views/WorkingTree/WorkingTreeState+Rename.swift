internal import FileTree
internal import VirtualFS

extension WorkingTreeState {
    /// One side of a rename.
    private struct Side {
        var parent: WorkingInode
        var body: WorkingDirectory
        var name: LinkName
    }

    /// rename(2), in all forms. Directories of the lower tree move as one node.
    func rename(
        _ source: (InodeNumber, LinkName), to target: (InodeNumber, LinkName), mode: RenameMode,
        at time: FileTime
    ) throws(Interruption) {
        let (oldParent, oldBody) = try directory(source.0)
        let (newParent, newBody) = try openDirectory(target.0)
        let old = Side(parent: oldParent, body: oldBody, name: source.1)
        let new = Side(parent: newParent, body: newBody, name: target.1)
        guard let moving = try child(old.name, of: oldParent, oldBody) else {
            throw .failed(.notFound)
        }
        let present = try child(new.name, of: newParent, newBody)
        // In the kernel's order.
        if mode.keepsPresent && present != nil { throw .failed(.exists) }
        if mode == .exchange && present == nil { throw .failed(.notFound) }
        if moving.isDirectory && isAncestor(moving, of: newParent) {
            throw .failed(.invalidArgument)
        }
        switch mode {
        case .exchange:
            guard let present, present !== moving else { return }
            if present.isDirectory && isAncestor(present, of: oldParent) {
                throw .failed(.invalidArgument)
            }
            exchange(moving, at: old, with: present, at: new)
            touchChangeTime(present, at: time)
        case .noReplace:
            move(moving, from: old, to: new, replacing: nil, at: time)
        case .replace, .leaveWhiteout:
            // Two names of one file: nothing happens, as POSIX wants it.
            if present === moving { return }
            if let present { try checkReplaceable(present, by: moving, from: oldParent) }
            move(moving, from: old, to: new, replacing: present, at: time)
        }
        if case .leaveWhiteout(let maker, _) = mode { leaveWhiteout(at: old, by: maker, at: time) }
        touchChangeTime(moving, at: time)
        touch(oldParent, at: time)
        touch(newParent, at: time)
    }

    /// Puts a character device 0, 0 under a name that was just given up, as ext4 makes it: mode 0 and
    /// the maker's own.
    private func leaveWhiteout(at side: Side, by maker: RequestContext, at time: FileTime) {
        let made = makeInode(
            attributes: NodeAttributes(
                permissions: 0, userID: maker.userID, groupID: maker.groupID,
                modificationTime: NodeTime(time)),
            body: .characterDevice(0))
        made.addPlace(side.name, in: side.parent)
        side.body.add(made, as: side.name)
        markChanged(made)
    }

    private func checkReplaceable(
        _ present: WorkingInode, by moving: WorkingInode, from oldParent: WorkingInode
    ) throws(Interruption) {
        guard let body = present.directory else {
            if moving.isDirectory { throw .failed(.notDirectory) }
            return
        }
        if isAncestor(present, of: oldParent) { throw .failed(.notEmpty) }
        guard moving.isDirectory else { throw .failed(.isDirectory) }
        guard try isEmpty(body) else { throw .failed(.notEmpty) }
    }

    private func move(
        _ moving: WorkingInode, from old: Side, to new: Side, replacing present: WorkingInode?,
        at time: FileTime
    ) {
        noteHardLinks(below: moving)
        note(old, new)
        // The old content of the name goes with a record, and the new one has to be there then.
        if present?.isDirectory == false { recorder?.replaces(moving) }
        if let present {
            new.body.replace(new.name, with: moving)
            if present.isDirectory { new.body.childDirectoryCount -= 1 }
            takeName(new.name, in: new.parent, from: present, at: time)
        } else {
            new.body.add(moving, as: new.name)
        }
        old.body.remove(old.name)
        if moving.isDirectory {
            old.body.childDirectoryCount -= 1
            new.body.childDirectoryCount += 1
        }
        rename(moving, from: old, to: new)
    }

    private func exchange(
        _ first: WorkingInode, at old: Side, with second: WorkingInode, at new: Side
    ) {
        noteHardLinks(below: first)
        note(old, new)
        noteHardLinks(below: second)
        new.body.replace(new.name, with: first)
        old.body.replace(old.name, with: second)
        if first.isDirectory {
            old.body.childDirectoryCount -= 1
            new.body.childDirectoryCount += 1
        }
        if second.isDirectory {
            new.body.childDirectoryCount -= 1
            old.body.childDirectoryCount += 1
        }
        rename(first, from: old, to: new)
        rename(second, from: new, to: old)
    }

    private func note(_ old: Side, _ new: Side) {
        recorder?.note(old.name, in: old.parent)
        recorder?.note(new.name, in: new.parent)
    }

    private func rename(_ inode: WorkingInode, from old: Side, to new: Side) {
        inode.removePlace(old.name, in: old.parent)
        inode.addPlace(new.name, in: new.parent)
    }

    /// The identifier of a hard-link group comes from its first path, which may be changing.
    private func noteHardLinks(below inode: WorkingInode) {
        if inode.directory?.lower?.containsHardLinks == true { touchedHardLinks = true }
    }
}

extension RenameMode {
    /// Whether the new name may not be taken already.
    fileprivate var keepsPresent: Bool {
        switch self {
        case .noReplace, .leaveWhiteout(_, replaces: false): true
        default: false
        }
    }
}
