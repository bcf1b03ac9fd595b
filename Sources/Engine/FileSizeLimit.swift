internal import Glibc

/// How large a file a process may write (getrlimit(2), RLIMIT_FSIZE).
package enum FileSizeLimit {
    /// The limit is of the shell that this process was started from. What others write through a mount of
    /// this process is none of its business: it is raised as far as may be, and what is left of it is an
    /// error of the write (EFBIG), not the end of the process (SIGXFSZ).
    package static func raise() {
        _ = signal(SIGXFSZ, SIG_IGN)
        let resource = __rlimit_resource_t(RLIMIT_FSIZE.rawValue)
        var limit = rlimit()
        guard unsafe getrlimit(resource, &limit) == 0, limit.rlim_cur < limit.rlim_max else {
            return
        }
        limit.rlim_cur = limit.rlim_max
        // Where it may not be, files stay smaller.
        _ = unsafe setrlimit(resource, &limit)
    }
}
