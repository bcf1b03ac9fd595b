internal import Glibc
internal import ImageSpec
internal import LinuxIO
internal import Sandbox
internal import Store

extension ContainerRequest {
    /// What the runtime is to run for a container, with Docker's rules.
    ///
    /// Directories of the host that binds make are made.
    /// - Throws: ``SandboxError`` for users, devices and programs that are not there;
    ///   ``EngineError`` for sources of mounts.
    init(_ record: ContainerRecord, in surroundings: ContainerSurroundings) throws {
        let settings = record.settings
        let user = try Self.user(settings, surroundings.accounts)
        self.init(
            id: record.id.text, rootfs: surroundings.rootfs, arguments: settings.arguments,
            environment: Self.environment(
                settings, hostname: surroundings.hostname, home: user.home),
            workingDirectory: settings.workingDirectory.isEmpty
                ? "/" : settings.workingDirectory,
            user: user, hostname: surroundings.hostname, network: surroundings.network,
            nameFiles: surroundings.nameFiles,
            mounts: try Self.mounts(settings, surroundings.volumePath))
        controlGroup = surroundings.controlGroup
        isRootReadOnly = settings.isRootReadOnly
        hasTerminal = settings.hasTerminal
        processes = surroundings.namespaces.processes
        interprocess = surroundings.namespaces.interprocess
        sharedMemory = surroundings.namespaces.sharedMemory
        if let domain = settings.domainName, !domain.isEmpty, !settings.sharesHostNames {
            kernelParameters["kernel.domainname"] = domain
        }
        kernelParameters.merge(settings.kernelParameters) { _, own in own }
        if settings.sharesHostNames { names = .host }
        // As Docker: among others' processes somebody else is the first.
        if settings.hasInit, processes == .own { initProgram = try InitProgram.path() }
        limits = try Self.limits(settings.limits)
        annotations = settings.annotations
        memoryKillerScore = settings.memoryKillerScore
        controlGroupParent = settings.controlGroupParent
        hasOwnControlGroups = settings.hasOwnControlGroups
        let own = settings.resourceLimits.map {
            RuntimeSpec.ResourceLimit(type: $0.type, soft: $0.soft, hard: $0.hard)
        }
        let types = Set(own.map(\.type))
        resourceLimits = OpenFileLimit.forContainers.filter { !types.contains($0.type) } + own
        try secure(settings)
    }

    private mutating func secure(_ settings: ContainerSettings) throws {
        hasNoNewPrivileges = settings.hasNoNewPrivileges
        showsSystemPaths = settings.showsSystemPaths
        let capabilities = Capability.sum(
            added: settings.addedCapabilities, dropped: settings.droppedCapabilities)
        security =
            settings.isPrivileged ? .privileged : .standard(capabilities: capabilities)
        switch settings.seccomp {
        case .standard: filter = .standard
        case .unconfined: filter = .unconfined
        case .profile(let text):
            let held = settings.isPrivileged ? Capability.all : capabilities
            filter = .document(
                try SeccompDocument(parsing: Array(text.utf8)).document(
                    capabilities: held, kernel: Self.kernel))
        }
        var devices: [Device] = settings.isPrivileged ? try HostDevices.all() : []
        for device in settings.devices {
            devices += try HostDevices.devices(
                at: device.hostPath, as: device.containerPath, access: device.access)
        }
        self.devices = devices
        // A privileged container may use them all.
        if !settings.isPrivileged {
            deviceRules = settings.deviceRules.compactMap {
                DeviceCondition(parsing: $0).map(RuntimeSpec.DeviceRule.init)
            }
        }
    }

