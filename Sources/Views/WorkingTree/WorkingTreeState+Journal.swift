internal import FileTree
internal import VirtualFS

/// What the journal of a durable view says of its state.
extension WorkingTreeState {
    var recordedNumbers: [UInt64] {
        inodes.values.compactMap { $0.flags.contains(.recorded) ? $0.number.rawValue : nil }
    }

    /// The inode, and the names in it that the journal has to have.
    func describe(_ number: UInt64, in snapshot: inout JournalSnapshot) {
        guard let inode = inodes[number], inode.flags.contains(.recorded), inode.linkCount > 0
        else { return }
        snapshot.append(.inode(inode.journalState))
        guard let body = inode.directory else { return }
        for (name, link) in body.links {
            guard let child = link.inode else {
                snapshot.append(.whiteout(directory: inode.number, name: name.entryName))
                continue
            }
            if child.flags.contains(.recorded) && child.linkCount > 0 {
                snapshot.append(
                    .link(directory: inode.number, name: name.entryName, inode: child.number))
            }
        }
    }

    /// After a freeze: notes which inodes the journal has to have still. They are those that a reading
    /// of the lower tree would give another number or other times, and all above them.
    func noteRecorded() {
        for inode in inodes.values { inode.flags.remove(.recorded) }
        for inode in inodes.values where isToBeRecorded(inode) {
            var pending = [inode]
            while let inode = pending.popLast() {
                guard inode.flags.insert(.recorded).inserted else { continue }
                pending += inode.places.map(\.parent)
            }
        }
    }

    private func isToBeRecorded(_ inode: WorkingInode) -> Bool {
        if inode.linkCount == 0 || inode.flags.contains(.synthesised) { return false }
        if inode === root { return true }
        if inode.flags.contains(.changed) || inode.ownFile != nil { return true }
        if inode.directory?.isDirty == true { return true }
        return inode.hasTimesOfItsOwn || !hasDerivedNumber(inode)
    }
}
