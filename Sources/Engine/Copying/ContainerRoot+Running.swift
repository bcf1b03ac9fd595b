internal import FuseDriver
internal import LinuxIO
internal import Store

extension ContainerRoot {
    /// The root of a container that runs, as its processes see it: with its volumes and its memory.
    /// - Returns: nil if it does not run, or ended meanwhile.
    static func running(_ record: ContainerRecord, _ store: Store) throws -> ContainerRoot? {
        let state = store.currentState(of: record)
        guard state.isRunning, state.processID > 1 else { return nil }
        let root: OwnedDescriptor
        do throws(Errno) {
            // Both by one process, even if the number is another's by the second call.
            let process = try OwnedDescriptor(
                opening: "/proc/\(state.processID)", [.readOnly, .directory])
            root = try OwnedDescriptor(
                opening: Array("root".utf8), in: process.rawValue, [.readOnly, .directory])
        } catch {
            guard error == .notFound || error == .noSuchProcess else {
                throw EngineError(
                    .failed, "could not open the root of container \"\(record.name)\": \(error)",
                    hint: error == .accessDenied || error == .notPermitted
                        ? "it is another user's" : nil)
            }
            return nil
        }
        // The number may have been another process's already when it was looked up.
        guard let record = try store.container(record.id) else { return nil }
        let present = store.currentState(of: record)
        guard present.isRunning, present.processID == state.processID,
            present.startedAt == state.startedAt, try shows(root.rawValue, present)
        else { return nil }
        return ContainerRoot(record: record, root: root)
    }

    /// Whether it is the file system that the container's keeper serves, as far as that can be told.
    private static func shows(_ root: Int32, _ state: ContainerState) throws(Errno) -> Bool {
        let place = Array(StoreLocation.place(of: state.rootfs).utf8)
        guard !state.rootfs.isEmpty, let mount = MountTable()?.entry(at: place),
            mount.type == Array("fuse.vitrine".utf8)
        else {
            // Mounted where this process cannot look, or unmounted under the container, which goes on.
            return true
        }
        return try FileStatus(of: root).device == mount.device.number
    }
}
