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
    }

    /// How far the container is kept from the host.
    package enum Security: Hashable, Sendable {
        /// Docker's defaults, with these capabilities.
        case standard(capabilities: [String])
        /// All capabilities, no seccomp, nothing masked (`--security=insecure`, `--privileged`).
        case privileged
    }

    /// The caps that control groups put on the container; they need a runtime that can use them.
    package struct Limits: Hashable, Sendable {
        package var memoryBytes: Int64?
        package var memoryAndSwapBytes: Int64?
        package var cpuShares: UInt64?
        package var cpuQuotaMicroseconds: Int64?
        package var cpuPeriodMicroseconds: UInt64?
        package var cpus: String?
        package var processes: Int64?

        package init() {}
        package var isEmpty: Bool { self == Limits() }
    }

    /// What `/etc/resolv.conf`, `/etc/hosts` and `/etc/hostname` hold; nil mounts no such file.
    package struct NameFiles: Hashable, Sendable {
        package var resolver: [UInt8]?
        package var hosts: [UInt8]?
        package var hostname: [UInt8]?

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
    package var sharedMemoryBytes: Int64
    /// Whether the command gets a terminal of its own: what is typed into the caller's goes to it, and
    /// its size follows. The container is then of the caller's process group, as a shell's job.
    package var hasTerminal: Bool

    package init(
        id: String, rootfs: String, arguments: [String], environment: [String] = [],
        workingDirectory: String = "/", user: UserSpecification.Resolved = .root,
        hostname: String = "buildkitsandbox", network: Network = .host,
        nameFiles: NameFiles, mounts: [Mount] = []
    ) {
        self.id = id
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
        sharedMemoryBytes = 64 << 20
        hasTerminal = false
    }

    /// The paths over which the runtime mounts something, parents first.
    package var mountTargets: [MountTarget] {
        MountTarget.standard + nameFiles.mountTargets
            + mounts.map { MountTarget($0.target, $0.kind) }
    }

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
        for path in [rootfs, workingDirectory] + mounts.map(\.target) where !path.hasPrefix("/") {
            throw fail("\"\(path.prefix(200))\" is no absolute path")
        }
        let strings = arguments + environment + mounts.map(\.target)
        guard !strings.contains(where: { $0.utf8.contains(0) }) else {
            throw fail("a NUL stands in an argument, a variable or a path")
        }
    }
}
