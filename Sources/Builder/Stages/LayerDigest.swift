internal import Dispatch
internal import FileTree
internal import ImageSpec
internal import Layers
internal import Store
internal import Synchronization

/// The diffID of a layer, which may still be on its way. Thread-safe.
final class LayerDigest: Sendable {
    struct Value: Hashable, Sendable {
        var diffID: DiffID
        var tarSizeBytes: UInt64
    }

    private let result: Mutex<Result<Value, any Error>?>
    private let group = DispatchGroup()

    init(_ value: Value) { result = Mutex(.success(value)) }

    fileprivate init() {
        result = Mutex(nil)
        group.enter()
    }

    fileprivate func finish(_ value: Result<Value, any Error>) {
        result.withLock { $0 = value }
        group.leave()
    }

    /// Waits until it is known.
    func value() throws -> Value {
        if let known = result.withLock({ $0 }) { return try known.get() }
        group.wait()
        guard let known = result.withLock({ $0 }) else {
            preconditionFailure("a layer's digest is set before its group is left")
        }
        return try known.get()
    }
}

/// Finds the diffIDs of layers on a thread of its own, while the next steps run.
final class LayerHasher: Sendable {
    private let store: Store
    private let queue = DispatchQueue(label: "vitrine.builder.layers")
    private let isStopped = Atomic<Bool>(false)

    init(_ store: Store) { self.store = store }

    /// Begins to hash the change from one stored tree to another.
    /// - Parameter key: the cache entry that is told of the result.
    func hash(from old: Tree, to new: Tree, key: CacheKey?) -> LayerDigest {
        let digest = LayerDigest()
        let (store, hasher) = (store, self)
        queue.async {
            digest.finish(
                Result {
                    if hasher.isStopped.load(ordering: .relaxed) { throw Cancellation.error }
                    let found = try LayerExport(store).canonicalDigest(from: old, to: new)
                    if let key {
                        try store.setCacheLayer(
                            key, found.diffID, tarSizeBytes: found.tarSizeBytes)
                    }
                    return LayerDigest.Value(
                        diffID: found.diffID, tarSizeBytes: found.tarSizeBytes)
                })
        }
        return digest
    }

    /// Gives up what has not begun, and waits for what has.
    func stop() {
        isStopped.store(true, ordering: .relaxed)
        queue.sync {}
    }
}
