internal import FileTree
internal import Glibc
internal import ImageSpec
internal import Store
internal import Views

/// A container's root file system as a tree of the store.
struct FrozenRoot: Sendable {
    /// The canonical tar of a change.
    struct Layer: Codable, Sendable {
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
    /// - Parameters:
    ///   - isPaused: whether what runs in it stands still meanwhile.
    ///   - hashesLayer: whether the layer of the change is wanted.
    /// - Throws: ``EngineError`` `inUse`, and what freezing and `body` throw.
    func withFrozenRoot<Result>(
        of record: ContainerRecord, isPaused: Bool, hashesLayer: Bool, lease: Lease,
        _ body: (FrozenRoot) throws -> Result
    ) throws -> Result {
        var container: OpenContainer?
        var checks = 0
        while container == nil {
            if let holder = lastingHolder(of: record.id) {
                if let root = try frozenRootFromHolder(
                    record, isPaused: isPaused, hashesLayer: hashesLayer, lease: lease)
                {
                    return try body(root)
                }
                // One that starts it can be asked in a moment, or is gone.
                checks += 1
                guard runsContainer(holder), checks < Self.endingMilliseconds else {
                    throw inUse(record, holder, ", which cannot be asked to freeze it")
                }
                usleep(1000)
            } else if case .success(let open) = try store.openContainer(record) {
                container = open
            }
        }
        guard let container else { preconditionFailure("it was opened") }
        let view = try WorkingTree(container: container, store: store, lease: lease)
        // Brings to the disk what is left to be.
        defer { view.unmounted() }
        let root = try freeze(view, of: record, hashesLayer: hashesLayer, lease: lease)
        try lease.hold(root.tree)
        return try body(root)
    }

    /// Freezes a container's view. The layer's tar is hashed meanwhile, from the same files: each byte
    /// is read from the disk once, and the two hashes are computed side by side.
    ///
    /// The view keeps the tree until its next freeze.
    func freeze(
        _ view: WorkingTree, of record: ContainerRecord, hashesLayer: Bool, lease: Lease
    ) throws -> FrozenRoot {
        let image = try store.imageTree(of: record)
        let directories = PendingDirectories(base: store)
        var hashing: (draft: ContainerDraft, layer: LayerOnTheWay)?
        // Without the own files nothing is left to hash.
        defer { hashing?.layer.wait() }
        let tree = try view.freeze(
            ingest: try store.ingest(lease), directories: directories, leavesOutSockets: true,
            meanwhile: hashesLayer
                ? { [store] draft in
                    let draft = try draft.refined(against: image)
                    let layer = LayerOnTheWay(draft, on: image, store)
                    hashing = (draft, layer)
                    return { layer.wait() }
                } : nil)
        // Attributes of what is being written to may have changed between the two.
        guard let (draft, layer) = hashing, try draft.isFrozen(as: tree, in: directories) else {
            return FrozenRoot(tree: tree)
        }
        return FrozenRoot(tree: tree, layer: layer.result)
    }
}
