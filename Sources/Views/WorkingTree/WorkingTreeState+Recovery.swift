internal import FileTree
internal import VirtualFS

/// A state that a journal describes.
extension WorkingTreeState {
    /// What the host's file of an inode told when the view was opened.
    struct FoundFile {
        var file: OwnFile
        var modificationTime: FileTime
        /// It was written to after the record was made.
        var isNewer: Bool
    }

    /// Brings the inodes and names of a journal into a fresh state.
    /// - Parameters:
    ///   - files: the own files, by inode.
    ///   - load: reads a directory of the lower tree.
    /// - Throws: `damaged`.
    func restore(
        _ replay: JournalReplay, files: [UInt64: FoundFile],
        load: (DirectoryID) throws(JournalError) -> Directory
    ) throws(JournalError) {
        if let record = replay.inodes[root.number.rawValue] {
            guard case .directory = record.body else {
                throw JournalError(.damaged, "its root is no directory")
            }
            apply(record, to: root, files)
        }
        var stack = [root]
        while let inode = stack.popLast() {
            guard let names = replay.links[inode.number.rawValue], let body = inode.directory
            else { continue }
            var lower: Directory?
            if let reference = body.lower, reference.entryCount > 0 {
                lower = try load(reference.id)
            }
            // In an order of its own, so that directories are listed alike each time.
            for name in names.keys.sorted(by: { $0.entryName < $1.entryName }) {
                let index = lower?.index(of: name.entryName)
                if let index, lower?.entries[index].node.isDirectory == true {
                    body.childDirectoryCount &-= 1
                }
                guard let target = names[name] ?? nil else {
                    if let index { body.hide(name, at: index) }
                    continue
                }
                let (child, isNew) = try restored(target, replay, files)
                child.addPlace(name, in: inode)
                if let index {
                    body.know(child, as: name, at: index)
                } else {
                    body.add(child, as: name)
                }
                guard child.isDirectory else { continue }
                body.childDirectoryCount += 1
                if isNew { stack.append(child) }
            }
        }
        // Names that were never looked up lead to them, by their group.
        for record in replay.inodes.values
        where record.group != nil && inodes[record.number.rawValue] == nil {
            _ = try restored(record.number, replay, files)
        }
        finishRestoring()
    }

    private func restored(
        _ number: InodeNumber, _ replay: JournalReplay, _ files: [UInt64: FoundFile]
    ) throws(JournalError) -> (inode: WorkingInode, isNew: Bool) {
        if let known = inodes[number.rawValue] {
            guard !known.isDirectory else {
                throw JournalError(.damaged, "directory \(number) has two names")
            }
            return (known, false)
        }
        guard let record = replay.inodes[number.rawValue], record.number == number else {
            throw JournalError(.damaged, "a name leads to \(number), which is not there")
        }
        let inode = WorkingInode(number: number, attributes: record.attributes, body: .fifo)
        apply(record, to: inode, files)
        adopt(inode)
        return (inode, true)
    }

    private func apply(
        _ record: JournalInode, to inode: WorkingInode, _ files: [UInt64: FoundFile]
    ) {
        inode.attributes = record.attributes
        inode.linkCount = max(1, record.linkCount)
        inode.group = record.group
        inode.flags = record.isChanged ? [.recorded, .changed] : .recorded
        let extras = inode.withExtras()
        extras.accessTime = record.accessTime
        extras.changeTime = record.changeTime
        switch record.body {
        case .directory(let lower): inode.body = .directory(WorkingDirectory(lower: lower))
        case .empty: inode.body = .regular(.empty)
        case .object(let content): inode.body = .regular(.object(content))
        case .own: apply(files[record.number.rawValue], to: inode)
        case .symbolicLink(let target): inode.body = .symbolicLink(target)
        case .characterDevice(let device): inode.body = .characterDevice(device)
        case .blockDevice(let device): inode.body = .blockDevice(device)
        case .fifo: inode.body = .fifo
        case .socket: inode.body = .socket
        }
    }

    private func apply(_ found: FoundFile?, to inode: WorkingInode) {
        guard let found else { return inode.body = .regular(.empty) }
        inode.body = .regular(.own(found.file))
        guard found.isNewer else { return }
        // As it was absorbed. What a write took from the inode besides is in the record.
        inode.stampChange(at: found.modificationTime)
        inode.modificationTime = found.modificationTime
        inode.flags.insert(.changed)
    }

    private func finishRestoring() {
        for inode in inodes.values {
            reserve(inode.number)
            if !inode.isDirectory && inode.group == nil {
                inode.linkCount = UInt32(clamping: inode.places.count)
            }
            if let group = inode.group { groups[group] = inode }
            // Whether groups have to be worked out anew is found by doing it.
            if inode.group != nil || inode.linkCount > 1 { touchedHardLinks = true }
        }
        if base.directory.containsHardLinks { touchedHardLinks = true }
        for inode in inodes.values where inode.flags.contains(.changed) {
            markChanged(inode)
            if inode.isDirectory { markDirty(inode) }
        }
    }
}
