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
    ///   - isolated: whether a container gets a network of its own, whose helper costs a trial to
    ///     find.
    /// - Throws: ``SandboxError`` `noRuntime`.
    func containerRuntime(_ lease: Lease, isolated: Bool = false) throws -> ContainerRuntime {
        let (state, bundles) = (store.layout.runtimeState(lease.id), store.layout.bundles(lease.id))
        let found = try runtimes.withLock { runtimes in
            if let found = runtimes[isolated] { return found }
            for path in [state, bundles] { try HostDirectory.makeAll(path, permissions: 0o700) }
            let probe = RuntimeProbe(
                stateRoot: state, bundleRoot: bundles, cachePath: store.layout.runtimeProbe)
            let choice = try probe.choose()
            let found = FoundRuntime(
                choice: choice,
                // Without it containers start a little later.
                program: choice.kind == .crun ? try? SealedProgram(copying: choice.path) : nil,
                networkHelper: isolated
                    ? NetworkHelper.working(in: probe.searchPath, directory: bundles) : nil)
            runtimes[isolated] = found
            return found
        }
        for path in [state, bundles] { try HostDirectory.makeAll(path, permissions: 0o700) }
        return ContainerRuntime(
            choice: found.choice, stateRoot: state, bundleRoot: bundles,
            networkHelper: found.networkHelper, program: found.program)
    }

    func runtimeFact() -> String {
        do {
            let lease = try store.lease("info")
            defer { lease.end() }
            let choice = try containerRuntime(lease).choice
            return "\(choice.path) (\(choice.version)): \(choice.explanation)"
        } catch {
            return "none: \(error)"
        }
    }
}

/// What an engine knows of the host's runtimes.
struct FoundRuntime: Sendable {
    var choice: RuntimeChoice
    var program: SealedProgram?
    var networkHelper: NetworkHelper?
}
