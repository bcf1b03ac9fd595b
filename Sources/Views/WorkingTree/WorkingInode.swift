internal import FileTree
internal import VirtualFS

/// An inode that the kernel knows or that differs from the lower tree.
///
/// Guarded, like everything it refers to, by the working tree's lock.
final class WorkingInode {
    /// What the inode is and holds.
    enum Body {
        case directory(WorkingDirectory)
        case regular(FileData)
        case symbolicLink([UInt8])
        case characterDevice(UInt64)
        case blockDevice(UInt64)
        case fifo
        case socket
    }

    /// Where a regular file's bytes are.
    enum FileData {
        /// Nowhere: it has none.
        case empty
        /// In the object store; never written to.
        case object(FileContent)
        /// In a file of this view's own.
        case own(OwnFile)
    }

    struct Flags: OptionSet {
        let rawValue: UInt8
        /// Differs, or may differ, from what the lower tree says.
        static let changed = Flags(rawValue: 1)
        /// A mount target that the tree does not have: shown, and not recorded by a freeze.
        static let synthesised = Flags(rawValue: 2)
        /// The kernel's page cache may be older than the file: writes may have gone past it.
        static let pagesStale = Flags(rawValue: 4)
        /// The own file was open for reading and writing in passthrough: a mapping of it may live
        /// on without an open file, and write. So nothing of it is cached until it is forgotten.
        static let mayBeMapped = Flags(rawValue: 8)
        /// Made without a name (`O_TMPFILE`), and may get one.
        static let awaitsName = Flags(rawValue: 16)
        /// The journal has it, and all directories above it: it stays known.
        static let recorded = Flags(rawValue: 32)
        /// The present operation changed it.
        static let noted = Flags(rawValue: 64)
    }

    /// One name of an inode.
    struct Place {
        unowned let parent: WorkingInode
        let name: LinkName
    }

    /// What only a changed or open inode has.
    final class Extras {
        var accessTime: FileTime
        var changeTime: FileTime
        /// Known names past the first.
        var places: [Place] = []
        var opened: OpenState?
        /// Numbers that the kernel got for the inode after the first, the present one last.
        var renewals: [InodeNumber] = []

        init(time: FileTime) {
            accessTime = time
            changeTime = time
        }

        /// Whether it has times that the tree, which has one time of a file, does not know.
        func hasTimes(besides time: FileTime) -> Bool {
            accessTime != time || changeTime != time
        }

        /// Whether nothing would be lost with it.
        func saysNothing(besides time: FileTime) -> Bool {
            !hasTimes(besides: time) && places.isEmpty && opened == nil && renewals.isEmpty
        }
    }

    /// `st_ino`, and the kernel's number unless there are renewals.
    let number: InodeNumber
    /// Under all its numbers.
    var lookupCount: UInt64 = 0
    var attributes: NodeAttributes
    var body: Body
    /// The identifier of its hard-link group in the lower tree.
    var group: UInt64?
    /// Names, known here or not. For directories 1, or 0 once removed.
    var linkCount: UInt32
    var flags: Flags = []
    /// A known name; nil for the root and for what has no name any more.
    var place: Place?
    var extras: Extras?
    /// The journal's last batch about it.
    var journaled: UInt64 = 0

    init(number: InodeNumber, attributes: NodeAttributes, body: Body) {
        self.number = number
        self.attributes = attributes
        self.body = body
        linkCount = 1
    }

    /// An inode of the lower tree.
    init(number: InodeNumber, node: Node) {
        self.number = number
        attributes = node.attributes
        body = Body(node.content)
        group = node.hardLink?.identifier
        linkCount = node.hardLink?.count ?? 1
    }

    var directory: WorkingDirectory? {
        if case .directory(let directory) = body { return directory }
        return nil
    }

    var isDirectory: Bool { directory != nil }

    var ownFile: OwnFile? {
        if case .regular(.own(let file)) = body { return file }
        return nil
    }

    var opened: OpenState? { extras?.opened }

    /// The number that lookups answer.
    var kernelNumber: InodeNumber { extras?.renewals.last ?? number }

