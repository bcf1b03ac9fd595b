internal import FuseDriver
internal import LinuxIO
internal import Sandbox
internal import Store

extension Engine {
    /// Ends the containers and mounts of a process that was killed.
    func endRemains(of lease: LeaseID) throws {
        // A container may keep a mount busy, so it goes first.
        try endContainers(of: lease)
        try endMounts(of: lease)
    }

    private func endContainers(of lease: LeaseID) throws {
        let (state, bundles) = (store.layout.runtimeState(lease), store.layout.bundles(lease))
        guard try ContainerRuntime.hasContainers(state) else { return }
        let own = try store.lease("clear up after \(lease)")
        defer { own.end() }
        try ContainerRuntime(
            choice: try containerRuntime(own).choice, stateRoot: state, bundleRoot: bundles
        ).removeLeftovers()
    }

    /// A view whose process was killed answers every call with ENOTCONN until it is taken away.
    private func endMounts(of lease: LeaseID) throws {
        // Without a work directory there is nothing mounted in it.
        guard let work = try? HostDirectory.realPath(store.layout.leaseWork(lease)) else { return }
        let prefix = Array((work + "/").utf8)
        // The last one mounted is on top.
        for mount in (MountTable()?.entries ?? []).reversed()
        where mount.mountPoint.starts(with: prefix) {
            do throws(FuseError) {
                try FuseSession.unmount(mount.mountPoint, lazily: true)
            } catch {
                // Another process may have been quicker.
                guard error.code == .notMounted else { throw error }
            }
        }
    }
}
