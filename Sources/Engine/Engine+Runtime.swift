internal import Glibc
internal import LinuxIO
internal import Sandbox
internal import Store
internal import Synchronization

extension Engine {
    /// The OCI runtime for the processes of steps: chosen by trying, and known from then on until the
    /// host's runtimes or kernel change. One engine asks once.
    /// - Parameters:
    ///   - lease: the containers are its own, and end with it.
    ///   - isolated: whether a container gets a network of its own.
    ///   - purpose: what it is for; containers get one with control groups where it can be had.
    ///   - program: the one to use; nil chooses.
    /// - Throws: ``SandboxError`` `noRuntime`.
    func containerRuntime(
        _ lease: Lease, isolated: Bool = false, for purpose: RuntimeProbe.Purpose = .steps,
        program: String? = nil
    ) throws -> ContainerRuntime {
        // A runtime may work for other users, in a user namespace of its own, but a view that
        // fusermount3 mounted is not to be mounted there.
        guard geteuid() == 0 else {
            throw SandboxError(
                .noRuntime, "containers, and RUN in builds, need root",
                hint: "run vitrine as root")
        }
        let (state, bundles) = (store.layout.runtimeState(lease.id), store.layout.bundles(lease.id))
        let found = try runtimes.withLock { runtimes in
            let key = RuntimeKey(purpose: purpose, isIsolated: isolated, program: program)
            if let found = runtimes[key] { return found }
            for path in [state, bundles] { try HostDirectory.makeAll(path, permissions: 0o700) }
            var probe = RuntimeProbe(
                stateRoot: state, bundleRoot: bundles,
                cachePath: probePath(for: purpose, program: program))
            probe.program = program
            let choice = try probe.choose(for: purpose)
            let found = FoundRuntime(
                choice: choice,
                // Without it containers start a little later.
                program: choice.kind == .crun ? try? SealedProgram(copying: choice.path) : nil,
                networkHelper: isolated
                    ? NetworkHelper.working(in: probe.searchPath, directory: bundles) : nil)
            runtimes[key] = found
            return found
        }
        for path in [state, bundles] { try HostDirectory.makeAll(path, permissions: 0o700) }
        if let program {
            try HostDirectory.replaceFile(
                StoreLayout.runtimeName(inState: state), with: Array(program.utf8),
                durability: .deferred)
        }
        return ContainerRuntime(
            choice: found.choice, stateRoot: state, bundleRoot: bundles,
            networkHelper: found.networkHelper, program: found.program,
            // A volume of a container may be in a mount of ours; what a step has is in the store.
            foreignMounts: { [root] in
                guard purpose == .steps else { return [] }
                // The store may itself be in a view, and this program in a container.
                return Self.mounts().map(\.mountPoint)
                    .filter { $0 != "/" && !(root + "/").hasPrefix($0 + "/") }
            })
    }

    private func probePath(for purpose: RuntimeProbe.Purpose, program: String?) -> String {
        if let program { return store.layout.runtimeProbe(of: program) }
        return purpose == .steps ? store.layout.runtimeProbe : store.layout.containerRuntimeProbe
    }

    func runtimeFact(for purpose: RuntimeProbe.Purpose) -> String {
        do {
            let lease = try store.lease("info")
            defer { lease.end() }
            let choice = try containerRuntime(lease, for: purpose).choice
            return "\(choice.path) (\(choice.version)): \(choice.explanation)"
        } catch {
            return "none: \(error)"
        }
    }
}

/// What a runtime was looked for.
struct RuntimeKey: Hashable, Sendable {
    var purpose: RuntimeProbe.Purpose
    var isIsolated: Bool
    /// Nil is any.
    var program: String?
}

/// What an engine knows of the host's runtimes.
struct FoundRuntime: Sendable {
    var choice: RuntimeChoice
    var program: SealedProgram?
    var networkHelper: NetworkHelper?
}
