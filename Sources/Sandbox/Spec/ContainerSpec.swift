internal import ImageSpec

/// Turns a request into the runtime's document, with Docker's defaults where it says nothing
/// (moby's `oci/defaults.go`).
struct ContainerSpec {
    let request: ContainerRequest
    let choice: RuntimeChoice
    /// Where the bundle's files stand on the host.
    let bundlePath: String
    /// The network namespace to join; nil makes one or shares the host's, as the request says.
    var networkPath: String?
    var rootless: RootlessMapping?
    /// What this process can pass on; nil is everything.
    var heldCapabilities: Set<String>?

    private static let bind = ["rbind", "rprivate"]

    /// What shows the host's kernel and hardware, hidden from the container.
    private static let maskedPaths = [
        "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys",
        "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi", "/proc/timer_list",
        "/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware",
    ]

    /// What would let the container change the host's kernel.
    private static let readonlyPaths = [
        "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
    ]

    /// What BuildKit gives such steps: messages of the kernel, file systems in user space, virtual
    /// machines, tunnels, loop devices.
    private static let privilegedDevices: [RuntimeSpec.Device] =
        [
            ("/dev/kmsg", 1, 11), ("/dev/cuse", 10, 203), ("/dev/fuse", 10, 229),
            ("/dev/kvm", 10, 232), ("/dev/net/tun", 10, 200), ("/dev/loop-control", 10, 237),
        ].map { .init(path: $0, type: "c", major: $1, minor: $2) }
        + (0..<8).map { .init(path: "/dev/loop\($0)", type: "b", major: 7, minor: $0) }

    private var isPrivileged: Bool { request.security == .privileged }

    private var capabilityNames: [String] {
        switch request.security {
        case .standard(let capabilities): capabilities
        case .privileged: Capability.all
        }
    }

    var document: RuntimeSpec {
        var spec = RuntimeSpec(
            process: process, rootPath: request.rootfs, isRootReadOnly: request.isRootReadOnly,
            hostname: request.hostname, mounts: mounts, namespaces: namespaces,
            maskedPaths: isPrivileged ? [] : Self.maskedPaths,
            readonlyPaths: isPrivileged ? [] : Self.readonlyPaths)
        if let rootless {
            spec.userMappings = rootless.users
            spec.groupMappings = rootless.groups
        }
        if isPrivileged, rootless == nil { spec.devices = Self.privilegedDevices }
        if choice.controlGroups == .native, rootless == nil { addControlGroups(&spec) }
        addFilter(&spec)
        return spec
    }

    private var process: RuntimeSpec.Process {
        let names = capabilityNames.filter { heldCapabilities?.contains($0) ?? true }
        // As Docker: who is not root has none, and can get those that are bounded here through
        // files that carry them.
        let held = request.user.uid == 0 || isPrivileged ? names : []
        var environment = request.environment
        if !environment.contains(where: { $0.hasPrefix("PATH=") }) {
            environment.insert("PATH=\(ContainerRequest.defaultPath)", at: 0)
        }
        // The own group is among the further ones, or a file that shuts it out could be opened by
        // dropping it (CVE-2022-2989).
        let groups = [request.user.gid] + request.user.additionalGroups
        return RuntimeSpec.Process(
            user: .init(
                uid: request.user.uid, gid: request.user.gid,
                additionalGroups: rootless?.isSingle == true ? [] : groups),
            arguments: request.arguments, environment: environment,
            workingDirectory: request.workingDirectory,
            capabilities: .init(
                bounding: names, effective: held, permitted: held,
                ambient: isPrivileged ? names : []),
            resourceLimits: request.resourceLimits, hasTerminal: request.hasTerminal)
    }

    private var namespaces: [RuntimeSpec.Namespace] {
        var kinds: [RuntimeSpec.NamespaceKind] = [.pid, .ipc, .uts, .mount]
        // Version 1 has no namespaces worth having; Docker, too, uses the host's there.
        if choice.kind == .crun { kinds.append(.cgroup) }
        if rootless != nil { kinds.append(.user) }
        var namespaces = kinds.map { RuntimeSpec.Namespace(kind: $0, path: nil) }
        switch request.network {
        case .host: break
        case .none, .isolated:
            namespaces.append(RuntimeSpec.Namespace(kind: .network, path: networkPath))
        }
        return namespaces
    }

    // MARK: - Mounts

    private var mounts: [RuntimeSpec.Mount] {
        var mounts = deviceGuard
        mounts.append(.init("/proc", "proc", "proc", ["nosuid", "noexec", "nodev"]))
        mounts += devices
        mounts += systemFiles
        mounts += nameFiles
        mounts += request.mounts.map(mount)
        return mounts
    }

