package import FileTree
package import VirtualFS

/// One state in the journal of a durable view; docs/journal.md draws the file.
///
/// Records say what is, not what was done: the last one about an inode or a name holds.
package enum JournalRecord: Hashable, Sendable {
    case inode(JournalInode)
    /// The name leads to the inode.
    case link(directory: InodeNumber, name: EntryName, inode: InodeNumber)
    /// The name is gone: also from what the lower directory has.
    case whiteout(directory: InodeNumber, name: EntryName)
    /// The inode has no name any more; its names inside, if it was a directory, are void.
    case gone(InodeNumber)
    /// Everything is durable up to the batch so many before this one.
    case commit(back: UInt64, boot: String)
    /// Everything before is durable; what a view starts from.
    case snapshotEnd(boot: String)
}

/// An inode that differs from what the lower tree says, or stands above one that does.
package struct JournalInode: Hashable, Sendable {
    package enum Body: Hashable, Sendable {
        /// - Parameter lower: nil for a new directory.
        case directory(lower: DirectoryReference?)
        case empty
        case object(FileContent)
        case own(JournalOwnFile)
        case symbolicLink([UInt8])
        case characterDevice(UInt64)
        case blockDevice(UInt64)
        case fifo
        case socket
    }

    package var number: InodeNumber
    package var attributes: NodeAttributes
    package var accessTime: FileTime
    package var changeTime: FileTime
    /// As a freeze sees it: see ``WorkingInode/Flags``.
    package var isChanged: Bool
    package var linkCount: UInt32
    /// The identifier of its hard-link group in the lower tree.
    package var group: UInt64?
    package var body: Body

    package init(
        number: InodeNumber, attributes: NodeAttributes, accessTime: FileTime,
        changeTime: FileTime, isChanged: Bool, linkCount: UInt32, group: UInt64?, body: Body
    ) {
        self.number = number
        self.attributes = attributes
        self.accessTime = accessTime
        self.changeTime = changeTime
        self.isChanged = isChanged
        self.linkCount = linkCount
        self.group = group
        self.body = body
    }
}

/// A file of the view's own as the journal knows it. What its host's file says when it is read
/// again is newer.
package struct JournalOwnFile: Hashable, Sendable {
    package var number: UInt64
    package var sizeBytes: UInt64
    /// The modification time of the host's file when the record was made. Another one later tells
    /// of a write.
    package var hostTime: FileTime
    /// Only some blocks are in the own file, the rest is the object's.
    package var partial: Partial?

    package struct Partial: Hashable, Sendable {
        package var object: FileContent
        /// What of the object is still part of the file.
        package var keptBytes: UInt64
        package init(object: FileContent, keptBytes: UInt64) {
            self.object = object
            self.keptBytes = keptBytes
        }
    }

    package init(number: UInt64, sizeBytes: UInt64, hostTime: FileTime, partial: Partial? = nil) {
        self.number = number
        self.sizeBytes = sizeBytes
        self.hostTime = hostTime
        self.partial = partial
    }
}

/// Why the journal of a view cannot be used.
package struct JournalError: Error, Sendable, CustomStringConvertible {
    package enum Code: Sendable {
        case notAJournal
        /// Made by a later version.
        case unsupportedVersion
        /// What it says contradicts itself or lacks something.
        case damaged
        /// The host refused to read or write it.
        case inputOutput
    }
    package let code: Code
    package let message: String
    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
    package var description: String { message }
}
