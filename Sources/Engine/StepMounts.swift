internal import Builder
internal import FileTree
internal import FuseDriver
internal import LinuxIO
internal import Sandbox
internal import Store
internal import Views

/// What a step's mounts take on the host while its container runs: views, caches, memory, sockets.
/// One thread at a time.
final class StepMounts {
    private let context: StepContext
    private let number: UInt64
    private var sessions: [FuseSession] = []
    private var caches: [CacheMountHold] = []
    private var forwarders: [SocketForwarder] = []
    private var agents: [KeyAgent] = []
    /// A tmpfs, once something needs it.
    private var memory: String?
    private var keeper: ContainerKeeper?
    private var lastName = 0

    /// - Parameter number: of the step; no other of this lease has it.
    init(_ context: StepContext, number: UInt64) {
        self.context = context
        self.number = number
    }

    deinit { end() }

    /// Makes the mounts ready, in their order. Waits for caches that others have.
    func prepare(_ request: StepRequest) throws -> [ContainerRequest.Mount] {
        let held = try hold(request.surroundings.mounts)
        return try request.surroundings.mounts.map { mount in
            switch mount.source {
            case .tree(let tree, let directories, let file):
                return try view(mount, tree, directories, file)
            case .cache(let cache):
                let name = CacheMountName(id: cache.id, seed: cache.seed?.digest)
                guard let hold = held[name] else {
                    throw EngineError(.failed, "the cache mount \(name) is not there")
                }
                return ContainerRequest.Mount(
                    source: .host(path: hold.path), target: mount.target,
                    isReadOnly: mount.isReadOnly, options: ["nosuid", "nodev"])
            case .memory(let size):
                let mode = try permissions(of: mount.target, in: request.tree)
                return ContainerRequest.Mount(
                    source: .memory(sizeBytes: size), target: mount.target,
                    isReadOnly: mount.isReadOnly, options: ["mode=\(String(mode, radix: 8))"])
            case .secret(let secret):
                return file(
                    try write(secret), mount, options: ["nosuid", "nodev", "noexec"])
            case .agent(let agent):
                return file(try forward(agent), mount, options: ["nosuid", "nodev", "noexec"])
            }
        }
    }

    /// Ends them all. To be called when the container has ended; a second time does nothing.
    func end() {
        for hold in caches { hold.end() }
        caches = []
        forwarders = []
        agents = []
        keeper = nil
        // What cannot be removed now goes with the lease, or with the next process that clears up.
        for session in sessions { try? StepRunner.unmount(session) }
        sessions = []
        if let memory {
            // As above.
            try? MemoryMount.remove(memory)
            try? HostDirectory.removeEmpty(memory)
        }
        memory = nil
    }

    // MARK: - Views

    private func view(
        _ mount: StepMount, _ tree: Tree, _ directories: any DirectorySource, _ file: EntryName?
    ) throws -> ContainerRequest.Mount {
        let mountPoint = context.lease.newWorkPath("mount")
        try HostDirectory.make(mountPoint, permissions: 0o755)
        var options = MountOptions(source: MountSource.step.text)
        options.allowsDevices = true
        options.allowsSetID = true
        options.isReadOnly = mount.isReadOnly
        if mount.isReadOnly {
            let view = try GlassView(.tree(tree), store: context.store, source: directories)
            sessions.append(try FuseSession.mount(view, at: mountPoint, options: options))
        } else {
            let view = try WorkingTree(
                base: tree, directories: directories, store: context.store,
                lease: context.lease)
            sessions.append(try FuseSession.mount(view, at: mountPoint, options: options))
        }
        guard let file else {
            return ContainerRequest.Mount(
                source: .host(path: mountPoint), target: mount.target,
                isReadOnly: mount.isReadOnly)
        }
        return self.file("\(mountPoint)/\(file)", mount, options: [])
    }

    private func file(
        _ path: String, _ mount: StepMount, options: [String]
    ) -> ContainerRequest.Mount {
        ContainerRequest.Mount(
            source: .host(path: path), target: mount.target, kind: .file,
            isReadOnly: mount.isReadOnly, options: options)
    }

    // MARK: - Caches