    private static var kernel: SeccompDocument.KernelVersion {
        var name = utsname()
        // Fails for a bad pointer only.
        _ = unsafe uname(&name)
        let release = unsafe withUnsafeBytes(of: &name.release) { bytes in
            unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        return SeccompDocument.KernelVersion(release) ?? SeccompDocument.KernelVersion.oldest
    }

    // MARK: - Users and variables

    private static func user(
        _ settings: ContainerSettings, _ accounts: AccountFiles
    ) throws -> UserSpecification.Resolved {
        let text = settings.user.isEmpty ? "0" : settings.user
        var user = try UserSpecification.parse(text).resolve(accounts: accounts)
        for group in settings.additionalGroups {
            let number = try accounts.groupNumber(group)
            if !user.additionalGroups.contains(number) { user.additionalGroups.append(number) }
        }
        return user
    }

    /// As Docker: `PATH`, `HOSTNAME` and `TERM` first, unless they are set, and `HOME` last.
    static func environment(
        _ settings: ContainerSettings, hostname: String, home: String
    ) -> [String] {
        var variables = ["PATH=\(ContainerRequest.defaultPath)", "HOSTNAME=\(hostname)"]
        if settings.hasTerminal { variables.append("TERM=xterm") }
        variables = ContainerConfig.merging(variables, with: settings.environment)
        if !variables.contains(where: { $0.hasPrefix("HOME=") }) {
            variables.append("HOME=\(home)")
        }
        return variables
    }

    // MARK: - Limits

    /// Docker's period.
    private static let defaultPeriodMicroseconds: UInt64 = 100_000

    /// - Throws: ``SandboxError`` for devices that are not there.
    static func limits(_ limits: ContainerSettings.Limits) throws(SandboxError) -> Limits {
        var result = Limits()
        result.memoryBytes = limits.memoryBytes
        result.memoryAndSwapBytes = limits.wholeMemoryBytes
        result.memoryReservationBytes = limits.memoryReservationBytes
        result.cpuShares = limits.cpuShares
        result.cpuQuotaMicroseconds = limits.cpuQuotaMicroseconds
        result.cpuPeriodMicroseconds = limits.cpuPeriodMicroseconds
        if let nanoCPUs = limits.nanoCPUs {
            result.cpuPeriodMicroseconds = defaultPeriodMicroseconds
            result.cpuQuotaMicroseconds =
                nanoCPUs * Int64(defaultPeriodMicroseconds) / 1_000_000_000
        }
        result.cpus = limits.cpus
        result.memoryNodes = limits.memoryNodes
        result.processes = limits.processes
        result.memorySwappiness = limits.memorySwappiness
        result.disablesMemoryKiller = limits.disablesMemoryKiller
        result.realtimePeriodMicroseconds = limits.realtimePeriodMicroseconds
        result.realtimeRuntimeMicroseconds = limits.realtimeRuntimeMicroseconds
        result.blocks.weight = limits.blockWeight
        result.blocks.weights = try devices(limits.deviceWeights)
        result.blocks.readBytes = try devices(limits.deviceReadBytes)
        result.blocks.writeBytes = try devices(limits.deviceWriteBytes)
        result.blocks.readOperations = try devices(limits.deviceReadOperations)
        result.blocks.writeOperations = try devices(limits.deviceWriteOperations)
        return result
    }

    private static func devices(
        _ figures: [ContainerSettings.DeviceFigure]?
    ) throws(SandboxError) -> [RuntimeSpec.BlockLimits.Device] {
        var devices: [RuntimeSpec.BlockLimits.Device] = []
        for figure in figures ?? [] {
            let numbers = try HostDevices.numbers(ofBlockDevice: figure.path)
            devices.append(
                .init(major: numbers.major, minor: numbers.minor, figure: figure.figure))
        }
        return devices
    }
}

extension SeccompDocument.KernelVersion {
    /// For a kernel that does not tell: rules for newer ones do not hold.
    static let oldest = SeccompDocument.KernelVersion(major: 0, minor: 0)
}

extension RuntimeSpec.DeviceRule {
    fileprivate init(_ condition: DeviceCondition) {
        self.init(
            isAllowed: true, type: condition.type, major: condition.major,
            minor: condition.minor, access: condition.access)
    }
}
