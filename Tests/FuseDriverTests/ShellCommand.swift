import Glibc

/// A command of sh(1), run in a process of its own.
enum ShellCommand {
    /// Runs a command to its end and answers its exit status; -1 if it could not be run.
    static func run(_ text: String, asUser user: Int? = nil) -> Int32 {
        wait(start(text, asUser: user))
    }

    /// Starts a command and answers its process id; -1 if it could not be started.
    static func start(_ text: String, asUser user: Int? = nil) -> pid_t {
        var arguments = ["sh", "-c", text]
        if let user {
            arguments =
                ["setpriv", "--reuid", "\(user)", "--regid", "\(user)", "--clear-groups", "--"]
                + arguments
        }
        var vector = unsafe arguments.map { unsafe strdup($0) } + [nil]
        defer { unsafe vector.forEach { unsafe free($0) } }
        var child: pid_t = -1
        // The threads of tests block signals, which a child would inherit.
        var (attributes, signals) = (posix_spawnattr_t(), sigset_t())
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        unsafe sigemptyset(&signals)
        unsafe posix_spawnattr_setsigmask(&attributes, &signals)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        let failure = unsafe posix_spawnp(
            &child, arguments[0], nil, &attributes, &vector, environ)
        return failure == 0 ? child : -1
    }

    static func wait(_ child: pid_t) -> Int32 {
        var status: Int32 = 0
        guard child > 0, unsafe waitpid(child, &status, 0) == child else { return -1 }
        return status & 0x7f == 0 ? status >> 8 & 0xff : -1
    }
}
