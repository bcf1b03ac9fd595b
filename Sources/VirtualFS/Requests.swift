/// Who asks: the calling process as the kernel reports it.
package struct RequestContext: Hashable, Sendable {
    package var userID: UInt32
    package var groupID: UInt32
    package init(userID: UInt32 = 0, groupID: UInt32 = 0) {
        self.userID = userID
        self.groupID = groupID
    }
}

/// A name in a directory.
package struct DirectoryPlace: Hashable, Sendable {
    package var parent: InodeNumber
    package var name: [UInt8]
    package init(parent: InodeNumber, name: [UInt8]) {
        self.parent = parent
        self.name = name
    }
}

/// What is to be made, and by whom.
package struct NodeCreation: Hashable, Sendable {
    package var place: DirectoryPlace
    /// Type and permission bits as the caller gave them; ``umask`` is not yet applied, since a
    /// default ACL of the parent takes its place (acl(5)).
    package var mode: UInt32
    package var umask: UInt32
    /// For device nodes, in `makedev(3)` form.
    package var device: UInt64
    package var context: RequestContext
    package init(
        place: DirectoryPlace, mode: UInt32, umask: UInt32 = 0, device: UInt64 = 0,
        context: RequestContext
    ) {
        self.place = place
        self.mode = mode
        self.umask = umask
        self.device = device
        self.context = context
    }
}

/// The attributes that `chmod`, `chown`, `truncate` and `utimensat` change; nil is left alone.
package struct AttributeChanges: Hashable, Sendable {
    package enum Time: Hashable, Sendable {
        case now
        case at(FileTime)
    }
    /// Permission bits (07777).
    package var permissions: UInt32?
    package var userID: UInt32?
    package var groupID: UInt32?
    package var sizeBytes: UInt64?
    package var accessTime: Time?
    package var modificationTime: Time?
    package var changeTime: FileTime?
    /// The caller's privileges require setuid and setgid to be dropped (write, truncate, chown).
    package var clearSetIDs: Bool
    /// Who makes the change.
    package var context = RequestContext()

    package init(
        permissions: UInt32? = nil, userID: UInt32? = nil, groupID: UInt32? = nil,
        sizeBytes: UInt64? = nil, accessTime: Time? = nil, modificationTime: Time? = nil,
        changeTime: FileTime? = nil, clearSetIDs: Bool = false
    ) {
        self.permissions = permissions
        self.userID = userID
        self.groupID = groupID
        self.sizeBytes = sizeBytes
        self.accessTime = accessTime
        self.modificationTime = modificationTime
        self.changeTime = changeTime
        self.clearSetIDs = clearSetIDs
    }

    /// chown(2) that changes neither owner nor group, or the loss of setuid and setgid by a write that
    /// the kernel makes by itself: nothing is named, yet it is a change.
    package var isEmpty: Bool {
        permissions == nil && userID == nil && groupID == nil && sizeBytes == nil
            && accessTime == nil && modificationTime == nil && changeTime == nil && !clearSetIDs
    }
}

/// The flags of `open(2)`, as Linux numbers them.
package struct OpenFlags: OptionSet, Hashable, Sendable {
    package let rawValue: Int32
    package init(rawValue: Int32) { self.rawValue = rawValue }

    package static let readOnly = OpenFlags([])
    package static let writeOnly = OpenFlags(rawValue: 0o1)
    package static let readWrite = OpenFlags(rawValue: 0o2)
    package static let exclusive = OpenFlags(rawValue: 0o200)
    package static let truncate = OpenFlags(rawValue: 0o1000)
    /// `O_DSYNC`, which `O_SYNC` includes.
    package static let synchronous = OpenFlags(rawValue: 0o10000)

    /// Whether the descriptor may write.
    package var writes: Bool { rawValue & 0o3 != 0 }
    /// Whether the descriptor may read.
    package var reads: Bool { rawValue & 0o3 != 1 }
}

