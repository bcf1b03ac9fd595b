internal import Glibc
internal import Synchronization

/// How many host files the views of this process keep open for programs.
///
/// Each file that is open for writing, or in passthrough, takes one of this process's descriptors.
/// Some are left for the work of a moment, so that who opens too many is refused and nobody else is:
/// reading and listing go on.
enum OpenFileBudget {
    /// What is left for others, where the limit allows: a descriptor or two for each of 32 serving
    /// threads, the database and the mount itself.
    private static let reserve = 128
    private static let open = Atomic(0)

    /// Half of a small limit.
    static func maximum(underLimit limit: Int) -> Int { limit - min(limit / 2, reserve) }

    static func opened() { open.add(1, ordering: .relaxed) }
    static func closed() { open.subtract(1, ordering: .relaxed) }

    /// Whether one more may be kept open. Several that ask at once may all be let in: the reserve
    /// is larger than the threads are many.
    static var hasRoom: Bool {
        let count = open.load(ordering: .relaxed)
        // The limit is asked for when it begins to matter.
        guard count >= 16 else { return true }
        var limit = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard unsafe getrlimit(resource, &limit) == 0 else { return true }
        let maximum = maximum(underLimit: Int(clamping: limit.rlim_cur))
        if count < maximum { return true }
        ViewLog.note(
            "programs have \(maximum) files of this process's views open, which is all that its "
                + "limit (ulimit -n \(limit.rlim_cur), LimitNOFILE= of a unit) leaves room for")
        return false
    }
}
