package import ImageSpec

/// What an OCI runtime reads from a bundle's `config.json` (OCI runtime-spec, config.md and
/// config-linux.md), as far as containers of ours need it.
package struct RuntimeSpec: Hashable, Sendable {
    package struct User: Hashable, Sendable {
        package var uid: UInt32
        package var gid: UInt32
        package var additionalGroups: [UInt32] = []
    }

    package struct Capabilities: Hashable, Sendable {
        package var bounding: [String]
        package var effective: [String]
        package var permitted: [String]
        /// What a process keeps over execve(2) without being root.
        package var ambient: [String] = []
    }

    package struct ResourceLimit: Hashable, Sendable {
        /// `RLIMIT_NOFILE` and the like.
        package var type: String
        package var soft: UInt64
        package var hard: UInt64

        package init(type: String, soft: UInt64, hard: UInt64) {
            self.type = type
            self.soft = soft
            self.hard = hard
        }
    }

    package struct Process: Hashable, Sendable {
        package var user: User
        package var arguments: [String]
        package var environment: [String]
        package var workingDirectory: String
        package var capabilities: Capabilities
        package var resourceLimits: [ResourceLimit] = []
        package var noNewPrivileges = false
        /// From -1000 to 1000 (proc(5), `oom_score_adj`); nil is the runtime's own.
        package var memoryKillerScore: Int?
        /// Whether the runtime gives it a terminal of its own and passes on what is typed.
        package var hasTerminal = false
    }

    package struct Mount: Hashable, Sendable {
        package var destination: String
        package var type: String
        package var source: String
        package var options: [String]

        package init(_ destination: String, _ type: String, _ source: String, _ options: [String]) {
            self.destination = destination
            self.type = type
            self.source = source
            self.options = options
        }
    }

    package enum NamespaceKind: String, Hashable, Sendable {
        case pid, network, ipc, uts, mount, cgroup
    }

    package struct Namespace: Hashable, Sendable {
        package var kind: NamespaceKind
        /// One that exists; nil makes a new one.
        package var path: String?
    }

    /// A device node that the runtime makes.
    package struct Device: Hashable, Sendable {
        package var path: String
        /// `c` or `b`.
        package var type: String
        package var major: Int64
        package var minor: Int64
        package var permissions: UInt32 = 0o666
        package var userID: UInt32 = 0
        package var groupID: UInt32 = 0
    }

    package struct DeviceRule: Hashable, Sendable {
        package var isAllowed: Bool
        /// `c` or `b`; nil is any.
        package var type: String?
        package var major: Int64?
        package var minor: Int64?
        /// Of `r`, `w` and `m`.
        package var access: String

        package init(
            isAllowed: Bool, type: String? = nil, major: Int64? = nil, minor: Int64? = nil,
            access: String
        ) {
            self.isAllowed = isAllowed
            self.type = type
            self.major = major
            self.minor = minor
            self.access = access
        }
    }

    /// Limits that control groups enforce; nil leaves as it is.
    package struct Resources: Hashable, Sendable {
        package var devices: [DeviceRule] = []
        package var memoryBytes: Int64?
        package var memoryAndSwapBytes: Int64?
        package var memoryReservationBytes: Int64?
        package var cpuShares: UInt64?
        package var cpuQuotaMicroseconds: Int64?
        package var cpuPeriodMicroseconds: UInt64?
        package var cpus: String?
        package var memoryNodes: String?
        package var processes: Int64?
        package var memorySwappiness: Int64?
        package var disablesMemoryKiller: Bool?
        package var realtimePeriodMicroseconds: Int64?
        package var realtimeRuntimeMicroseconds: Int64?
        package var blocks = BlockLimits()
    }

    /// What holds for block devices.
    package struct BlockLimits: Hashable, Sendable {
        package struct Device: Hashable, Sendable {
            package var major: UInt32
            package var minor: UInt32
            package var figure: UInt64

            package init(major: UInt32, minor: UInt32, figure: UInt64) {
                self.major = major
                self.minor = minor
                self.figure = figure
            }
        }

        package var weight: Int64?
        package var weights: [Device] = []
        /// Bytes and operations in a second.
        package var readBytes: [Device] = []
        package var writeBytes: [Device] = []
        package var readOperations: [Device] = []
        package var writeOperations: [Device] = []

        package init() {}
    }

    package var process: Process
    package var rootPath: String
    package var isRootReadOnly: Bool
    package var hostname: String?
    package var mounts: [Mount]
    package var namespaces: [Namespace]
    package var devices: [Device] = []
    package var resources = Resources()
    package var maskedPaths: [String]
    package var readonlyPaths: [String]
    package var seccomp: JSONValue?
    package var kernelParameters: [String: String] = [:]
    /// How mounts pass between the container's root and the host's; nil is the runtime's default.
    package var rootPropagation: String?
    package var cgroupsPath: String?
    package var annotations: [String: String] = [:]
}
