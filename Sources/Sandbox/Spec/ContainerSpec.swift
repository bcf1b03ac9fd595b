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
    /// What this process can pass on; nil is everything.
    var heldCapabilities: Set<String>?

    /// What BuildKit gives privileged steps: messages of the kernel, file systems in user space, virtual
    /// machines, tunnels, loop devices.
    static let privilegedDevices: [RuntimeSpec.Device] =
        [
            ("/dev/kmsg", 1, 11), ("/dev/cuse", 10, 203), ("/dev/fuse", 10, 229),
            ("/dev/kvm", 10, 232), ("/dev/net/tun", 10, 200), ("/dev/loop-control", 10, 237),
        ].map { .init(path: $0, type: "c", major: $1, minor: $2) }
        + (0..<8).map { .init(path: "/dev/loop\($0)", type: "b", major: 7, minor: $0) }

    var isPrivileged: Bool {
        switch request.security {
        case .standard: false
        case .privileged, .insecure: true
        }
    }

    private var capabilityNames: [String] {
        switch request.security {
        case .standard(let capabilities): capabilities
        case .privileged, .insecure: Capability.all
        }
    }

    var document: RuntimeSpec {
        let isOpen = isPrivileged || request.showsSystemPaths
        var spec = RuntimeSpec(
            process: process, rootPath: request.rootfs, isRootReadOnly: request.isRootReadOnly,
            hostname: request.names == .own ? request.hostname : nil,
            mounts: mounts, namespaces: namespaces,
            maskedPaths: isOpen ? [] : ContainerRequest.maskedPaths,
            readonlyPaths: isOpen ? [] : ContainerRequest.readonlyPaths)
        spec.annotations = request.annotations
        spec.kernelParameters = request.kernelParameters
        spec.rootPropagation = rootPropagation
        spec.devices = deviceNodes
        if choice.controlGroups == .native { addControlGroups(&spec) }
        addFilter(&spec)
        return spec
    }

    private var process: RuntimeSpec.Process {
        let names = capabilityNames.filter { heldCapabilities?.contains($0) ?? true }
        // As Docker: who is not root has none, and can get those that are bounded here through
        // files that carry them; nobody inherits any (CVE-2022-24769). As BuildKit: an insecure step
        // keeps all.
        let isInsecure = request.security == .insecure
        let held = request.user.uid == 0 || isInsecure ? names : []
        var environment = request.environment
        if !environment.contains(where: { $0.hasPrefix("PATH=") }) {
            environment.insert("PATH=\(ContainerRequest.defaultPath)", at: 0)
        }
        // The own group is among the further ones, or a file that shuts it out could be opened by
        // dropping it (CVE-2022-2989).
        let groups = [request.user.gid] + request.user.additionalGroups
        let start = request.initProgram == nil ? [] : [ContainerRequest.initPath, "--"]
        return RuntimeSpec.Process(
            user: .init(
                uid: request.user.uid, gid: request.user.gid, additionalGroups: groups),
            arguments: start + request.arguments, environment: environment,
            workingDirectory: request.workingDirectory,
            capabilities: .init(
                bounding: names, effective: held, permitted: held,
                ambient: isInsecure ? names : []),
            resourceLimits: request.resourceLimits,
            noNewPrivileges: request.hasNoNewPrivileges,
            memoryKillerScore: request.memoryKillerScore, hasTerminal: request.hasTerminal)
    }

    private var namespaces: [RuntimeSpec.Namespace] {
        var origins: [(RuntimeSpec.NamespaceKind, ContainerRequest.NamespaceOrigin)] = [
            (.pid, request.processes), (.mount, .own), (.ipc, request.interprocess),
            (.uts, request.names),
        ]
        if request.hasOwnControlGroups ?? choice.hasGroupNamespace {
            origins.append((.cgroup, .own))
        }
        var namespaces = origins.compactMap { kind, origin -> RuntimeSpec.Namespace? in
            switch origin {
            case .host: nil
            case .own: .init(kind: kind, path: nil)
            case .joined(let path): .init(kind: kind, path: path)
            }
        }
        switch request.network {
        case .host: break
        case .none, .isolated:
            namespaces.append(RuntimeSpec.Namespace(kind: .network, path: networkPath))
        case .joined(let path):
            namespaces.append(RuntimeSpec.Namespace(kind: .network, path: path))
        }
        return namespaces
    }

    // MARK: - Control groups and filter

    private func addControlGroups(_ spec: inout RuntimeSpec) {
        spec.resources = request.limits.resources
        spec.resources.devices =
            isPrivileged
            ? [.init(isAllowed: true, access: "rwm")]
            : Self.deviceRules + ownDeviceRules + request.deviceRules
        spec.cgroupsPath = controlGroupParent + request.controlGroup
    }

    /// Of version 2 systemd takes controllers away from the root's children whenever none of its own
    /// units wants them ("systemctl daemon-reload"), and limits with them, but not from groups that
    /// have children with these controllers: there containers have a common parent, which stays. Of
    /// version 1 none is needed.
    private var controlGroupParent: String {
        let usual = choice.hasGroupNamespace ? "/vitrine/" : "/"
        guard let parent = request.controlGroupParent else { return usual }
        return (parent.hasPrefix("/") ? parent : usual + parent) + "/"
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
        switch request.filter {
        case .unconfined: return
        case .document(let document):
            if choice.filter != .none { spec.seccomp = document }
            return
        case .standard: break
        }
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

extension ContainerRequest.Limits {
    var resources: RuntimeSpec.Resources {
        RuntimeSpec.Resources(
            memoryBytes: memoryBytes, memoryAndSwapBytes: memoryAndSwapBytes,
            memoryReservationBytes: memoryReservationBytes, cpuShares: cpuShares,
            cpuQuotaMicroseconds: cpuQuotaMicroseconds,
            cpuPeriodMicroseconds: cpuPeriodMicroseconds, cpus: cpus, memoryNodes: memoryNodes,
            processes: processes, memorySwappiness: memorySwappiness,
            disablesMemoryKiller: disablesMemoryKiller,
            realtimePeriodMicroseconds: realtimePeriodMicroseconds,
            realtimeRuntimeMicroseconds: realtimeRuntimeMicroseconds, blocks: blocks)
    }
}

extension ContainerRequest {
    /// What shows the host's kernel and hardware, hidden from the container.
    package static let maskedPaths = [
        "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys",
        "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi", "/proc/timer_list",
        "/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware",
    ]

    /// What would let the container change the host's kernel.
    package static let readonlyPaths = [
        "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
    ]
}
