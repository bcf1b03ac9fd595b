internal import FileTree
internal import LinuxIO
internal import Sandbox
internal import Store
internal import Views

extension Engine {
    /// Runs a container in this process, which is its own: serves its root file system, starts its
    /// first process when it is told to over the container's socket, and returns when it has ended.
    /// - Parameter ready: called when the socket is there.
    package func supervise(_ container: String, ready: () -> Void) throws {
        let record = try self.container(container)
        try ChildProcess.adoptOrphans()
        let orphans = SignalListener(to: [SignalName.child]) { _ in ChildProcess.reapOrphans() }
        let supervisor = try ContainerSupervisor(self, record)
        try supervisor.listen()
        let listener = SignalListener { _ in supervisor.terminate() }
        ready()
        supervisor.run()
        withExtendedLifetime((orphans, listener)) {}
    }

    /// Ends what a killed process left of a container that this process has taken.
    func clearRemains(of record: ContainerRecord) throws {
        guard record.state.isRunning || !record.state.rootfs.isEmpty else { return }
        _ = try store.removeDeadLeases(ending: endRemains)
        try store.updateState(of: record.id) { $0 = Store.lost($0) }
    }

    /// Writes down that something happened to a container, for `events`.
    func note(
        _ action: String, of record: ContainerRecord, _ attributes: [String: String] = [:]
    ) {
        var all = record.settings.labels
        all["image"] = record.imageName
        all["name"] = record.name
        all.merge(attributes) { _, own in own }
        // The event is lost then, and what it tells of has happened.
        try? store.note(.container, action, of: record.id.text, all)
    }
}
