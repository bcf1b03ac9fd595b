package import ImageSpec

/// What to run, on which root filesystem, and in which surroundings.
package struct ContainerRequest: Sendable {
    /// A mount of the caller's: a bind of a host path or a tmpfs.
    package struct Mount: Hashable, Sendable {
        package enum Source: Hashable, Sendable {
            /// A directory or a file of the host.
            case host(path: String)
            /// Memory; nil leaves the size to the kernel.
            case memory(sizeBytes: Int64?)
        }

        package var source: Source
        /// Absolute, in the container.
        package var target: String
        package var kind: MountTarget.Kind
        package var isReadOnly: Bool
        /// Further options of mount(8), such as `mode=0700`.
        package var options: [String]
        /// Of a path of the host: whether what is mounted below it is shown, too.
        package var isRecursive = true
        /// `rprivate`, `rslave`, `rshared` and so on (mount_namespaces(7)).
        package var propagation = "rprivate"

        package init(
            source: Source, target: String, kind: MountTarget.Kind = .directory,
            isReadOnly: Bool = false, options: [String] = []
        ) {
            self.source = source
            self.target = target
            self.kind = kind
            self.isReadOnly = isReadOnly
            self.options = options
        }

        /// Of memory: those of its root; nil for all else.
        var ownPermissions: UInt32? {
            guard case .memory = source else { return nil }
            let mode = options.last { $0.hasPrefix("mode=") }
            return mode.flatMap { UInt32($0.dropFirst("mode=".count), radix: 8) } ?? 0o1777
        }
    }

    /// How far the container is kept from the host.
    package enum Security: Hashable, Sendable {
        /// Docker's defaults, with these capabilities.
        case standard(capabilities: [String])
        /// All capabilities, no seccomp, nothing masked (`--privileged`).
        case privileged
        /// The same, and users other than root hold the capabilities, too (`--security=insecure`).
        case insecure
    }

    /// Which system calls are let through (seccomp(2)).
    package enum Filter: Hashable, Sendable {
        /// ``SeccompProfile`` with the container's capabilities; nothing for privileged ones.
        case standard
        case unconfined
        /// The runtime's document.
        case document(JSONValue)
    }

    /// A device of the host.
    package struct Device: Hashable, Sendable {
        package var hostPath: String
        /// Absolute, in the container.
        package var path: String
        /// Of `r`, `w` and `m`; control groups enforce it.
        package var access: String
        package var isBlock: Bool
        package var major: UInt32
        package var minor: UInt32
        package var permissions: UInt32
        package var userID: UInt32
        package var groupID: UInt32

        package init(
            hostPath: String, path: String, access: String = "rwm", isBlock: Bool, major: UInt32,
            minor: UInt32, permissions: UInt32 = 0o666, userID: UInt32 = 0, groupID: UInt32 = 0
        ) {
            self.hostPath = hostPath
            self.path = path
            self.access = access
            self.isBlock = isBlock
            self.major = major
            self.minor = minor
            self.permissions = permissions
            self.userID = userID
            self.groupID = groupID
        }
    }

    /// Where a namespace of the container comes from.
    package enum NamespaceOrigin: Hashable, Sendable {
        case own
        case host
        /// The one that a path of the host leads to, such as `/proc/PID/ns/ipc`.
        case joined(path: String)
    }

    /// What stands at its `/dev/shm`.
    package enum SharedMemory: Hashable, Sendable {
        case own(sizeBytes: Int64)
        /// A directory of the host, in memory.
        case host(path: String)
        case none

        /// What Docker gives one.
        package static let standardBytes: Int64 = 64 << 20
    }

    /// The caps that control groups put on the container; they need a runtime that can use them.
    package struct Limits: Hashable, Sendable {
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
        package var blocks = RuntimeSpec.BlockLimits()

        package init() {}
        package var isEmpty: Bool { self == Limits() }
    }

    /// What `/etc/resolv.conf`, `/etc/hosts` and `/etc/hostname` hold; nil mounts no such file.
    package struct NameFiles: Hashable, Sendable {
        package var resolver: [UInt8]?
        package var hosts: [UInt8]?
        package var hostname: [UInt8]?
        /// A directory of the host where they are kept, and written to by the container; nil keeps
        /// them with the bundle, for reading only.
        package var directory: String?

        package init(resolver: [UInt8]?, hosts: [UInt8]?, hostname: [UInt8]?) {
            self.resolver = resolver
            self.hosts = hosts
            self.hostname = hostname
        }

        /// Each file's name below `/etc`, and in the bundle, with what it holds.
        var files: [(name: String, content: [UInt8])] {
            [("resolv.conf", resolver), ("hosts", hosts), ("hostname", hostname)]
                .compactMap { name, content in content.map { (name, $0) } }
        }

        var mountTargets: [MountTarget] { files.map { MountTarget("/etc/\($0.name)", .file) } }
    }

    /// Letters, digits, `_`, `.` and `-`, at most 128; unique among the containers of a runtime.
    package var id: String
    /// The name of the control group that the runtime makes, where it makes one. A runtime that removes
    /// the group of a run may be late, when its caller was killed: no other run has one of that name.
    package var controlGroup: String
    /// The group above it; nil is the usual one, and what is not absolute is below that one.
    package var controlGroupParent: String?
    /// Whether its own control group is the root of those it sees; nil is as the runtime's choice says.
    package var hasOwnControlGroups: Bool?
    /// An absolute path of the host. The runtime binds it, so it need not be a mount point.
    package var rootfs: String
    package var arguments: [String]
    /// `NAME=value`; a `PATH` is added where there is none.
    package var environment: [String]
    package var workingDirectory: String
    package var user: UserSpecification.Resolved
    package var hostname: String
    package var network: Network
    package var nameFiles: NameFiles
    package var mounts: [Mount]
    package var security: Security
    package var limits: Limits
    /// As `--ulimit` gives them; the host's hold for the others.
    package var resourceLimits: [RuntimeSpec.ResourceLimit]
    package var isRootReadOnly: Bool
    package var sharedMemory = SharedMemory.own(sizeBytes: SharedMemory.standardBytes)
    /// Whether the command gets a terminal of its own: what is typed into the caller's goes to it, and
    /// its size follows. The container is then of the caller's process group, as a shell's job.
    package var hasTerminal: Bool
    /// The capabilities aside, which system calls it may make.
    package var filter = Filter.standard
    /// Whether no program can give it more rights (prctl(2), PR_SET_NO_NEW_PRIVS).
    package var hasNoNewPrivileges = false
    /// Besides the standard ones. Privileged containers have these instead of BuildKit's.
    package var devices: [Device] = []
    /// Devices without a node that may be used all the same.
    package var deviceRules: [RuntimeSpec.DeviceRule] = []
    /// Of its processes, from -1000 to 1000; nil is the caller's.
    package var memoryKillerScore: Int?
    /// For the runtime and its hooks.
    package var annotations: [String: String] = [:]
    /// `net.core.somaxconn` and the like (sysctl(8)).
    package var kernelParameters: [String: String] = [:]
    package var processes = NamespaceOrigin.own
    package var interprocess = NamespaceOrigin.own
    package var names = NamespaceOrigin.own
    /// A program of the host that becomes the first process, runs the command, passes signals on to
    /// it and reaps orphans; called as `INIT -- COMMAND`.
    package var initProgram: String?
    /// Whether what shows and changes the host's kernel is left uncovered.
    package var showsSystemPaths = false

    package init(
        id: String, rootfs: String, arguments: [String], environment: [String] = [],
        workingDirectory: String = "/", user: UserSpecification.Resolved = .root,
        hostname: String = "buildkitsandbox", network: Network = .host,
        nameFiles: NameFiles, mounts: [Mount] = []
    ) {
        self.id = id
        controlGroup = "vitrine-\(id)"
        self.rootfs = rootfs
        self.arguments = arguments
        self.environment = environment
        self.workingDirectory = workingDirectory
        self.user = user
        self.hostname = hostname
        self.network = network
        self.nameFiles = nameFiles
        self.mounts = mounts
        security = .standard(capabilities: Capability.standard)
        limits = Limits()
        resourceLimits = []
        isRootReadOnly = false
        hasTerminal = false
    }

    /// What only a runtime that makes a control group for the container can do; nil if nothing is asked.
    var groupNeed: String? {
        if !limits.isEmpty { return "limit a container's resources" }
        if !deviceRules.isEmpty { return "let a container use devices by a rule" }
        return controlGroupParent == nil ? nil : "put a container below a control group"
    }

    /// - Throws: `invalidRequest` for what the runtime has no control groups for.
    func validate(for choice: RuntimeChoice) throws(SandboxError) {
        try validate()
        guard choice.controlGroups != .native, let groupNeed else { return }
        throw SandboxError(
            .invalidRequest, "the runtime in use cannot \(groupNeed)",
            hint: "install a runtime that can use this host's control groups")
    }

    /// The paths over which the runtime mounts something, parents first.
    package var mountTargets: [MountTarget] {
        MountTarget.standard + nameFiles.mountTargets
            + mounts.map { MountTarget($0.target, $0.kind, permissions: $0.ownPermissions) }
            + (initProgram == nil ? [] : [MountTarget(Self.initPath, .file)])
    }

    /// Where ``initProgram`` stands in the container.
    static let initPath = "/sbin/docker-init"

    /// `PATH` where nobody sets one.
    package static let defaultPath =
        "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// - Throws: `invalidRequest`.
    func validate() throws(SandboxError) {
        func fail(_ message: String) -> SandboxError { SandboxError(.invalidRequest, message) }
        let isPlain = id.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."),
                UInt8(ascii: "-"):
                true
            default: false
            }
        }
        guard isPlain, !id.isEmpty, id.utf8.count <= 128, id != ".", id != ".." else {
            throw fail("\"\(id.prefix(140))\" cannot name a container")
        }
        guard !arguments.isEmpty, !arguments[0].isEmpty else {
            throw fail("there is no command to run")
        }
        let paths = [rootfs, workingDirectory] + mounts.map(\.target) + devices.map(\.path)
        for path in paths where !path.hasPrefix("/") {
            throw fail("\"\(path.prefix(200))\" is no absolute path")
        }
        let strings = arguments + environment + mounts.map(\.target)
        guard !strings.contains(where: { $0.utf8.contains(0) }) else {
            throw fail("a NUL stands in an argument, a variable or a path")
        }
    }
}
