internal import FileTree
internal import ImageSpec
internal import LinuxIO
internal import VirtualFS

extension WorkingTreeState {
    /// An answer about an inode, and the open own file whose status it lacks.
    struct Described<Answer: Sendable>: Sendable {
        var answer: Answer
        /// The inode may be written to: its size and modification time are those of its file.
        var isUnsettled: Bool
    }

    /// - Note: access times are those of creation and of utimensat(2); reading does not change them
    ///   (`noatime`). A clean inode's change time is its modification time.
    func attributes(of inode: WorkingInode) -> FileAttributes {
        let modified = inode.modificationTime
        var attributes = FileAttributes(
            inode: inode.kernelNumber, serialNumber: inode.number.rawValue,
            mode: inode.body.type.rawValue | UInt32(inode.attributes.permissions),
            linkCount: inode.linkCount, userID: inode.attributes.userID,
            groupID: inode.attributes.groupID,
            accessTime: inode.extras?.accessTime ?? modified, modificationTime: modified,
            changeTime: inode.changeTime)
        switch inode.body {
        case .directory(let body):
            attributes.linkCount = inode.linkCount == 0 ? 0 : 2 + body.childDirectoryCount
            (attributes.sizeBytes, attributes.blocks) = (4096, 8)
        case .regular(.empty): break
        case .regular(.object(let content)):
            attributes.sizeBytes = content.sizeBytes
            attributes.blocks = (content.sizeBytes + 4095) / 4096 * 8
        case .regular(.own(let file)):
            attributes.sizeBytes = file.sizeBytes
            attributes.blocks =
                file.partial == nil ? file.blocks : (file.sizeBytes + 4095) / 4096 * 8
        case .symbolicLink(let target): attributes.sizeBytes = UInt64(target.count)
        case .characterDevice(let device), .blockDevice(let device): attributes.device = device
        case .fifo, .socket: break
        }
        return attributes
    }

    func reply(of inode: WorkingInode) -> AttributesReply {
        AttributesReply(attributes: attributes(of: inode), validity: inode.attributesValidity)
    }

    /// The inode as the answer to a lookup; counts as one.
    func entry(_ inode: WorkingInode) -> Described<Entry> {
        inode.lookupCount += 1
        return Described(
            answer: Entry(
                attributes: attributes(of: inode), attributesValidity: inode.attributesValidity),
            isUnsettled: unsettledFile(of: inode) != nil)
    }

    /// The own file of an inode that may be written to at any moment.
    enum UnsettledFile: Sendable {
        case open(HostFile)
        /// Only mappings are left.
        case closed(path: String)

        func status() throws(FileSystemError) -> FileStatus {
            switch self {
            case .open(let file): return try file.status()
            case .closed(let path):
                do throws(Errno) {
                    return try FileStatus(ofPath: path)
                } catch {
                    throw FileSystemError(host: error)
                }
            }
        }

        /// Gives the file a modification time, so that a later write shows as a change of it.
        func setModificationTime(_ time: FileTime) throws(FileSystemError) {
            switch self {
            case .open(let file): try file.setModificationTime(time)
            case .closed(let path):
                try HostFile.open(path, .readOnly, identity: 0).setModificationTime(time)
            }
        }

        func isSame(as other: UnsettledFile) -> Bool {
            switch (self, other) {
            case (.open(let one), .open(let two)): one === two
            case (.closed(let one), .closed(let two)): one == two
            default: false
            }
        }
    }

    func unsettledFile(of inode: WorkingInode) -> UnsettledFile? {
        if let opened = inode.opened, opened.isUnsettled, let host = opened.host {
            return .open(host)
        }
        guard inode.flags.contains(.mayBeMapped), case .regular(.own(let file)) = inode.body else {
            return nil
        }
        return (inode.opened?.host).map { .open($0) } ?? .closed(path: file.path)
    }

    /// Takes over what writes did to the own file behind our back.
    func absorb(_ status: FileStatus, into inode: WorkingInode) {
        guard case .regular(.own(let file)) = inode.body else { return }
        let modified = FileTime(status.modificationTime)
        inode.opened?.statusGeneration += 1
        file.blocks = status.blocks
        file.hostTime = modified
        guard status.sizeBytes != file.sizeBytes || modified != inode.modificationTime else {
            return
        }
        file.sizeBytes = status.sizeBytes
        // Before the modification time: it is the access time of what has no extras yet.
        inode.stampChange(at: modified)
        inode.modificationTime = modified
        // Setuid, setgid and capabilities are none of our business here: the kernel says when a write
        // takes them, those that it passes through too (file_remove_privs), and a mapping does not.
        // Size and time are found in the file again.
        if inode.flags.contains(.recorded) {
            markChangedUnrecorded(inode)
        } else {
            markChanged(inode)
        }
    }

