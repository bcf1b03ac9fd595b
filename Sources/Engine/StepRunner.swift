internal import Builder
internal import FileTree
internal import FuseDriver
internal import Glibc
internal import LinuxIO
internal import Sandbox
internal import Store
internal import Synchronization
internal import Views

/// Runs build steps for real: a writable view of the tree, mounted, and an OCI runtime on it.
struct StepRunner: StepExecutor {
    private let runtime: @Sendable (Lease) throws -> ContainerRuntime
    private static let sequence = Atomic<UInt64>(0)

    /// - Parameter runtime: asked only when a step has to run, before anything is mounted for it.
    init(runtime: @escaping @Sendable (Lease) throws -> ContainerRuntime) {
        self.runtime = runtime
    }

    func run(_ request: StepRequest, in context: StepContext) throws -> StepResult {
        let runtime = try runtime(context.lease)
        let number = Self.sequence.add(1, ordering: .relaxed).newValue
        let mountPoint = context.lease.newWorkPath("rootfs")
        try HostDirectory.make(mountPoint, permissions: 0o755)
        let files = try hostFiles(request.files, context)
        var container = ContainerRequest(
            // No other process ever has one of this name.
            id: "\(context.lease.id)-\(number)", rootfs: mountPoint, arguments: request.arguments,
            environment: request.environment, workingDirectory: request.workingDirectory,
            user: try user(request, context.store), hostname: request.hostname,
            network: request.network, nameFiles: try nameFiles(request), mounts: files)
        container.environment = environment(request, home: container.user.home)
        let view = try WorkingTree(
            base: request.tree, store: context.store, lease: context.lease,
            mountTargets: try targets(of: container, in: request.tree, context.store))
        var options = MountOptions(source: "vitrine:step")
        options.allowsDevices = true
        options.allowsSetID = true
        let session = try FuseSession.mount(view, at: mountPoint, options: options)
        let outcome: Container.Outcome
        do {
            outcome = try run(container, runtime, context)
        } catch {
            try? session.unmount(lazily: true)  // the error above is the one to report
            throw error
        }
        try unmount(session)
        let tree = try view.freeze(ingest: context.ingest, directories: context.directories)
        try? HostDirectory.removeEmpty(mountPoint)  // else it goes with the lease
        return StepResult(ending: try ending(outcome, request), tree: tree)
    }

    private func run(
        _ container: ContainerRequest, _ runtime: ContainerRuntime, _ context: StepContext
    ) throws -> Container.Outcome {
        let pipe = try ChildProcess.Pipe()
        let running = try Container.start(
            container, with: runtime,
            streams: .init(output: pipe.writing.rawValue, error: pipe.writing.rawValue))
        let reader = pipe.keepReading()
        let registration = context.cancellation.onCancel { running.cancel() }
        defer { context.cancellation.remove(registration) }
        // Ends when the last process that can write has ended.
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = try DescriptorIO.read(reader.rawValue, into: &chunk)
            if count == 0 { break }
            context.output.write(Array(chunk[0..<count]))
        }
        return running.wait()
    }

    /// The runtime's last process may still be about to leave the mount.
    private func unmount(_ session: FuseSession) throws {
        for attempt in 1... {
            do throws(FuseError) {
                return try session.unmount()
            } catch {
                guard error.code == .busy, attempt < 50 else { throw error }
                usleep(10_000)
            }
        }
    }

    private func ending(
        _ outcome: Container.Outcome, _ request: StepRequest
    ) throws -> StepResult.Ending {
        switch outcome {
        case .exited(let code): return .exited(code)
        case .cancelled: return .cancelled
        case .notStarted(let failure):
            throw EngineError(
                .failed,
                "\"\(request.arguments.joined(separator: " "))\" could not be started: "
                    + failure.message)
        }
    }

    private func nameFiles(_ request: StepRequest) throws -> ContainerRequest.NameFiles {
        let host = try OwnedDescriptor(opening: "/etc/resolv.conf", .readOnly)
        let resolver = try DescriptorIO.readAll(host.rawValue, limit: 1 << 20)
        return ContainerRequest.NameFiles(
            resolver: request.network == .host
                ? ResolverConfiguration.shared(host: resolver)
                : ResolverConfiguration.isolated(host: resolver, systemd: nil),
            hosts: HostsFile.content(hostname: request.hostname),
            // A build leaves the image's own alone, as BuildKit does.
            hostname: nil)
    }

    private func environment(_ request: StepRequest, home: String) -> [String] {
        if request.environment.contains(where: { $0.hasPrefix("HOME=") }) {
            return request.environment
        }
        return request.environment + ["HOME=\(home)"]
    }

    private func user(
        _ request: StepRequest, _ store: Store
    ) throws -> UserSpecification.Resolved {
        let specification = try UserSpecification.parse(request.user.isEmpty ? "0" : request.user)
        func content(_ path: String) throws -> [UInt8]? {
            let place = try TreePath(cleaning: Array(path.utf8))
            guard let node = try store.resolve(place, in: request.tree)?.node,
                case .file(let content) = node.content
            else { return nil }
            if content.sizeBytes == 0 { return [] }
            let file = try OwnedDescriptor(
                opening: store.layout.object(content.digest), .readOnly)
            return try DescriptorIO.readAll(file.rawValue, limit: 64 << 20)
        }
        return try specification.resolve(
            accounts: AccountFiles(
                passwd: try content("/etc/passwd"), group: try content("/etc/group")))
    }

    private func hostFiles(
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

    /// The runtime's mount targets as places of the tree: symbolic links on the way are followed
    /// as far as they exist.
    private func targets(
        of container: ContainerRequest, in tree: Tree, _ store: Store
    ) throws -> [Views.MountTarget] {
        try container.mountTargets.compactMap { target in
            let path = try TreePath(cleaning: Array(target.path.utf8))
            // What stands below /dev, /proc and /sys is made in the file systems mounted there.
            if path.names.count > 1,
                ["dev", "proc", "sys"].contains(path.names.first?.description ?? "")
            {
                return nil
            }
            let resolved = try store.resolve(path, in: tree)?.path ?? path
            return Views.MountTarget(
                path: resolved, kind: target.kind == .file ? .file : .directory)
        }
    }
}
