internal import FileTree
internal import ImageSpec
internal import Store

extension Engine {
    /// The root file system of a container that another process has, frozen by that process and held
    /// by `lease`.
    /// - Parameters:
    ///   - isPaused: whether what runs in it stands still meanwhile.
    ///   - hashesLayer: whether the layer of the change is wanted.
    /// - Throws: ``EngineError`` `inUse` for a process that cannot be asked.
    func frozenRootFromHolder(
        _ record: ContainerRecord, _ holder: ContainerHolder, isPaused: Bool, hashesLayer: Bool,
        lease: Lease
    ) throws -> FrozenRoot {
        guard let client = try ContainerClient(store.layout.container(record.id)) else {
            let place = holder.mountPoint.map { ", mounted at \($0.visible)" } ?? ""
            throw EngineError(
                .inUse,
                "container \"\(record.name)\" is in use by process \(holder.process)\(place), which "
                    + "cannot be asked to freeze it",
                hint: holder.mountPoint.map { "\"vitrine umount \($0.visible)\" ends that" })
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
}