/// The forms of renameat2(2).
package enum RenameMode: Hashable, Sendable {
    case replace, noReplace, exchange
    /// As `replace`, or `noReplace`; a character device 0, 0 of the caller's takes the old name, which is
    /// how overlayfs marks what is gone.
    case leaveWhiteout(by: RequestContext, replaces: Bool)
}

/// The flags of setxattr(2).
package enum ExtendedAttributeMode: Sendable {
    case createOrReplace, create, replace
}

/// A position in an open file.
package struct FileRange: Hashable, Sendable {
    package var inode: InodeNumber
    package var handle: FileHandle
    package var offset: UInt64
    package init(inode: InodeNumber, handle: FileHandle, offset: UInt64) {
        self.inode = inode
        self.handle = handle
        self.offset = offset
    }
}

/// An open file as the file system answers it.
package struct OpenedFile: Hashable, Sendable {
    /// What the kernel's page cache may do for this open.
    package enum Caching: Hashable, Sendable {
        /// Keep the pages that earlier opens left.
        case keep
        /// Drop them first.
        case discard
        /// No page cache: every read and write reaches the file system.
        case direct
    }

    /// A file of the host that serves this inode's content from here on, if the kernel offers
    /// passthrough.
    ///
    /// The kernel serves an inode from one backing as long as any open is in passthrough. While one
    /// is, every further open has to come with a backing: one with the same ``identity`` shares it,
    /// any other, or none, makes the driver ask for ``FileSystem/renew(_:)``.
    package struct Backing: Hashable, Sendable {
        /// Borrowed: stays open at least until ``FileSystem/release(_:handle:)``.
        package var descriptor: Int32
        /// Equal for descriptors of the same host file.
        package var identity: UInt64
        /// The file system has to see the writes through this open: they do not pass it by.
        package var isObserved: Bool
        /// The identity is this file's for ever, and the file stays: it may be kept registered with
        /// the kernel for the next open.
        package var isLasting: Bool
        package init(
            descriptor: Int32, identity: UInt64, isObserved: Bool = false, isLasting: Bool = false
        ) {
            self.descriptor = descriptor
            self.identity = identity
            self.isObserved = isObserved
            self.isLasting = isLasting
        }
    }

    package var handle: FileHandle
    package var caching: Caching
    package var backing: Backing?
    package init(handle: FileHandle, caching: Caching = .keep, backing: Backing? = nil) {
        self.handle = handle
        self.caching = caching
        self.backing = backing
    }
}

/// Where the bytes of a read come from; valid during the `deliver` call only.
package enum ReadSource {
    case bytes(ArraySlice<UInt8>)
    /// At most `size` bytes at `offset` of a host file.
    case descriptor(Int32, offset: UInt64, size: Int)
}

/// How a connection is set up. An `ENOSYS` answer holds for the whole connection, hence two.
package enum ConnectionProfile: Hashable, Sendable {
    /// Immutable content: OPEN, OPENDIR and FLUSH cost no round trip; everything is cached.
    /// - Parameter extendedAttributes: false answers `getxattr` for the whole connection at once.
    case readOnly(extendedAttributes: Bool)
    /// Real opens with passthrough where the kernel gives it.
    case writable
}

/// Tells the kernel that what it remembers is no longer so, and what became of who asked. Nothing is
/// invalidated while the file system holds a lock that a request may wait for.
package protocol KernelNotifier: Sendable {
    func invalidateEntry(_ name: [UInt8], in parent: InodeNumber)
    func invalidateInode(_ inode: InodeNumber)
    /// Whether the program that waits for the calling thread's request was killed. It ends only when the
    /// request is answered, so long work asks now and then, and gives up with
    /// ``FileSystemError/interrupted``. Signals that a program survives do not count, as on a local disk.
    var isCallerKilled: Bool { get }
}

extension KernelNotifier {
    package var isCallerKilled: Bool { false }
}