    /// How long the kernel may remember attributes. It forgets by itself what its own reads and writes
    /// change, those in passthrough too; not what a mapping of the own file changes, nor what is
    /// changed under another of the inode's numbers.
    var attributesValidity: CacheValidity {
        let hasOneNumber = extras?.renewals.isEmpty ?? true
        return hasOneNumber && !flags.contains(.mayBeMapped) ? .forever : .none
    }

    /// Whether more than the modification time would be lost with it.
    var hasTimesOfItsOwn: Bool { extras?.hasTimes(besides: modificationTime) ?? false }

    /// The extras, made if there are none.
    func withExtras() -> Extras {
        if let extras { return extras }
        let made = Extras(time: modificationTime)
        extras = made
        return made
    }

    var modificationTime: FileTime {
        get { FileTime(attributes.modificationTime) }
        set { attributes.modificationTime = NodeTime(newValue) }
    }

    var changeTime: FileTime { extras?.changeTime ?? modificationTime }

    /// Sets the change time such that it differs from the last one: the host stamps several changes
    /// of one tick alike if they are of several files, and these may be one file here.
    func stampChange(at time: FileTime) {
        let last = changeTime
        let isAhead = time < last && last.seconds - time.seconds <= 1
        withExtras().changeTime = time == last || isAhead ? last.next : time
    }

    /// Whether a change of content or owner takes something from it.
    var losesPrivileges: Bool {
        attributes.permissions & 0o6000 != 0
            || attributes.extendedAttributes[XattrName.capability] != nil
    }

    // MARK: - Names

    func addPlace(_ name: LinkName, in parent: WorkingInode) {
        let added = Place(parent: parent, name: name)
        if place == nil {
            place = added
        } else {
            withExtras().places.append(added)
        }
    }

    func removePlace(_ name: LinkName, in parent: WorkingInode) {
        if let place, place.parent === parent, place.name == name {
            self.place = extras?.places.popLast()
        } else if let extras,
            let index = extras.places.firstIndex(where: {
                $0.parent === parent && $0.name == name
            })
        {
            extras.places.swapAt(index, extras.places.count - 1)
            extras.places.removeLast()
        }
    }

    var places: [Place] {
        guard let place else { return [] }
        return [place] + (extras?.places ?? [])
    }
}

extension WorkingInode.Body {
    init(_ content: NodeContent) {
        switch content {
        case .directory(let reference): self = .directory(WorkingDirectory(lower: reference))
        case .file(let file):
            self = .regular(file.sizeBytes == 0 ? .empty : .object(file))
        case .symbolicLink(let target): self = .symbolicLink(target)
        case .characterDevice(let device): self = .characterDevice(device.rawValue)
        case .blockDevice(let device): self = .blockDevice(device.rawValue)
        case .fifo: self = .fifo
        case .socket: self = .socket
        }
    }

    var isEmptyFile: Bool {
        if case .regular(.empty) = self { return true }
        return false
    }

    var type: FileType {
        switch self {
        case .directory: .directory
        case .regular: .regular
        case .symbolicLink: .symbolicLink
        case .characterDevice: .characterDevice
        case .blockDevice: .blockDevice
        case .fifo: .fifo
        case .socket: .socket
        }
    }
}

/// A file below the lease's work directory, or the container's.
final class OwnFile {
    let path: String
    /// Its name in a container.
    let number: UInt64
    /// See ``OpenedFile/Backing/identity``.
    let identity: UInt64
    /// As last seen.
    var sizeBytes: UInt64
    /// As last seen, in units of 512 bytes.
    var blocks: UInt64
    /// Nil once the file holds all of the inode's content.
    var partial: PartialCopy?
    /// The modification time that the host's file had when it was last seen.
    var hostTime = FileTime(seconds: 0)
    /// It is an object of the store as well: nobody may write to it.
    var isShared = false

    init(
        path: String, number: UInt64 = 0, identity: UInt64, sizeBytes: UInt64, blocks: UInt64,
        partial: PartialCopy?
    ) {
        self.path = path
        self.number = number
        self.identity = identity
        self.sizeBytes = sizeBytes
        self.blocks = blocks
        self.partial = partial
    }
}

extension FileTime {
    init(_ time: NodeTime) { self.init(seconds: time.seconds, nanoseconds: time.nanoseconds) }
}

extension NodeTime {
    init(_ time: FileTime) { self.init(seconds: time.seconds, nanoseconds: time.nanoseconds) }
}
