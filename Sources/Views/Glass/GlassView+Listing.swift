internal import FileTree
package import VirtualFS

extension GlassView {
    package func readDirectory(
        _ inode: InodeNumber, handle: FileHandle?, offset: UInt64,
        into listing: inout DirectoryListing
    ) throws(FileSystemError) {
        let directory = try node(inode)
        let dots: [[UInt8]] = [[0x2E], [0x2E, 0x2E]]
        for index in Int(min(offset, 2))..<2 {
            let item = DirectoryListing.Item(
                name: dots[index], nextOffset: UInt64(index + 1),
                serialNumber: directory.attributes.serialNumber, type: .directory)
            guard listing.add(item) else { return }
        }
        switch directory.kind {
        case .tree(let node, let place):
            list(try children(of: node), at: place, inode, offset, &listing)
        case .directory(let made): try list(made, inode, offset, &listing)
        case .file, .symbolicLink, .hostFile: throw .notDirectory
        }
    }

    private func list(
        _ directory: Directory, at place: GlassNumbering.Place, _ inode: InodeNumber,
        _ offset: UInt64, _ listing: inout DirectoryListing
    ) {
        var taken: [(inode: InodeNumber, index: Int)] = []
        var index = Int(clamping: offset &- min(offset, 2))
        while index < directory.count,
            listing.fits(nameLength: directory.nameByteCount(at: index))
        {
            let entry = directory.entries[index]
            let attributes = attributes(of: entry, at: place, in: inode)
            let item = DirectoryListing.Item(
                name: entry.name.bytes, nextOffset: UInt64(index) + 3,
                serialNumber: attributes.serialNumber, type: entry.node.content.fileType,
                entry: listing.wantsAttributes ? Entry(attributes: attributes) : nil)
            guard listing.add(item) else { break }
            if listing.wantsAttributes { taken.append((attributes.inode, index)) }
            index += 1
        }
        table.remember(taken, of: directory, at: place, in: inode)
    }

    /// Names of a live directory are listed by their hashes: what comes and goes between two reads
    /// neither hides nor repeats another.
    private func list(
        _ made: any GlassDirectory, _ inode: InodeNumber, _ offset: UInt64,
        _ listing: inout DirectoryListing
    ) throws(FileSystemError) {
        var entries: [(cookie: UInt64, name: EntryName, entry: GlassEntry)] =
            try answering(of: made) { try made.entries() }.map {
                (made.isLive ? numbering.cookie(of: $0.name) : 0, $0.name, $0.entry)
            }
        entries.sort { ($0.cookie, $0.name) < ($1.cookie, $1.name) }
        if !made.isLive {
            for index in entries.indices { entries[index].cookie = UInt64(index) + 3 }
        }
        let validity: CacheValidity = made.isLive ? .none : .forever
        var taken: [GlassNode] = []
        for (cookie, name, entry) in entries where cookie > offset {
            let node = numbering.node(entry, name: name, in: inode)
            let item = DirectoryListing.Item(
                name: name.bytes, nextOffset: cookie,
                serialNumber: node.attributes.serialNumber,
                type: node.attributes.type ?? .regular,
                entry: listing.wantsAttributes
                    ? Entry(
                        attributes: node.attributes, entryValidity: validity,
                        attributesValidity: node.validity) : nil)
            guard listing.add(item) else { break }
            if listing.wantsAttributes { taken.append(node) }
        }
        table.remember(taken)
    }
}
