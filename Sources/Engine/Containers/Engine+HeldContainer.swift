internal import FileTree
internal import ImageSpec
internal import Store

extension Engine {
    /// The root file system of a container that another process has, frozen by that process and held
    /// by `lease`.
    /// - Parameters:
    ///   - isPaused: whether what runs in it stands still meanwhile.
    ///   - hashesLayer: whether the layer of the change is wanted.
    /// - Returns: nil when the process cannot be asked.
    func frozenRootFromHolder(
        _ record: ContainerRecord, isPaused: Bool, hashesLayer: Bool, lease: Lease
    ) throws -> FrozenRoot? {
        guard let client = try ContainerClient(store.layout.container(record.id)) else {
            return nil
        }
        // The other side keeps the tree until then.
        defer { client.connection.end() }
        let request = ControlRequest.freeze(pauses: isPaused, hashesLayer: hashesLayer)
        guard case .frozen(let bytes, let layer) = try client.ask(request) else {
            throw ContainerClient.lost
        }
        let tree = try TreeEncoding.decodeTree(bytes)
        try lease.hold(tree)
        return FrozenRoot(tree: tree, layer: layer)
    }

    /// Whether it is the process that runs the container, or is about to, and no mount of the user's.
    func runsContainer(_ holder: ContainerHolder) -> Bool {
        holder.mountPoint?.hasPrefix(store.layout.work + "/") ?? false
    }

    /// Why a container cannot be taken that another process has, and what ends that.
    /// - Parameter addition: what else is to be said of the process.
    func inUse(
        _ record: ContainerRecord, _ holder: ContainerHolder, _ addition: String = ""
    ) -> EngineError {
        // A process that has just taken it did not write its number down yet.
        let process = holder.process > 0 ? "process \(holder.process)" : "another process"
        let subject = "container \"\(record.name)\" is in use by \(process)"
        if runsContainer(holder) {
            return EngineError(
                .inUse, "\(subject), which runs it\(addition)",
                hint: "\"vitrine stop \(record.name)\" ends that")
        }
        let place = holder.mountPoint.map { ", mounted at \($0.visible)" } ?? ""
        return EngineError(
            .inUse, subject + place + addition,
            hint: holder.mountPoint.map { "\"vitrine umount \($0.visible)\" ends that" })
    }
}
