/// One member of a tar archive, with every extension header already applied.
///
/// Names are the archive's bytes: a trailing slash of a directory, a leading slash or `..` are kept
/// and are the importer's to judge.
package struct TarEntry: Equatable, Sendable {
    package enum Kind: Equatable, Sendable {
        case regular
        case hardLink
        case symbolicLink
        case characterDevice
        case blockDevice
        case directory
        case fifo
        /// A type flag that neither POSIX nor GNU defines; its body, if any, is delivered as it is.
        case unknown(UInt8)

        /// Whether only a header stands for it. A size that such a header states is not followed by
        /// data: so read Go's archive/tar and Python's tarfile, and with them every container engine.
        package var isHeaderOnly: Bool {
            switch self {
            case .regular, .unknown: false
            case .hardLink, .symbolicLink, .characterDevice, .blockDevice, .directory, .fifo: true
            }
        }
    }

    package var path: [UInt8]
    package var kind: Kind
    /// What a symbolic link holds, or the path of the entry a hard link names. Else empty.
    package var linkTarget: [UInt8]
    /// Permission bits, `0o7777` at most.
    package var mode: UInt16
    package var uid: UInt32
    package var gid: UInt32
    /// The file's length as a reader of the file sees it, holes included; 0 for header-only kinds.
    package var sizeBytes: Int64
    package var modified: TarTime
    /// Of character and block devices; else 0.
    package var deviceMajor: UInt32
    package var deviceMinor: UInt32
    /// Extended attributes in bytewise order of their names, each name once. POSIX ACLs are among
    /// them, in the kernel's form.
    package var attributes: [TarAttribute]
    /// Where the stored bytes belong in the file, for a sparse file; `nil` if it is stored whole.
    ///
    /// Invariant: ascending, disjoint, within `sizeBytes`.
    package var extents: [TarExtent]?
    /// Keys of pax records that have a meaning for the file but could not be represented: an ACL
    /// that names users without their ids.
    package var ignoredRecords: [[UInt8]]

    package init(
        path: [UInt8],
        kind: Kind,
        linkTarget: [UInt8] = [],
        mode: UInt16 = 0,
        uid: UInt32 = 0,
        gid: UInt32 = 0,
        sizeBytes: Int64 = 0,
        modified: TarTime = TarTime(seconds: 0),
        deviceMajor: UInt32 = 0,
        deviceMinor: UInt32 = 0,
        attributes: [TarAttribute] = []
    ) {
        self.path = path
        self.kind = kind
        self.linkTarget = linkTarget
        self.mode = mode
        self.uid = uid
        self.gid = gid
        self.sizeBytes = sizeBytes
        self.modified = modified
        self.deviceMajor = deviceMajor
        self.deviceMinor = deviceMinor
        self.attributes = attributes
        self.extents = nil
        self.ignoredRecords = []
    }

    /// How many body bytes the archive holds for the entry: the data extents of a sparse file, the
    /// whole size of any other.
    package var storedSizeBytes: Int64 {
        // The reader has checked that extents are disjoint and within the size: no overflow.
        extents.map { $0.reduce(0) { $0 + $1.sizeBytes } } ?? sizeBytes
    }
}

/// One extended attribute: `security.capability`, `user.note`, `system.posix_acl_access`.
package struct TarAttribute: Equatable, Sendable {
    package var name: [UInt8]
    package var value: [UInt8]

    package init(name: [UInt8], value: [UInt8]) {
        self.name = name
        self.value = value
    }
}

/// A run of data in a sparse file; what lies between runs reads as zeros.
package struct TarExtent: Equatable, Sendable {
    package var offset: Int64
    package var sizeBytes: Int64

    package init(offset: Int64, sizeBytes: Int64) {
        self.offset = offset
        self.sizeBytes = sizeBytes
    }
}

/// A moment as the kernel counts it: whole seconds since 1970, rounded down, and nanoseconds above.
///
/// Invariant: `nanoseconds < 1_000_000_000`; half a second before 1970 is (-1, 500_000_000).
package struct TarTime: Equatable, Sendable {
    package var seconds: Int64
    package var nanoseconds: UInt32

    package init(seconds: Int64, nanoseconds: UInt32 = 0) {
        precondition(nanoseconds < 1_000_000_000, "nanoseconds are less than a second")
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }
}