    /// Without a device controller nobody stands between a device node and the device: nodes in the
    /// root filesystem are shut off by `nodev`.
    ///
    /// crun clears the flags of the root's own mount before it makes the others; `/.` is the root
    /// by a name that it does not treat specially. ``RuntimeProbe`` sees to it that this holds.
    private var deviceGuard: [RuntimeSpec.Mount] {
        guard guardsDevices else { return [] }
        return [.init("/.", "bind", request.rootfs, ["bind", "remount", "nodev"])]
    }

    private var guardsDevices: Bool {
        choice.controlGroups == .disabled && rootless == nil && !isPrivileged
    }

    private var devices: [RuntimeSpec.Mount] {
        var options = ["nosuid", "strictatime", "mode=755", "size=65536k"]
        var mounts: [RuntimeSpec.Mount] = []
        if guardsDevices {
            // Nodes made here would work; those of the host that everybody may use are bound.
            options.append("nodev")
            mounts = ["null", "zero", "full", "random", "urandom", "tty"].map {
                .init("/dev/\($0)", "bind", "/dev/\($0)", ["bind", "nosuid", "noexec"])
            }
        }
        mounts.insert(.init("/dev", "tmpfs", "tmpfs", options), at: 0)
        var terminals = ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]
        if rootless?.isSingle != true { terminals.append("gid=5") }
        mounts.append(.init("/dev/pts", "devpts", "devpts", terminals))
        mounts.append(
            .init(
                "/dev/shm", "tmpfs", "shm",
                ["nosuid", "noexec", "nodev", "mode=1777", "size=\(request.sharedMemoryBytes)"]))
        mounts.append(.init("/dev/mqueue", "mqueue", "mqueue", ["nosuid", "noexec", "nodev"]))
        return mounts
    }

    private var systemFiles: [RuntimeSpec.Mount] {
        let access = isPrivileged ? "rw" : "ro"
        let options = ["nosuid", "noexec", "nodev", access]
        // A new sysfs belongs to who owns the network namespace; others bind the host's.
        if rootless != nil, request.network == .host {
            return [.init("/sys", "bind", "/sys", ["rbind"] + options)]
        }
        return [
            .init("/sys", "sysfs", "sysfs", options),
            .init("/sys/fs/cgroup", "cgroup", "cgroup", options),
        ]
    }

    private var nameFiles: [RuntimeSpec.Mount] {
        request.nameFiles.files.map { name, _ in
            // As BuildKit: a command that changes them would change nothing.
            .init("/etc/\(name)", "bind", "\(bundlePath)/\(name)", Self.bind + ["ro"])
        }
    }

    private func mount(_ mount: ContainerRequest.Mount) -> RuntimeSpec.Mount {
        let access = mount.isReadOnly ? "ro" : "rw"
        switch mount.source {
        case .host(let path):
            var options = Self.bind + [access] + mount.options
            if guardsDevices { options.append("nodev") }
            return .init(mount.target, "bind", path, options)
        case .memory(let size):
            var options = ["nosuid", "nodev", access] + mount.options
            if let size { options.append("size=\(size)") }
            return .init(mount.target, "tmpfs", "tmpfs", options)
        }
    }

    // MARK: - Control groups and filter

    private func addControlGroups(_ spec: inout RuntimeSpec) {
        let limits = request.limits
        spec.resources = RuntimeSpec.Resources(
            devices: isPrivileged
                ? [.init(isAllowed: true, access: "rwm")] : Self.deviceRules,
            memoryBytes: limits.memoryBytes, memoryAndSwapBytes: limits.memoryAndSwapBytes,
            cpuShares: limits.cpuShares, cpuQuotaMicroseconds: limits.cpuQuotaMicroseconds,
            cpuPeriodMicroseconds: limits.cpuPeriodMicroseconds, cpus: limits.cpus,
            processes: limits.processes)
        // No common parent, which nobody would remove.
        spec.cgroupsPath = "/vitrine-\(request.id)"
    }

    /// All nodes may be made; null, full, zero, random, urandom, tty, console and the terminals may
    /// be used.
    private static let deviceRules: [RuntimeSpec.DeviceRule] =
        [
            .init(isAllowed: false, access: "rwm"),
            .init(isAllowed: true, type: "c", access: "m"),
            .init(isAllowed: true, type: "b", access: "m"),
            .init(isAllowed: true, type: "c", major: 136, access: "rwm"),
        ]
        + [(1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 1), (5, 2)].map { major, minor in
            .init(isAllowed: true, type: "c", major: major, minor: minor, access: "rwm")
        }

    private func addFilter(_ spec: inout RuntimeSpec) {
        guard case .standard(let capabilities) = request.security else { return }
        switch choice.filter {
        case .none: return
        case .program(let program) where capabilities == Capability.standard:
            spec.annotations["run.oci.seccomp_bpf_data"] = Base64.encode(program)
        case .program, .profile:
            spec.seccomp = SeccompProfile.document(capabilities: capabilities)
        }
    }
}
