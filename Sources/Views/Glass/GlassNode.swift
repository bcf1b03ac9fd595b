package import FileTree
package import VirtualFS

/// Something that a ``GlassView`` shows under a name.
package enum GlassEntry: Sendable {
    /// A root file system, or a part of one, as an immutable value.
    case tree(Tree)
    /// A directory that is made up as it is looked at.
    case directory(any GlassDirectory)
    /// A text that is made up, such as a config.
    case file([UInt8], modificationTime: NodeTime)
    case symbolicLink(target: [UInt8], modificationTime: NodeTime)
    /// A file of the host as it was a moment ago, in a live directory.
    case hostFile(HostGlassFile)
}

/// A made-up directory of a ``GlassView``. Asked anew at every lookup, from any thread.
package protocol GlassDirectory: Sendable {
    /// Tells directories apart that stand under one name at different times; equal identities have
    /// equal names inside, or `isLive`.
    var identity: [UInt8] { get }
    /// Whether the entries change while the view is mounted.
    var isLive: Bool { get }
    /// Whether what it shows was removed. Asked only after something could not be answered: programs
    /// are told so then, and nothing is wrong with the view.
    var isGone: Bool { get }
    /// When the entries last changed.
    func modificationTime() -> NodeTime
    /// The names and what they stand for, in any order.
    func entries() throws -> [(name: EntryName, entry: GlassEntry)]
    /// What a name stands for.
    func entry(_ name: EntryName) throws -> GlassEntry?
}

extension GlassDirectory {
    package var isGone: Bool { false }

    package func entry(_ name: EntryName) throws -> GlassEntry? {
        try entries().first { $0.name == name }?.entry
    }
}

/// An inode of a ``GlassView``.
///
/// Inodes are immutable: what changes in a live directory is which inode a name leads to.
struct GlassNode: Sendable {
    enum Kind: Sendable {
        case tree(Node, GlassNumbering.Place)
        case directory(any GlassDirectory)
        case file([UInt8])
        case symbolicLink([UInt8])
        case hostFile(HostGlassFile)
    }
    var kind: Kind
    var attributes: FileAttributes

    var isLive: Bool {
        if case .directory(let directory) = kind { return directory.isLive }
        return false
    }

    var validity: CacheValidity { isLive ? .none : .forever }

    /// With the times of now, where they change.
    var upToDate: GlassNode {
        guard case .directory(let directory) = kind, directory.isLive else { return self }
        var node = self
        node.attributes.setTimes(directory.modificationTime())
        return node
    }
}

extension FileAttributes {
    fileprivate mutating func setTimes(_ time: NodeTime) {
        modificationTime = FileTime(time)
        accessTime = modificationTime
        changeTime = modificationTime
    }

    /// What a read-only view shows of a tree's node: access and change times are the modification
    /// time, so that equal files have equal times.
    init(_ node: Node, inode: InodeNumber, serialNumber: UInt64) {
        let time = FileTime(node.attributes.modificationTime)
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
        // Not known: 2 would promise that no directory is inside (find(1), -noleaf).
        linkCount = 1
    }

    init(
        madeUp inode: InodeNumber, type: FileType, permissions: UInt32, sizeBytes: UInt64,
        modificationTime: NodeTime
    ) {
        let time = FileTime(modificationTime)
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
