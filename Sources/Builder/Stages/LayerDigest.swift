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
                    let found = try hasher.digest(from: old, to: new)
                    if let key {
                        try store.setCacheLayer(
                            key, from: old, to: new, found.diffID,
                            tarSizeBytes: found.tarSizeBytes)
                    }
                    return found
                })
        }
        return digest
    }

    private func digest(from old: Tree, to new: Tree) throws -> LayerDigest.Value {
        var sink = DigestSink { [self] in isStopped.load(ordering: .relaxed) }
        try sink.checkStop()
        try LayerExport(store).writeCanonical(from: old, to: new, sink: &sink)
        return sink.finish()
    }

    /// Gives up all work as soon as it notices; who waits for a result gets `cancelled`.
    func stopSoon() { isStopped.store(true, ordering: .relaxed) }

    /// Gives up all work, and waits until none is going on.
    func stop() {
        stopSoon()
        queue.sync {}
    }
}

/// Hashes what it is given until it is told to stop. A class, for sinks are copyable and hashers
/// are not.
private final class DigestSink: ByteSink {
    private let isStopped: () -> Bool
    private var hasher = SHA256Hasher()
    private var sizeBytes: UInt64 = 0

    init(isStopped: @escaping () -> Bool) { self.isStopped = isStopped }

    func checkStop() throws {
        if isStopped() { throw Cancellation.error }
    }

    func write(_ bytes: Span<UInt8>) throws {
        try checkStop()
        unsafe bytes.withUnsafeBytes { unsafe hasher.update($0) }
        sizeBytes += UInt64(bytes.count)
    }

    func finish() -> LayerDigest.Value {
        LayerDigest.Value(diffID: DiffID(hasher.finalize()), tarSizeBytes: sizeBytes)
    }
}
