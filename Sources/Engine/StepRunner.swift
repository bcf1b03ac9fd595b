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
    private let keepers = ContainerKeepers()
    private let shell: DebugSession?
    private static let sequence = Atomic<UInt64>(0)

    /// - Parameters:
    ///   - shell: opened in the view of a step that fails.
    ///   - runtime: asked only when a step has to run, before anything is mounted for it.
    init(
        shell: DebugSession? = nil,
        runtime: @escaping @Sendable (Lease) throws -> ContainerRuntime
    ) {
        self.shell = shell
        self.runtime = runtime
    }

    func run(_ request: StepRequest, in context: StepContext) throws -> StepResult {
        var runtime = try runtime(context.lease)
        let number = Self.sequence.add(1, ordering: .relaxed).newValue
        let mounts = StepMounts(context, number: number)
        defer { mounts.end() }
        let ownMounts = try mounts.prepare(request)
        if !request.surroundings.secretEnvironment.isEmpty {
            runtime = try mounts.inMemory(runtime)
        } else {
            try keepers.keep(runtime)
        }
        let container = try container(request, ownMounts, number, context)
        let (view, session) = try mount(container, of: request, context)
        let outcome: Container.Outcome
        do {
            outcome = try run(container, runtime, context)
            try shell?.open(after: outcome, of: container, runtime, context)
        } catch {
            try? session.unmount(lazily: true)  // the error above is the one to report
            throw error
        }
        try Self.unmount(session)
        mounts.end()
        // Nobody waits for what a cancelled command left, which may be gigabytes to hash.
        if outcome == .cancelled || context.cancellation.isCancelled {
            return StepResult(ending: .cancelled, tree: request.tree)
        }
        let tree = try view.freeze(
            ingest: context.ingest, directories: context.directories, leavesOutSockets: true)
        try? HostDirectory.removeEmpty(container.rootfs)  // else it goes with the lease
        return StepResult(ending: try ending(outcome, request), tree: tree)
    }

    func showFailure(
        _ failure: String, _ request: StepRequest, in context: StepContext
    ) throws -> Tree? {
        guard let shell, shell.isFree, !context.cancellation.isCancelled else { return nil }
        let runtime = try runtime(context.lease)
        try keepers.keep(runtime)
        let number = Self.sequence.add(1, ordering: .relaxed).newValue
        let container = try container(request, [], number, context)
        let (view, session) = try mount(container, of: request, context)
        do {
            try shell.open(after: failure, of: container, runtime, context)
        } catch {
            try? session.unmount(lazily: true)  // as above
            throw error
        }
        try Self.unmount(session)
        defer { try? HostDirectory.removeEmpty(container.rootfs) }  // else it goes with the lease
        return try view.freeze(
            ingest: context.ingest, directories: context.directories, leavesOutSockets: true)
    }

    private func container(
        _ request: StepRequest, _ mounts: [ContainerRequest.Mount], _ number: UInt64,
        _ context: StepContext
    ) throws -> ContainerRequest {
        let mountPoint = context.lease.newWorkPath("rootfs")
        try HostDirectory.make(mountPoint, permissions: 0o755)
        let files = try hostFiles(request.files, context)
        var container = ContainerRequest(
            // No other process ever has one of this name.
            id: "\(context.lease.id)-\(number)", rootfs: mountPoint, arguments: request.arguments,
            environment: request.environment, workingDirectory: request.workingDirectory,
            user: try user(request, context.store), hostname: request.hostname,
            network: request.network, nameFiles: try nameFiles(request),
            mounts: files + mounts)
        surround(&container, request)
        return container
    }

    private func mount(
        _ container: ContainerRequest, of request: StepRequest, _ context: StepContext
    ) throws -> (WorkingTree, FuseSession) {
        let view = try WorkingTree(
            base: request.tree, store: context.store, lease: context.lease,
            mountTargets: try Self.targets(of: container))
        var options = MountOptions(source: MountSource.step.text)
        options.allowsDevices = true
        options.allowsSetID = true
        return (view, try FuseSession.mount(view, at: container.rootfs, options: options))
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

    /// The runtime's last process may still be about to leave the mount: it is waited for, and what
    /// stays in spite of that keeps the mount to itself, out of sight.
    static func unmount(_ session: FuseSession) throws {
        var pause = firstPauseMicroseconds
        while pause <= lastPauseMicroseconds {
            do throws(FuseError) {
                return try session.unmount(findsHolders: false)
            } catch {
                guard error.code == .busy else { throw error }
                usleep(pause)
                pause *= 2
            }
        }
        try session.unmount(lazily: true)
    }

    /// A process that ends takes less than this most of the time.
    private static let firstPauseMicroseconds: UInt32 = 500
    /// The pauses up to this one last half a second together.
    private static let lastPauseMicroseconds: UInt32 = 256_000

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
        case .runtimeKilled(let signal):
            throw EngineError(
                .failed, "the OCI runtime was ended by signal \(signal), and the command with it")
        }
    }
}
