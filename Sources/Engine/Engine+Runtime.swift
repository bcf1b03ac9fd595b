internal import Glibc
internal import LinuxIO
internal import Sandbox
internal import Store
internal import Synchronization

extension Engine {
    /// The OCI runtime for the processes of steps: chosen by trying, and known from then on until the
    /// host's runtimes or kernel change. One engine asks once.
    /// - Parameter isolated: whether a container gets a network of its own, whose helper costs a
    ///   trial to find.
    /// - Throws: ``SandboxError`` `noRuntime`.
    func containerRuntime(isolated: Bool = false) throws -> ContainerRuntime {
        try runtimes.withLock { runtimes in
            if let runtime = runtimes[isolated] { return runtime }
            let runtime = try findRuntime(isolated: isolated)
            runtimes[isolated] = runtime
            return runtime
        }
    }

    private func findRuntime(isolated: Bool) throws -> ContainerRuntime {
        let run = root + "/run"
        let (state, bundles) = (run + "/state", run + "/bundles")
        for path in [state, bundles] { try HostDirectory.makeAll(path, permissions: 0o700) }
        let probe = RuntimeProbe(
            stateRoot: state, bundleRoot: bundles, cachePath: store.layout.runtimeProbe)
        return ContainerRuntime(
            choice: try probe.choose(), stateRoot: state, bundleRoot: bundles,
            networkHelper: isolated ? NetworkHelper.working(in: probe.searchPath) : nil)
    }

    func runtimeFact() -> String {
        do {
            let choice = try containerRuntime().choice
            return "\(choice.path) (\(choice.version)): \(choice.explanation)"
        } catch {
            return "none: \(error)"
        }
    }
}
