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
        try endContainers(
            of: lease, state: store.layout.runtimeState(lease),
            bundles: store.layout.bundles(lease))
        for path in try memory(of: lease) {
            try endContainers(
                of: lease, state: StoreLayout.runtimeState(inMemory: path),
                bundles: StoreLayout.bundles(inMemory: path))
        }
    }

    /// Where the lease's secrets are, while they are in memory.
    private func memory(of lease: LeaseID) throws -> [String] {
        let directory = store.layout.leaseRun(lease)
        guard HostDirectory.exists(directory) else { return [] }
        var paths: [String] = []
        for bytes in try HostDirectory.names(ofPath: directory) {
            let name = String(decoding: bytes, as: UTF8.self)
            if name.hasPrefix(StoreLayout.memoryPrefix) { paths.append("\(directory)/\(name)") }
        }
        return paths
    }

    private func endContainers(of lease: LeaseID, state: String, bundles: String) throws {
        guard try ContainerRuntime.hasContainers(state) else { return }
        let own = try store.lease("clear up after \(lease)")
        defer { own.end() }
        try ContainerRuntime(
            choice: try choice(for: state, own), stateRoot: state, bundleRoot: bundles
        ).removeLeftovers()
    }

    /// The runtime that made the containers of a state: steps and containers may have different ones.
    private func choice(for state: String, _ lease: Lease) throws -> RuntimeChoice {
        let nameFile = StoreLayout.runtimeName(inState: state)
        if HostDirectory.exists(nameFile) {
            let file = try OwnedDescriptor(opening: nameFile, .readOnly)
            let name = try DescriptorIO.readAll(file.rawValue, limit: Self.longestPath)
            let program = String(decoding: name, as: UTF8.self)
            // Where it is gone another one may know what it left.
            if HostDirectory.exists(program) {
                return try containerRuntime(lease, for: .containers, program: program).choice
            }
        }
        let ofSteps = try containerRuntime(lease).choice
        guard let kind = try ContainerRuntime.kind(ofContainersIn: state), kind != ofSteps.kind
        else { return ofSteps }
        return try containerRuntime(lease, for: .containers).choice
    }

    /// PATH_MAX
    private static let longestPath = 4096

    /// A view whose process was killed answers every call with ENOTCONN until it is taken away.
    private func endMounts(of lease: LeaseID) throws {
        for directory in [store.layout.leaseWork(lease), store.layout.leaseRun(lease)] {
            // Without the directory there is nothing mounted in it.
            guard let path = try? HostDirectory.realPath(directory) else { continue }
            let prefix = Array((path + "/").utf8)
            // What a container left among the processes of another one has its view as its root.
            for mount in MountTable()?.entries ?? []
            where mount.mountPoint.starts(with: prefix) && mount.type == Array("fuse.vitrine".utf8)
            {
                StrayProcesses(atRoot: mount.device.number).end()
            }
            try endMounts(below: prefix)
        }
    }

    /// Takes away what is mounted below a path, in use or not.
    /// - Parameter prefix: resolved, and with a slash at its end.
    func endMounts(below prefix: [UInt8]) throws {
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
