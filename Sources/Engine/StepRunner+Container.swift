internal import Builder
internal import FileTree
internal import LinuxIO
internal import Sandbox
internal import Store
internal import Views

/// What the container of a step is made of.
extension StepRunner {
    func nameFiles(_ request: StepRequest) throws -> ContainerRequest.NameFiles {
        let resolver: [UInt8]? =
            switch request.network {
            case .host:
                ResolverConfiguration.shared(
                    host: try hostFile(ResolverConfiguration.hostPath) ?? [])
            case .none: nil
            case .isolated, .joined:
                ResolverConfiguration.isolated(
                    host: try hostFile(ResolverConfiguration.hostPath) ?? [],
                    systemd: try hostFile(ResolverConfiguration.systemdPath))
            }
        return ContainerRequest.NameFiles(
            resolver: resolver,
            hosts: HostsFile.content(
                hostname: request.hostname, extraHosts: try extraHosts(request)),
            // A build leaves the image's own alone, as BuildKit does.
            hostname: nil)
    }

    private func extraHosts(
        _ request: StepRequest
    ) throws -> [(name: String, address: String)] {
        try request.surroundings.extraHosts.map { host in
            guard let address = host.address(on: request.network) else {
                throw EngineError(
                    .unavailable,
                    "the step's network does not reach the host that \(host.name) is to name",
                    hint: "use the host's network, or an address instead of host-gateway")
            }
            return (host.name, address)
        }
    }

    /// What the request says of limits, privileges and variables.
    func surround(_ container: inout ContainerRequest, _ request: StepRequest) {
        let surroundings = request.surroundings
        let own = surroundings.resourceLimits.map {
            RuntimeSpec.ResourceLimit(type: $0.type, soft: $0.soft, hard: $0.hard)
        }
        let types = Set(own.map(\.type))
        container.resourceLimits =
            OpenFileLimit.forContainers.filter { !types.contains($0.type) } + own
        if let bytes = surroundings.sharedMemoryBytes {
            container.sharedMemory = .own(sizeBytes: bytes)
        }
        if surroundings.isPrivileged { container.security = .insecure }
        container.environment =
            environment(request, home: container.user.home) + surroundings.secretEnvironment
    }

    /// - Returns: nil where the host has no such file.
    private func hostFile(_ path: String) throws -> [UInt8]? {
        do throws(Errno) {
            let file = try OwnedDescriptor(opening: path, .readOnly)
            return try DescriptorIO.readAll(file.rawValue, limit: 1 << 20)
        } catch .notFound {
            return nil
        } catch {
            throw EngineError(.failed, "could not read \(path): \(error)")
        }
    }

    func environment(_ request: StepRequest, home: String) -> [String] {
        if request.environment.contains(where: { $0.hasPrefix("HOME=") }) {
            return request.environment
        }
        return request.environment + ["HOME=\(home)"]
    }

    func user(
        _ request: StepRequest, _ store: Store
    ) throws -> UserSpecification.Resolved {
        let specification = try UserSpecification.parse(request.user.isEmpty ? "0" : request.user)
        return try specification.resolve(accounts: AccountFiles(of: request.tree, in: store))
    }

    func hostFiles(
        _ files: [StepFile], _ context: StepContext
    ) throws -> [ContainerRequest.Mount] {
        try files.map { file in
            let path = context.lease.newWorkPath("file")
            let descriptor = try OwnedDescriptor(
                opening: path, [.writeOnly, .create, .exclusive],
                permissions: UInt32(file.permissions))
            try DescriptorIO.writeAll(descriptor.rawValue, file.content)
            try DescriptorIO.setPermissions(descriptor.rawValue, UInt32(file.permissions))
            return ContainerRequest.Mount(
                source: .host(path: path), target: file.path, kind: .file, isReadOnly: true)
        }
    }

    /// The runtime's mount targets as places of the tree.
    static func targets(of container: ContainerRequest) throws -> [Views.MountTarget] {
        try container.mountTargets.compactMap { target in
            let path = try TreePath(cleaning: Array(target.path.utf8))
            // What stands below /dev, /proc and /sys is made in the file systems mounted there.
            if path.names.count > 1,
                ["dev", "proc", "sys"].contains(path.names.first?.description ?? "")
            {
                return nil
            }
            return Views.MountTarget(
                path: path, kind: target.kind == .file ? .file : .directory,
                permissions: target.permissions)
        }
    }
}
