internal import FileTree
internal import ImageSpec
internal import Store

extension Engine {
    /// The root file system of a container that another process has, frozen by that process and held
    /// by `lease`.
    /// - Parameter isPaused: whether what runs in it stands still meanwhile.
    /// - Throws: ``EngineError`` `inUse` for a process that cannot be asked.
    func frozenTreeFromHolder(
        _ record: ContainerRecord, _ holder: ContainerHolder, isPaused: Bool, lease: Lease
    ) throws -> Tree {
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
        guard case .frozen(let bytes) = try client.ask(.freeze(pauses: isPaused)) else {
            throw ContainerClient.lost
        }
        let tree = try TreeEncoding.decodeTree(bytes)
        try lease.hold(tree)
        return tree
    }
}
