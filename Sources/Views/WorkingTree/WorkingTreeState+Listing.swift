internal import FileTree
internal import VirtualFS

extension WorkingTreeState {
    func list(
        _ number: InodeNumber, from offset: UInt64, into listing: inout DirectoryListing
    ) throws(Interruption) {
        let (inode, body) = try directory(number)
        let lower = try lower(of: body)
        if offset < 1 {
            guard addDot([0x2E], offset: 1, inode, to: &listing) else { return }
        }
        if offset < 2 {
            let parent = inode.place?.parent ?? inode
            guard addDot([0x2E, 0x2E], offset: 2, parent, to: &listing) else { return }
        }
        if let lower {
            let count = lower.count
            var position = min(body.lowerPosition(after: offset), count)
            while position < count {
                let index = body.lowerIndex(at: position)
                guard add(index, of: lower, in: inode, body, to: &listing) else {
                    return
                }
                position += 1
            }
        }
        for entry in body.added[body.addedIndex(after: offset)...] {
            guard let name = entry.name, let child = body.links[name]?.inode else { continue }
            guard addKnown(child, as: name, cookie: entry.cookie, to: &listing) else { return }
        }
    }

    private func addDot(
        _ name: [UInt8], offset: UInt64, _ inode: WorkingInode,
        to listing: inout DirectoryListing
    ) -> Bool {
        listing.add(
            .init(
                name: name, nextOffset: offset, serialNumber: inode.number.rawValue,
                type: .directory))
    }

    /// - Returns: false when the listing is full.
    private func add(
        _ index: Int, of lower: Directory, in parent: WorkingInode, _ body: WorkingDirectory,
        to listing: inout DirectoryListing
    ) -> Bool {
        guard listing.fits(nameLength: lower.nameByteCount(at: index)) else { return false }
        let entry = lower.entries[index]
        let cookie = body.cookie(at: index)
        // Asking an empty table for every entry is dear in the common case.
        if !body.links.isEmpty, let link = body.links[LinkName(entry.name)] {
            guard let child = link.inode else { return true }
            return addKnown(child, as: LinkName(entry.name), cookie: cookie, to: &listing)
        }
        if listing.wantsAttributes {
            guard let answer = list(entry, at: index, of: lower, in: parent, body) else {
                let child = know(entry, at: index, in: parent, body)
                return addKnown(child, as: LinkName(entry.name), cookie: cookie, to: &listing)
            }
            return listing.add(
                .init(
                    name: entry.name.bytes, nextOffset: cookie,
                    serialNumber: answer.attributes.serialNumber,
                    type: entry.node.content.fileType, entry: answer))
        }
        let number: InodeNumber
        if let link = entry.node.hardLink, let known = groups[link.identifier] {
            number = known.number
        } else {
            number = derivedNumber(of: entry, in: parent)
        }
        return listing.add(
            .init(
                name: entry.name.bytes, nextOffset: cookie, serialNumber: number.rawValue,
                type: entry.node.content.fileType))
    }

    private func addKnown(
        _ child: WorkingInode, as name: LinkName, cookie: UInt64,
        to listing: inout DirectoryListing
    ) -> Bool {
        guard listing.fits(nameLength: name.bytes.count) else { return false }
        var item = DirectoryListing.Item(
            name: name.bytes, nextOffset: cookie, serialNumber: child.number.rawValue,
            type: child.body.type)
        // Attributes of a file being written to would be stale: the kernel asks for them itself.
        if listing.wantsAttributes && unsettledFile(of: child) == nil {
            item.entry = entry(child).answer
        }
        return listing.add(item)
    }
}
