internal import FileTree
internal import ImageSpec
internal import VirtualFS

/// Makes inodes and their numbers.
///
/// A file's `st_ino` derives from its content, metadata and place inside its tree, so that one file
/// at one place of several images is one inode: `diff -r` passes over it, `du` counts it once, and
/// the page cache holds it once. Two files of one image differ in place (hard links share their
/// group's). Directories have the like, but an inode of their own in the kernel (the node ID),
/// since a directory can stand in one place only.
///
/// The hash is keyed with a secret of the store: otherwise an image could be made whose file has the
/// number of another image's, and would be shown in its stead.
struct GlassNumbering: Sendable {
    typealias Place = KeyedHash.Value
    let key: KeyedHash.Key

    /// What a hash is made over, so that equal words of different things differ.
    private enum Domain: UInt64 {
        case treeRoot, name, node, directory, made
    }

    private func hash(_ domain: Domain) -> KeyedHash {
        var hash = KeyedHash(key: key)
        hash.absorb(domain.rawValue)
        return hash
    }

    /// Numbers of the top 2^63 and of the bottom few are left to the kernel and to the root.
    private func number(_ value: KeyedHash.Value) -> UInt64 {
        (value.high & 0x7FFF_FFFF_FFFF_FFFF) | 0x100
    }

    // MARK: - Trees

    /// The place of every tree's root.
    var treeRoot: Place { hash(.treeRoot).finish() }

    func place(_ name: EntryName, below parent: Place) -> Place {
        var hash = hash(.name)
        hash.absorb(parent)
        hash.absorb(name.bytes)
        return hash.finish()
    }

    /// `st_ino` of a tree's node; of what is no directory, its inode number as well.
    func serialNumber(of node: Node, at place: Place) -> UInt64 {
        var hash = hash(.node)
        if let link = node.hardLink {
            hash.absorb(0)
            hash.absorb(link.identifier)
            hash.absorb(UInt64(link.count))
        } else {
            hash.absorb(1)
            hash.absorb(place)
        }
        absorb(node.attributes, into: &hash)
        absorb(node.content, into: &hash)
        return number(hash.finish())
    }

    private func absorb(_ attributes: NodeAttributes, into hash: inout KeyedHash) {
        hash.absorb(UInt64(attributes.permissions))
        hash.absorb(UInt64(attributes.userID) << 32 | UInt64(attributes.groupID))
        hash.absorb(UInt64(bitPattern: attributes.modificationTime.seconds))
        let list = attributes.extendedAttributes.attributes
        hash.absorb(UInt64(attributes.modificationTime.nanoseconds) << 32 | UInt64(list.count))
        for attribute in list {
            hash.absorb(attribute.name)
            hash.absorb(attribute.value)
        }
    }

    private func absorb(_ content: NodeContent, into hash: inout KeyedHash) {
        hash.absorb(UInt64(content.fileType.rawValue))
        switch content {
        case .directory(let reference): absorb(reference.id.digest, into: &hash)
        case .file(let file):
            absorb(file.digest, into: &hash)
            hash.absorb(file.sizeBytes)
        case .symbolicLink(let target): hash.absorb(target)
        case .characterDevice(let device), .blockDevice(let device): hash.absorb(device.rawValue)
        case .fifo, .socket: break
        }
    }

    /// Half of it: 128 bits that nobody can choose without choosing them all.
    private func absorb(_ digest: Digest, into hash: inout KeyedHash) {
        let words = digest.leadingWords
        hash.absorb(words.0)
        hash.absorb(words.1)
    }

    /// The inode of a tree's node.
    /// - Parameter parent: the inode of the directory it is in, which makes directories unique.
    func inode(
        of node: Node, at place: Place, serialNumber: UInt64, in parent: InodeNumber
    ) -> InodeNumber {
        guard node.isDirectory else { return InodeNumber(serialNumber) }
        var hash = hash(.directory)
        hash.absorb(parent.rawValue)
        hash.absorb(place)
        hash.absorb(serialNumber)
        return InodeNumber(number(hash.finish()))
    }

    // MARK: - Made-up directories

    /// What a made-up directory holds under a name.
    /// - Parameter name: nil for the root of the view.
    func node(_ entry: GlassEntry, name: EntryName?, in parent: InodeNumber) -> GlassNode {
        func number(_ identity: [UInt8]) -> InodeNumber {
            var hash = hash(.made)
            hash.absorb(parent.rawValue)
            hash.absorb(name?.bytes ?? [])
            hash.absorb(identity)
            return InodeNumber(self.number(hash.finish()))
        }
        switch entry {
        case .tree(let tree):
            let serial = serialNumber(of: tree.root, at: treeRoot)
            return GlassNode(
                kind: .tree(tree.root, treeRoot),
                attributes: FileAttributes(
                    tree.root, inode: number(tree.id.digest.bytes), serialNumber: serial))
        case .directory(let directory):
            return GlassNode(
                kind: .directory(directory),
                attributes: FileAttributes(
                    directory: number(directory.identity),
                    modificationTime: directory.modificationTime()))
        case .file(let bytes, let time):
            return GlassNode(
                kind: .file(bytes),
                attributes: FileAttributes(
                    madeUp: number(bytes), type: .regular, permissions: 0o444,
                    sizeBytes: UInt64(bytes.count), modificationTime: time))
        case .symbolicLink(let target, let time):
            return GlassNode(
                kind: .symbolicLink(target),
                attributes: FileAttributes(
                    madeUp: number(target), type: .symbolicLink, permissions: 0o777,
                    sizeBytes: UInt64(target.count), modificationTime: time))
        case .hostFile(let file):
            return GlassNode(
                kind: .hostFile(file), attributes: file.attributes(number(file.identity)))
        }
    }

    /// Where a name stands in the listing of a live directory, whatever else comes and goes.
    func cookie(of name: EntryName) -> UInt64 {
        var hash = hash(.name)
        hash.absorb(name.bytes)
        return hash.finish().high >> 2 | 4
    }
}
