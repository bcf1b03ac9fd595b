package import FileTree
internal import ImageSpec
internal import LinuxIO
package import VirtualFS

/// Something that a ``GlassView`` shows under a name.
package enum GlassEntry: Sendable {
    /// A root file system, or a part of one, as an immutable value.
    case tree(Tree)
    /// A directory that is made up as it is looked at.
    case directory(any GlassDirectory)
    /// A text that is made up, such as a config.
    case file([UInt8], modificationTime: NodeTime)
    case symbolicLink(target: [UInt8])
}

/// A made-up directory of a ``GlassView``. Asked anew at every lookup, from any thread.
package protocol GlassDirectory: Sendable {
    /// Tells directories apart that stand under one name at different times; equal identities have
    /// equal names inside, or `isLive`.
    var identity: [UInt8] { get }
    /// Whether the entries change while the view is mounted.
    var isLive: Bool { get }
    /// When the entries last changed.
    func modificationTime() -> NodeTime
    /// The names and what they stand for, in any order.
    func entries() throws -> [(name: EntryName, entry: GlassEntry)]
    /// What a name stands for.
    func entry(_ name: EntryName) throws -> GlassEntry?
}

extension GlassDirectory {
    package func entry(_ name: EntryName) throws -> GlassEntry? {
        try entries().first { $0.name == name }?.entry
    }
}

/// An inode of a ``GlassView``.
///
/// Inodes are immutable: what changes in a live directory is which inode a name leads to.
struct GlassNode: Sendable {
    enum Kind: Sendable {
        /// A node of a tree; ``path`` is the digest of its place.
        case tree(Node, path: Digest)
        case directory(any GlassDirectory)
        case file([UInt8])
        case symbolicLink([UInt8])
    }
    var kind: Kind
    var attributes: FileAttributes

    var isLive: Bool {
        if case .directory(let directory) = kind { return directory.isLive }
        return false
    }

    var validity: CacheValidity { isLive ? .none : .forever }
}

/// Makes inodes and their numbers.
///
/// A file's `st_ino` derives from its content, metadata and place inside its tree, so that one file
/// at one place of several images is one inode: `diff -r` passes over it, `du` counts it once, and
/// the page cache holds it once. Two files of one image differ in place (hard links share their
/// group's). Directories have the like, but an inode of their own in the kernel (the node ID),
/// since a directory can stand in one place only.
enum GlassNumbering {
    /// Numbers of the top 2^63 and of the bottom few are left to the kernel and to the root.
    private static func number(_ digest: Digest) -> UInt64 {
        let value = digest.bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return (value & 0x7FFF_FFFF_FFFF_FFFF) | 0x100
    }

    static func digest(_ parts: [UInt8]...) -> Digest {
        var hasher = SHA256Hasher()
        for part in parts { hasher.update(part) }
        return hasher.finalize()
    }

    /// The place of a tree's root, and of a name below a place.
    static let rootPath = digest(Array("vitrine tree root".utf8))
    static func path(_ name: EntryName, below parent: Digest) -> Digest {
        digest(parent.bytes, name.bytes)
    }

    /// The inode of a tree's node.
    /// - Parameter parent: the inode of the directory it is in, which makes directories unique.
    static func node(_ node: Node, path: Digest, parent: InodeNumber) -> GlassNode {
        let identity =
            if let link = node.hardLink {
                digest(bytes(link.identifier), TreeEncoding.encode(node))
            } else {
                digest(path.bytes, TreeEncoding.encode(node))
            }
        let serial = number(identity)
        let inode =
            node.isDirectory
            ? number(digest(bytes(parent.rawValue), path.bytes, identity.bytes)) : serial
        return GlassNode(
            kind: .tree(node, path: path),
            attributes: FileAttributes(node, inode: InodeNumber(inode), serialNumber: serial))
    }

    /// The inode of anything that a made-up directory holds.
    /// - Parameter name: nil for the root of the view.
    static func node(_ entry: GlassEntry, name: EntryName?, parent: InodeNumber) -> GlassNode {
        let place = digest(bytes(parent.rawValue), name?.bytes ?? [])
        switch entry {
        case .tree(let tree):
            return node(
                tree.root, path: rootPath,
                parent: InodeNumber(number(digest(place.bytes, tree.id.digest.bytes))))
        case .directory(let directory):
            let inode = number(digest(place.bytes, directory.identity))
            return GlassNode(
                kind: .directory(directory),
                attributes: FileAttributes(
                    directory: InodeNumber(inode), modificationTime: directory.modificationTime()))
        case .file(let bytes, let time):
            let inode = number(digest(place.bytes, bytes))
            return GlassNode(
                kind: .file(bytes),
                attributes: FileAttributes(
                    madeUp: InodeNumber(inode), type: .regular, permissions: 0o444,
                    sizeBytes: UInt64(bytes.count), modificationTime: time))
        case .symbolicLink(let target):
            let inode = number(digest(place.bytes, target))
            return GlassNode(
                kind: .symbolicLink(target),
                attributes: FileAttributes(
                    madeUp: InodeNumber(inode), type: .symbolicLink, permissions: 0o777,
                    sizeBytes: UInt64(target.count), modificationTime: NodeTime(seconds: 0)))
        }
    }

    private static func bytes(_ value: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }
}

extension FileAttributes {
    /// What a read-only view shows of a tree's node: access and change times are the modification
    /// time, so that equal files have equal times.
    init(_ node: Node, inode: InodeNumber, serialNumber: UInt64) {
        let time = FileTime(
            seconds: node.attributes.modificationTime.seconds,
            nanoseconds: node.attributes.modificationTime.nanoseconds)
        self.init(
            inode: inode, serialNumber: serialNumber,
            mode: node.content.fileType.rawValue | UInt32(node.attributes.permissions),
            linkCount: node.hardLink?.count ?? 1, userID: node.attributes.userID,
            groupID: node.attributes.groupID, accessTime: time, modificationTime: time,
            changeTime: time)
        switch node.content {
        case .directory(let reference):
            linkCount = 2 &+ reference.childDirectoryCount
            // As ext4 shows a directory of one block.
            sizeBytes = 4096
            blocks = 8
        case .file(let content):
            sizeBytes = content.sizeBytes
            blocks = (content.sizeBytes + 4095) / 4096 * 8
        case .symbolicLink(let target): sizeBytes = UInt64(target.count)
        case .characterDevice(let number), .blockDevice(let number): device = number.rawValue
        case .fifo, .socket: break
        }
    }

    init(directory inode: InodeNumber, modificationTime: NodeTime) {
        self.init(
            madeUp: inode, type: .directory, permissions: 0o555, sizeBytes: 0,
            modificationTime: modificationTime)
        linkCount = 2
    }

    init(
        madeUp inode: InodeNumber, type: FileType, permissions: UInt32, sizeBytes: UInt64,
        modificationTime: NodeTime
    ) {
        let time = FileTime(
            seconds: modificationTime.seconds, nanoseconds: modificationTime.nanoseconds)
        self.init(
            inode: inode, mode: type.rawValue | permissions, sizeBytes: sizeBytes,
            blocks: type == .regular ? (sizeBytes + 511) / 512 : 0, accessTime: time,
            modificationTime: time, changeTime: time)
    }
}

extension NodeContent {
    package var fileType: FileType {
        switch self {
        case .directory: .directory
        case .file: .regular
        case .symbolicLink: .symbolicLink
        case .characterDevice: .characterDevice
        case .blockDevice: .blockDevice
        case .fifo: .fifo
        case .socket: .socket
        }
    }
}
