internal import Glibc
internal import Sandbox

/// How many files a process may have open (getrlimit(2), RLIMIT_NOFILE).
package enum OpenFileLimit {
    /// Docker's for containers.
    private static let containerMaximum: UInt64 = 1_048_576

    /// Lets this process open as many files as it may: a view has one open for each that its users
    /// have, and the usual limit of 1,024 is for programs that call select(2).
    package static func raise() {
        guard var limit = current, limit.rlim_cur < limit.rlim_max else { return }
        limit.rlim_cur = limit.rlim_max
        // Where it may not be, views do with less.
        _ = unsafe setrlimit(resource, &limit)
    }

    /// What the processes of containers get, whatever this one was started with.
    static var forContainers: [RuntimeSpec.ResourceLimit] {
        guard let limit = current else { return [] }
        let count = min(containerMaximum, UInt64(limit.rlim_max))
        return [.init(type: "RLIMIT_NOFILE", soft: count, hard: count)]
    }

    private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)

    private static var current: rlimit? {
        var limit = rlimit()
        return unsafe getrlimit(resource, &limit) == 0 ? limit : nil
    }
}
