internal import FileTree
internal import VirtualFS

extension WorkingTreeState {
    /// link(2) gives up here; ext4 would at 65,000.
    private static let maximumLinkCount: UInt32 = 1 << 31 - 1

    func lookup(
        _ name: LinkName, in parent: InodeNumber
    ) throws(Interruption) -> Described<Entry>? {
        let (inode, body) = try directory(parent)
        if body.links[name] == nil {
            guard let lower = try lower(of: body), let index = lower.index(of: name.entryName)
            else {
                return nil
            }
            if let entry = list(lower.entries[index], at: index, of: lower, in: inode, body) {
                return Described(answer: entry, isUnsettled: false)
            }
        }
        guard let child = try child(name, of: inode, body) else { return nil }
        return entry(child)
    }

    /// The inode that `.` or `..` names.
    func lookup(upwards: Bool, from number: InodeNumber) throws(Interruption) -> Described<
        Entry
    > {
        let inode = try directory(number).inode
        return entry(upwards ? inode.place?.parent ?? inode : inode)
    }

    /// Makes an inode of any type under a new name.
    /// - Parameter content: of a regular file.
    func make(
        _ request: NodeCreation, as name: LinkName, at time: FileTime,
        _ makeBody: (FileType) throws(Interruption) -> WorkingInode.Body
    ) throws(Interruption) -> WorkingInode {
        let (parent, body) = try openDirectory(request.place.parent)
        guard try child(name, of: parent, body) == nil else { throw .failed(.exists) }
        guard let type = FileType(rawValue: request.mode & 0o170000) else {
            throw .failed(.invalidArgument)
        }
        let made = makeInode(
            attributes: inherited(by: request, type: type, from: parent, at: time),
            body: try makeBody(type))
        made.addPlace(name, in: parent)
        if made.isDirectory { body.childDirectoryCount += 1 }
        body.add(made, as: name)
        recorder?.note(name, in: parent)
        markChanged(made)
        touch(parent, at: time)
        return made
    }

    /// Makes a regular file without a name, as the directory's would be.
    func makeUnnamed(
        _ request: NodeCreation, _ file: OwnFile, isLinkable: Bool, at time: FileTime
    ) throws(Interruption) -> WorkingInode {
        let parent = try openDirectory(request.place.parent).inode
        let made = makeInode(
            attributes: inherited(by: request, type: .regular, from: parent, at: time),
            body: .regular(.own(file)))
        made.linkCount = 0
        if isLinkable { made.flags.insert(.awaitsName) }
        return made
    }

    /// Mode, owner and ACLs of a new inode: inode(7) for setgid directories, acl(5) for default
    /// ACLs, which take the place of the umask.
    private func inherited(
        by request: NodeCreation, type: FileType, from parent: WorkingInode, at time: FileTime
    ) -> NodeAttributes {
        var attributes = NodeAttributes(
            permissions: UInt16(request.mode & 0o7777), userID: request.context.userID,
            groupID: request.context.groupID, modificationTime: NodeTime(time))
        if parent.attributes.permissions & 0o2000 != 0 {
            attributes.groupID = parent.attributes.groupID
            if type == .directory { attributes.permissions |= 0o2000 }
        }
        if type == .symbolicLink {
            attributes.permissions = 0o777
            return attributes
        }
        guard let bytes = parent.attributes.extendedAttributes[XattrName.defaultACL],
            var list = AccessControlList(bytes)
        else {
            attributes.permissions &= ~UInt16(request.umask & 0o777)
            return attributes
        }
        if type == .directory {
            attributes.extendedAttributes[XattrName.defaultACL] = bytes
        }
        list.restrict(to: attributes.permissions)
        attributes.permissions = attributes.permissions & 0o7000 | list.permissions
        if !list.isTrivial { attributes.extendedAttributes[XattrName.accessACL] = list.bytes }
        return attributes
    }

    func link(
        _ number: InodeNumber, as name: LinkName, in place: InodeNumber, at time: FileTime
    ) throws(Interruption) -> Described<Entry> {
        let inode = try inode(number)
        let (parent, body) = try openDirectory(place)
        guard try child(name, of: parent, body) == nil else { throw .failed(.exists) }
        guard !inode.isDirectory else { throw .failed(.notPermitted) }
        guard inode.linkCount > 0 || inode.flags.contains(.awaitsName) else {
            throw .failed(.notFound)
        }
        guard inode.linkCount < Self.maximumLinkCount else { throw .failed(.tooManyLinks) }
        inode.addPlace(name, in: parent)
        inode.flags.remove(.awaitsName)
        inode.linkCount += 1
        body.add(inode, as: name)
        recorder?.note(name, in: parent)
        touchChangeTime(inode, at: time)
        touch(parent, at: time)
        return entry(inode)
    }

    func unlink(
        _ name: LinkName, in place: InodeNumber, at time: FileTime
    ) throws(Interruption) {
        let (parent, body) = try directory(place)
        guard let inode = try child(name, of: parent, body) else { throw .failed(.notFound) }
        guard !inode.isDirectory else { throw .failed(.isDirectory) }
        body.remove(name)
        recorder?.note(name, in: parent)
        takeName(name, in: parent, from: inode, at: time)
        touch(parent, at: time)
    }

    func removeDirectory(
        _ name: LinkName, in place: InodeNumber, at time: FileTime
    ) throws(Interruption) {
        let (parent, body) = try directory(place)
        guard let inode = try child(name, of: parent, body) else { throw .failed(.notFound) }
        guard let removed = inode.directory else { throw .failed(.notDirectory) }
        guard try isEmpty(removed) else { throw .failed(.notEmpty) }
        body.remove(name)
        recorder?.note(name, in: parent)
        body.childDirectoryCount -= 1
        takeName(name, in: parent, from: inode, at: time)
        touch(parent, at: time)
    }

    /// The inode loses one name, and with the last one its place in the tree.
    func takeName(
        _ name: LinkName, in parent: WorkingInode, from inode: WorkingInode, at time: FileTime
    ) {
        // Before it: marking walks up from the names.
        touchChangeTime(inode, at: time)
        inode.removePlace(name, in: parent)
        inode.linkCount = inode.isDirectory ? 0 : inode.linkCount - 1
        if inode.linkCount == 0 {
            leaveGroup(inode)
            release(inode)
        }
    }
}