    /// Takes all caches, in the order of their names, so that no two steps wait for each other.
    private func hold(_ mounts: [StepMount]) throws -> [CacheMountName: CacheMountHold] {
        var wanted: [CacheMountName: CacheMountRequest] = [:]
        for case .cache(let cache) in mounts.map(\.source) {
            let name = CacheMountName(id: cache.id, seed: cache.seed?.digest)
            // Of one that is mounted twice, the step has one; to itself if a mount says so.
            if let known = wanted[name], cache.sharing == .shared || known.sharing == .locked {
                continue
            }
            wanted[name] = cache
        }
        var held: [CacheMountName: CacheMountHold] = [:]
        for (name, request) in wanted.sorted(by: { $0.key < $1.key }) {
            let hold = try context.store.holdCacheMount(request) {
                if context.cancellation.isCancelled {
                    throw EngineError(.cancelled, "the build was cancelled")
                }
            } waiting: {
                let text = "waiting for the cache mount \(request.id), which another step uses\n"
                context.output.write(Array(text.utf8))
            }
            caches.append(hold)
            held[name] = hold
        }
        return held
    }

    // MARK: - Memory

    /// The mode of what a tmpfs hides, as runc gives it; everybody's where there is nothing.
    private func permissions(of target: String, in tree: Tree) throws -> UInt16 {
        let path = try TreePath(cleaning: Array(target.utf8))
        guard let found = try context.store.resolve(path, in: tree), found.node.isDirectory else {
            return 0o1777
        }
        return found.node.attributes.permissions
    }

    private func memoryDirectory() throws -> String {
        if let memory { return memory }
        let path = context.store.layout.memory(context.lease.id, number: number)
        do throws(Errno) {
            try HostDirectory.makeAll(path, permissions: 0o700)
            try MemoryMount.make(at: path)
        } catch {
            throw EngineError(
                .unavailable, "could not make a place in memory for secrets: \(error)",
                hint: "it takes the right to mount a tmpfs")
        }
        memory = path
        return path
    }

    private func newName(_ purpose: String) -> String {
        lastName += 1
        return "\(purpose)-\(lastName)"
    }

    private func write(_ secret: StepSecret) throws -> String {
        let directory = try memoryDirectory()
        let name = newName("secret")
        let place = try OwnedDescriptor(opening: directory, [.readOnly, .directory])
        let file = try OwnedDescriptor(
            opening: Array(name.utf8), in: place.rawValue, [.writeOnly, .create, .exclusive],
            permissions: 0o600)
        try DescriptorIO.writeAll(file.rawValue, secret.content)
        try own(name, in: place.rawValue, secret.permissions, secret.userID, secret.groupID)
        return "\(directory)/\(name)"
    }

    private func own(
        _ name: String, in directory: Int32, _ permissions: UInt32, _ user: UInt32,
        _ group: UInt32
    ) throws(Errno) {
        let name = Array(name.utf8)
        try HostNode.setOwner(name, in: directory, userID: user, groupID: group)
        try HostNode.setPermissions(name, in: directory, permissions)
    }

    private func forward(_ agent: StepAgent) throws -> String {
        let directory = try memoryDirectory()
        let paths = agent.agent.paths
        var target = paths.first ?? ""
        // An agent that is not there is told now, not to the command.
        if try FileStatus(ofPath: target).kind != .socket {
            let own = try KeyAgent(keys: paths, name: newName("keys"), in: directory)
            agents.append(own)
            target = own.socketPath
        }
        let name = newName("agent")
        forwarders.append(
            try SocketForwarder(listeningOn: name, in: directory, to: target))
        let place = try OwnedDescriptor(opening: directory, [.readOnly, .directory])
        try own(name, in: place.rawValue, agent.permissions, agent.userID, agent.groupID)
        return "\(directory)/\(name)"
    }

    /// The runtime with its files in memory too, for a container whose variables are secret: they
    /// stand in its bundle and in its state.
    func inMemory(_ runtime: ContainerRuntime) throws -> ContainerRuntime {
        let directory = try memoryDirectory()
        let own = ContainerRuntime(
            choice: runtime.choice, stateRoot: StoreLayout.runtimeState(inMemory: directory),
            bundleRoot: StoreLayout.bundles(inMemory: directory),
            networkHelper: runtime.networkHelper, program: runtime.program,
            foreignMounts: runtime.foreignMounts)
        for path in [own.stateRoot, own.bundleRoot] {
            try HostDirectory.make(path, permissions: 0o700)
        }
        keeper = try ContainerKeeper(of: own)
        return own
    }
}
