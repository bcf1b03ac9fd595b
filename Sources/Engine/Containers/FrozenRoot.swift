internal import FileTree
internal import ImageSpec
internal import Store
internal import Views

/// A container's root file system as a tree of the store.
struct FrozenRoot: Sendable {
    /// The canonical tar of a change.
    struct Layer: Sendable {
        var diffID: DiffID
        var tarSizeBytes: UInt64
    }

    var tree: Tree
    /// Of the change from its image, where it was found on the way.
    var layer: Layer?
}

extension Engine {
    /// Calls `body` with a container's root file system, frozen, which `lease` holds.
    ///
    /// A container that nobody has is frozen here; one that another process has, by that process.
    /// - Parameter isPaused: whether what runs in it stands still meanwhile.
    /// - Throws: ``EngineError`` `inUse`, and what freezing and `body` throw.
    func withFrozenRoot<Result>(
        of record: ContainerRecord, isPaused: Bool, lease: Lease,
        _ body: (FrozenRoot) throws -> Result
    ) throws -> Result {
        if let holder = store.holder(of: record.id) {
            let tree = try frozenTreeFromHolder(record, holder, isPaused: isPaused, lease: lease)
            return try body(FrozenRoot(tree: tree))
        }
        let container = try open(record)
        let view = try WorkingTree(container: container, store: store, lease: lease)
        // Brings to the disk what is left to be.
        defer { view.unmounted() }
        return try body(try freeze(view, of: record, lease: lease))
    }

    /// Freezes a view that nothing writes to. The layer's tar is hashed meanwhile, from the same files:
    /// each byte is read from the disk once, and the two hashes are computed side by side.
    private func freeze(
        _ view: WorkingTree, of record: ContainerRecord, lease: Lease
    ) throws -> FrozenRoot {
        let image = try store.imageTree(of: record)
        let draft = try ContainerDraft.read(record.id, in: store).refined(against: image)
        let layer = LayerOnTheWay(draft, on: image, store)
        // Without the own files nothing is left to hash.
        defer { layer.wait() }
        let directories = PendingDirectories(base: store)
        let ingest = try store.ingest(lease)
        let tree = try view.freeze(
            ingest: ingest, directories: directories, leavesOutSockets: true,
            isStored: { layer.wait() })
        try lease.hold(tree)
        let isAsHashed = try draft.isFrozen(as: tree, in: directories)
        return FrozenRoot(tree: tree, layer: isAsHashed ? layer.result : nil)
    }
}
