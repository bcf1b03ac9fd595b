internal import CFuse
internal import VirtualFS

/// What to ask of the kernel in the INIT exchange: partly through libfuse, and partly, where libfuse
/// 3.14 has no word for it, in the reply as it is sent.
struct Negotiation: Sendable {
    private let isWritable: Bool
    /// The kernel's flags, both words.
    private let offered: UInt64
    private(set) var capabilities = ConnectionCapabilities()

    /// Large enough for the biggest request of a kernel with its default limits (256 pages).
    static let maximumWriteBytes = 1 << 20
    /// Readahead in flight at a time: enough to keep two disks busy at 1 MiB each.
    private static let maximumBackgroundRequests: UInt32 = 32

    init(profile: ConnectionProfile, request: vitrine_init_in) {
        isWritable = profile == .writable
        let extended = UInt64(request.flags) & VITRINE_INIT_EXT != 0
        offered = UInt64(request.flags) | (extended ? UInt64(request.flags2) << 32 : 0)
        capabilities.protocolMinor = request.minor
    }

    /// The part that libfuse knows of.
    mutating func configure(_ connection: inout fuse_conn_info) {
        let capable = connection.capable
        var wanted: UInt32 = 0
        func want(_ capability: some BinaryInteger, if condition: Bool = true) -> Bool {
            let bit = UInt32(truncatingIfNeeded: capability)
            guard condition, capable & bit != 0 else { return false }
            wanted |= bit
            return true
        }
        _ = want(FUSE_CAP_ASYNC_READ)
        _ = want(FUSE_CAP_ASYNC_DIO)
        _ = want(FUSE_CAP_ATOMIC_O_TRUNC, if: isWritable)
        _ = want(FUSE_CAP_SPLICE_WRITE)
        _ = want(FUSE_CAP_SPLICE_MOVE)
        _ = want(FUSE_CAP_DONT_MASK, if: isWritable)
        // A dynamic file of a read-only view changes its mtime; a writable view's own writes do
        // too, and must not cost its page cache.
        _ = want(FUSE_CAP_AUTO_INVAL_DATA, if: !isWritable)
        capabilities.readDirectoryPlus = want(FUSE_CAP_READDIRPLUS)
        _ = want(FUSE_CAP_PARALLEL_DIROPS)
        _ = want(FUSE_CAP_IOCTL_DIR)
        capabilities.posixACL = want(FUSE_CAP_POSIX_ACL)
        capabilities.cachedSymbolicLinks = want(FUSE_CAP_CACHE_SYMLINKS)
        capabilities.openWithoutRequest = want(FUSE_CAP_NO_OPEN_SUPPORT)
        capabilities.openDirectoryWithoutRequest = want(FUSE_CAP_NO_OPENDIR_SUPPORT)
        connection.want = wanted
        connection.max_write = min(connection.max_write, UInt32(Self.maximumWriteBytes))
        connection.max_readahead = UInt32(Self.maximumWriteBytes)
        connection.max_background = Self.maximumBackgroundRequests
        connection.congestion_threshold = Self.maximumBackgroundRequests
        connection.time_gran = 1
        capabilities.maximumWriteBytes = Int(connection.max_write)
    }

    /// The part that it does not: changes the reply on its way out.
    /// - Parameter reply: the whole INIT reply, 64 bytes.
    mutating func amend(_ reply: inout vitrine_init_out) {
        // libfuse 3.14.0 asks for this one and leaves it out of the reply.
        var wanted = VITRINE_INIT_PARALLEL_DIROPS
        if isWritable {
            wanted |= VITRINE_INIT_HANDLE_KILLPRIV_V2 | VITRINE_INIT_SETXATTR_EXT
            wanted |= VITRINE_INIT_DIRECT_IO_ALLOW_MMAP | VITRINE_INIT_PASSTHROUGH
        }
        wanted &= offered
        if wanted >> 32 != 0 { wanted |= VITRINE_INIT_EXT }
        reply.flags |= UInt32(truncatingIfNeeded: wanted)
        if UInt64(reply.flags) & VITRINE_INIT_EXT != 0 {
            reply.flags2 |= UInt32(truncatingIfNeeded: wanted >> 32)
        }
        if wanted & VITRINE_INIT_PASSTHROUGH != 0 {
            // 1: files of plain file systems may back ours, and overlayfs may stack on us.
            reply.max_stack_depth = 1
        }
        capabilities.protocolMinor = min(capabilities.protocolMinor, reply.minor)
        capabilities.maximumReadAheadBytes = Int(reply.max_readahead)
        capabilities.clearsSetIDs = wanted & VITRINE_INIT_HANDLE_KILLPRIV_V2 != 0
        capabilities.parallelDirectoryOperations = wanted & VITRINE_INIT_PARALLEL_DIROPS != 0
        hasExtendedSetxattr = wanted & VITRINE_INIT_SETXATTR_EXT != 0
        capabilities.passthrough = .unavailable(
            !isWritable
                ? "read-only connections need none: they answer no OPEN"
                : "the kernel does not offer it (it does from Linux 6.9 on)")
        if wanted & VITRINE_INIT_PASSTHROUGH != 0 { capabilities.passthrough = .available }
    }

    /// Whether SETXATTR requests carry the second half of their structure.
    private(set) var hasExtendedSetxattr = false
}
