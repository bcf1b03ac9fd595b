internal import Glibc
internal import ImageSpec
internal import LinuxIO

/// Whom a store must belong to: who can change it decides what its images hold.
package enum StoreOwnership {
    /// - Throws: ``EngineError`` `invalid` for a directory of another user's, or one that all can
    ///   write to. Root may use any user's.
    static func check(_ root: String, user: UInt32 = geteuid()) throws {
        // One that is not there is made; what cannot be looked at is told by opening it.
        guard let status = try? FileStatus(ofPath: root), status.kind == .directory else { return }
        try check(root, owner: status.userID, permissions: status.mode, user: user)
    }

    package static func check(_ root: String, owner: UInt32, permissions: UInt32, user: UInt32)
        throws
    {
        guard user == 0 || owner == user else {
            throw EngineError(
                .invalid, "the store at \(root.visible) belongs to the user \(owner), not to you",
                hint: "two users do not share a store; name your own with --root")
        }
        guard permissions & 0o002 == 0 else {
            throw EngineError(
                .invalid, "everyone can write to \(root.visible), so it cannot be a store",
                hint: "\"chmod o-w\" closes it")
        }
    }
}