    // MARK: - Changes

    /// chmod, chown and utimensat; the size is not looked at.
    func apply(
        _ changes: AttributeChanges, to inode: WorkingInode, now: FileTime
    ) {
        var attributes = inode.attributes
        if let user = changes.userID { attributes.userID = user }
        if let group = changes.groupID { attributes.groupID = group }
        if let permissions = changes.permissions {
            attributes.permissions = UInt16(permissions & 0o7777)
            if let bytes = attributes.extendedAttributes[XattrName.accessACL],
                var list = AccessControlList(bytes)
            {
                list.setPermissions(attributes.permissions)
                attributes.extendedAttributes[XattrName.accessACL] = list.bytes
            }
        }
        inode.attributes = attributes
        // A change of owner drops these whoever makes it (chown(2); fuse.h, HANDLE_KILLPRIV_V2).
        if changes.clearSetIDs || changes.userID != nil || changes.groupID != nil {
            if !inode.isDirectory {
                dropPrivileges(of: inode, setIDs: changes.permissions == nil)
            }
        }
        let extras = inode.withExtras()
        switch changes.accessTime {
        case .now: extras.accessTime = now
        case .at(let time): extras.accessTime = time
        case nil: break
        }
        switch changes.modificationTime {
        case .now: inode.modificationTime = now
        case .at(let time): inode.modificationTime = time
        case nil: break
        }
        if let time = changes.changeTime {
            extras.changeTime = time
        } else {
            inode.stampChange(at: now)
        }
        markChanged(inode)
    }

    /// Clears what must not outlive a change of content or owner (inode(7), capabilities(7)).
    func dropPrivileges(of inode: WorkingInode, setIDs: Bool = true) {
        inode.attributes.extendedAttributes[XattrName.capability] = nil
        guard setIDs else { return }
        inode.attributes.permissions &= ~0o4000
        // Without group execution the bit is no privilege but mandatory locking.
        if inode.attributes.permissions & 0o010 != 0 { inode.attributes.permissions &= ~0o2000 }
    }

    // MARK: - Extended attributes

    func setExtendedAttribute(
        _ name: [UInt8], of inode: WorkingInode, to value: [UInt8],
        mode: ExtendedAttributeMode, clearSetGroupID: Bool, now: FileTime
    ) throws(Interruption) {
        let exists = inode.attributes.extendedAttributes[name] != nil
        switch mode {
        case .create where exists: throw .failed(.exists)
        case .replace where !exists: throw .failed(.noData)
        default: break
        }
        var stored: [UInt8]? = value
        var permissions = inode.attributes.permissions
        if name == XattrName.accessACL || name == XattrName.defaultACL {
            stored = try accessControlList(
                value, for: inode, isDefault: name == XattrName.defaultACL
            )
            .flatMap { list in
                guard name == XattrName.accessACL else { return list.bytes }
                let kept: UInt16 = clearSetGroupID ? 0o5000 : 0o7000
                permissions = permissions & kept | list.permissions
                return list.isTrivial ? nil : list.bytes
            }
        }
        var attributes = inode.attributes.extendedAttributes
        attributes[name] = stored
        guard XattrName.fits(attributes) else { throw .failed(.noSpace) }
        inode.attributes.extendedAttributes = attributes
        inode.attributes.permissions = permissions
        touchChangeTime(inode, at: now)
    }

    /// - Returns: nil for an empty list, which removes the attribute.
    private func accessControlList(
        _ value: [UInt8], for inode: WorkingInode, isDefault: Bool
    ) throws(Interruption) -> AccessControlList? {
        if case .symbolicLink = inode.body { throw .failed(.unsupported) }
        if isDefault && !inode.isDirectory { throw .failed(.accessDenied) }
        guard let list = AccessControlList(value) else { throw .failed(.invalidArgument) }
        return list.isEmpty ? nil : list
    }

    func removeExtendedAttribute(
        _ name: [UInt8], of inode: WorkingInode, now: FileTime
    ) throws(Interruption) {
        guard inode.attributes.extendedAttributes[name] != nil else {
            // A list that is not there is the same as the trivial one, which ext4 removes gladly.
            if name == XattrName.accessACL || name == XattrName.defaultACL { return }
            do throws(FileSystemError) {
                try XattrName.check(name)
            } catch {
                throw .failed(error)
            }
            throw .failed(.noData)
        }
        inode.attributes.extendedAttributes[name] = nil
        touchChangeTime(inode, at: now)
    }
}
