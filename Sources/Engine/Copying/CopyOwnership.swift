internal import Glibc
internal import LinuxIO

/// Whose the copies become.
enum CopyOwnership: Sendable {
    /// The source's (`--archive`).
    case kept
    /// Root's of the container.
    case root
    /// The user's who copies: as files are made.
    case invoker

    /// The owner that is asked for; nil leaves it.
    func owner(of entry: CopiedEntry) -> (userID: UInt32, groupID: UInt32)? {
        switch self {
        case .kept: (entry.userID, entry.groupID)
        case .root: (0, 0)
        case .invoker: nil
        }
    }

    /// The mode of a copy. setuid and setgid are about an owner: where a file gets another one they
    /// go, as cp(1) has it.
    func permissions(of entry: CopiedEntry) -> UInt32 {
        guard entry.kind == .regular else { return entry.permissions }
        let owner = owner(of: entry) ?? (geteuid(), getegid())
        var permissions = entry.permissions
        if owner.userID != entry.userID { permissions &= ~0o4000 }
        if owner.groupID != entry.groupID { permissions &= ~0o2000 }
        return permissions
    }

    /// Only root gives files away; what others copy stays theirs.
    static let canGiveAway = geteuid() == 0
}
