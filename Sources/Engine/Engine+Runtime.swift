internal import Glibc
internal import LinuxIO
internal import Sandbox
internal import Store

extension Engine {
    /// The OCI runtime for the processes of steps, chosen once per host by trying.
    /// - Parameters:
    ///   - lease: the containers are its own, and end with it.
    ///   - isolated: whether a container gets a network of its own, whose helper costs a trial to
    ///     find.
    /// - Throws: ``SandboxError`` `noRuntime`.
    func containerRuntime(_ lease: Lease, isolated: Bool = false) throws -> ContainerRuntime {
        let (state, bundles) = (store.layout.runtimeState(lease.id), store.layout.bundles(lease.id))
        for path in [state, bundles] { try HostDirectory.makeAll(path, permissions: 0o700) }
        let probe = RuntimeProbe(
            stateRoot: state, bundleRoot: bundles, cachePath: store.layout.runtimeProbe)
        return ContainerRuntime(
            choice: try probe.choose(), stateRoot: state, bundleRoot: bundles,
            networkHelper: isolated ? NetworkHelper.working(in: probe.searchPath) : nil)
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
