internal import CFuse
internal import VirtualFS

/// The ioctl(2) commands on files that local disks answer and the kernel passes on (linux/fs.h).
enum ControlCommand: UInt32 {
    /// `FS_IOC_GETFLAGS` and `FS_IOC_SETFLAGS`, as 64-bit and 32-bit programs number them: lsattr, chattr.
    case getFlags = 0x8008_6601
    case getFlagsOf32Bits = 0x8004_6601
    case setFlags = 0x4008_6602
    case setFlagsOf32Bits = 0x4004_6602
    /// `FS_IOC_FSGETXATTR` and `FS_IOC_FSSETXATTR`: the same flags, a project and extent sizes.
    case getExtendedFlags = 0x801C_581F
    case setExtendedFlags = 0x401C_5820
}

extension Worker {
    /// No file of a view has a flag (immutable, append-only, …): reading them says so, and none can be
    /// set. Setting none succeeds, as for programs that copy flags. Other commands are not known
    /// (`ENOTTY`), as programs expect of a file system that lacks them; those on extents (`FIEMAP`,
    /// `FIBMAP`, `FICLONE`) the kernel answers itself.
    func control(
        _ command: UInt32, input: UnsafeRawBufferPointer, outputBytes: Int, _ reply: consuming Reply
    ) {
        switch ControlCommand(rawValue: command) {
        case .getFlags, .getFlagsOf32Bits, .getExtendedFlags:
            reply.controlled(zeros: min(outputBytes, Self.maximumControlBytes))
        case .setFlags, .setFlagsOf32Bits, .setExtendedFlags:
            guard unsafe input.allSatisfy({ $0 == 0 }) else { return reply.failure(.unsupported) }
            reply.controlled(zeros: 0)
        case nil: reply.failure(.other(errno: ENOTTY))
        }
    }

    /// `struct fsxattr`.
    private static let maximumControlBytes = 28
}
