/// What a build gives to its RUN steps, and allows them.
package struct RunOptions: Sendable {
    /// By id; of several with one id the last counts.
    package var secrets: [SecretSource] = []
    package var agents: [AgentSource] = []
    /// Whether `--security=insecure` may be (`--allow security.insecure`).
    package var allowsInsecure = false
    package var resourceLimits: [ResourceLimitOption] = []
    package var sharedMemoryBytes: Int64?
    package var extraHosts: [ExtraHost] = []

    package init() {}

    func secret(_ id: String) -> SecretSource? { secrets.last { $0.id == id } }
    func agent(_ id: String) -> AgentSource? { agents.last { $0.id == id } }
}

/// `--secret`: where the bytes of a secret come from. They are read when a step needs them.
package struct SecretSource: Sendable {
    package enum Origin: Sendable {
        /// An absolute path of the host.
        case file(path: String)
        /// A variable's value, which the caller has looked up.
        case value([UInt8])
    }

    package var id: String
    package var origin: Origin

    package init(id: String, origin: Origin) {
        self.id = id
        self.origin = origin
    }

    /// BuildKit's.
    package static let maximumBytes = 500 << 10
}

/// `--ssh`: an agent, or the keys for one.
package struct AgentSource: Hashable, Sendable {
    package var id: String
    /// The socket of an agent, or files with private keys; absolute.
    package var paths: [String]

    package init(id: String, paths: [String]) {
        self.id = id
        self.paths = paths
    }
}

/// `--ulimit name=soft[:hard]`
package struct ResourceLimitOption: Hashable, Sendable {
    /// As Docker and setrlimit(2) in lower case: `nofile`.
    package var name: String
    package var soft: UInt64
    package var hard: UInt64

    /// docker/go-units' names.
    private static let names: Set<String> = [
        "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc",
        "rss", "rtprio", "rttime", "sigpending", "stack",
    ]

    /// - Throws: `invalidArgument`.
    package init(parsing text: String) throws(BuildError) {
        func invalid(_ reason: String) -> BuildError {
            BuildError(
                .invalidArgument, "invalid ulimit \"\(text)\": \(reason)",
                expected: "NAME=SOFT or NAME=SOFT:HARD, such as nofile=1024:2048")
        }
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { throw invalid("it has no value") }
        name = String(parts[0])
        guard Self.names.contains(name) else { throw invalid("there is no limit \"\(name)\"") }
        let values = parts[1].split(separator: ":", omittingEmptySubsequences: false)
        guard (1...2).contains(values.count), let soft = Self.number(values[0]),
            let hard = Self.number(values[values.count - 1])
        else { throw invalid("\"\(parts[1])\" is no number; -1 is no limit") }
        guard soft <= hard else { throw invalid("the soft limit is above the hard one") }
        self.soft = soft
        self.hard = hard
    }

    /// -1 is RLIM_INFINITY.
    private static func number(_ text: Substring) -> UInt64? {
        text == "-1" ? .max : UInt64(text)
    }

    /// As the runtime-spec names it.
    package var type: String { "RLIMIT_\(name.uppercased())" }
}
