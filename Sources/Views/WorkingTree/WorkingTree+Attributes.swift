internal import FileTree
internal import LinuxIO
package import VirtualFS

extension WorkingTree {
    package func attributes(
        of inode: InodeNumber, handle: FileHandle?
    ) throws(FileSystemError) -> AttributesReply {
        while true {
            let described = try perform { (state) throws(Interruption) in
                let found = try state.inode(inode)
                return Observation(
                    reply: state.reply(of: found), file: state.unsettledFile(of: found),
                    generation: found.opened?.statusGeneration ?? 0)
            }
            guard let file = described.file else { return described.reply }
            let status = try file.status()
            let reply = try perform { (state) throws(Interruption) -> AttributesReply? in
                let found = try state.inode(inode)
                // Another thread was faster: what it saw may be newer.
                guard let present = state.unsettledFile(of: found), present.isSame(as: file),
                    found.opened?.statusGeneration ?? 0 == described.generation
                else { return nil }
                state.absorb(status, into: found)
                return state.reply(of: found)
            }
            if let reply { return reply }
        }
    }

    private struct Observation: Sendable {
        var reply: AttributesReply
        var file: WorkingTreeState.UnsettledFile?
        var generation: UInt64
    }

    /// The answer of a lookup with the attributes that an inode being written to really has.
    func settled(
        _ described: WorkingTreeState.Described<Entry>
    ) throws(FileSystemError) -> Entry {
        var entry = described.answer
        if described.isUnsettled {
            entry.attributes = try attributes(of: entry.attributes.inode, handle: nil).attributes
        }
        return entry
    }

    package func setAttributes(
        of inode: InodeNumber, handle: FileHandle?, to changes: AttributeChanges
    ) throws(FileSystemError) -> AttributesReply {
        if let size = changes.sizeBytes {
            try resize(inode, to: size, clearSetIDs: changes.clearSetIDs)
        }
        if changes.isEmpty { try dropPrivileges(of: inode, by: changes.context) }
        if changes.changesMetadata {
            var changes = changes
            // The kernel sends both for a truncate by one who may not keep the bits.
            if changes.sizeBytes != nil { changes.clearSetIDs = false }
            try setMetadata(of: inode, to: changes)
        }
        return try attributes(of: inode, handle: handle)
    }

    /// A change that names nothing. Who writes to a file or owns it takes setuid and setgid from it,
    /// which nobody else may.
    private func dropPrivileges(
        of inode: InodeNumber, by context: RequestContext
    ) throws(FileSystemError) {
        let now = clock()
        try settleFirst(inode, modificationTime: nil, now: now)
        try modify { (state) throws(Interruption) in
            let found = try state.inode(inode)
            if !found.isDirectory && found.losesPrivileges {
                let mayDrop =
                    context.userID == 0 || context.userID == found.attributes.userID
                    || (found.opened?.writerCount ?? 0) > 0
                guard mayDrop else { throw .failed(.notPermitted) }
                state.dropPrivileges(of: found)
            }
            state.touchChangeTime(found, at: now)
        }
    }

    private func setMetadata(
        of inode: InodeNumber, to changes: AttributeChanges
    ) throws(FileSystemError) {
        var now = clock()
        // The second is one that no file has yet, and the own file is to have the same.
        if changes.modificationTime == .now { now = clock() }
        guard changes.modificationTime != nil else {
            try settleFirst(inode, modificationTime: nil, now: now)
            return try modify { (state) throws(Interruption) in
                state.apply(changes, to: try state.inode(inode), now: now)
            }
        }
        // Not between the two steps of an open for writing, which gives the own file the old time.
        try changing { () throws(FileSystemError) in
            try gated(inode) { () throws(FileSystemError) in
                try settleFirst(inode, modificationTime: changes.modificationTime, now: now)
                try perform { (state) throws(Interruption) in
                    state.apply(changes, to: try state.inode(inode), now: now)
                }
            }
        }
    }

    /// What writes did so far comes before what is set now. A modification time is given to the own
    /// file too, so that a later write shows as a change of it.
    private func settleFirst(
        _ inode: InodeNumber, modificationTime: AttributeChanges.Time?, now: FileTime
    ) throws(FileSystemError) {
        let file = try perform { (state) throws(Interruption) in
            state.unsettledFile(of: try state.inode(inode))
        }
        guard let file else { return }
        _ = try attributes(of: inode, handle: nil)
        switch modificationTime {
        case .now: try file.setModificationTime(now)
        case .at(let time): try file.setModificationTime(time)
        case nil: break
        }
    }

    // MARK: - Extended attributes

    package func extendedAttribute(
        _ name: [UInt8], of inode: InodeNumber
    ) throws(FileSystemError) -> [UInt8] {
        let value = try perform { (state) throws(Interruption) in
            try state.inode(inode).attributes.extendedAttributes[name]
        }
        if let value { return value }
        try XattrName.check(name)
        throw .noData
    }

    package func extendedAttributeNames(
        of inode: InodeNumber
    ) throws(FileSystemError) -> [[UInt8]] {
        try perform { (state) throws(Interruption) in
            try state.inode(inode).attributes.extendedAttributes.attributes.map(\.name)
        }
    }

    package func setExtendedAttribute(
        _ name: [UInt8], of inode: InodeNumber, to value: [UInt8], mode: ExtendedAttributeMode,
        clearSetGroupID: Bool
    ) throws(FileSystemError) {
        try XattrName.check(name)
        guard value.count <= XattrName.maximumValueBytes else { throw .argumentListTooLong }
        let now = clock()
        try settleFirst(inode, modificationTime: nil, now: now)
        try modify { (state) throws(Interruption) in
            try state.setExtendedAttribute(
                name, of: try state.inode(inode), to: value, mode: mode,
                clearSetGroupID: clearSetGroupID, now: now)
        }
    }

    package func removeExtendedAttribute(
        _ name: [UInt8], of inode: InodeNumber
    ) throws(FileSystemError) {
        let now = clock()
        try settleFirst(inode, modificationTime: nil, now: now)
        try modify { (state) throws(Interruption) in
            try state.removeExtendedAttribute(name, of: try state.inode(inode), now: now)
        }
    }
}

extension AttributeChanges {
    /// Whether anything but the size is to change.
    fileprivate var changesMetadata: Bool {
        permissions != nil || userID != nil || groupID != nil || accessTime != nil
            || modificationTime != nil || changeTime != nil || (clearSetIDs && sizeBytes == nil)
    }
}
