internal import Dispatch
internal import FileTree
internal import ImageSpec
internal import LinuxIO
internal import Store
internal import Synchronization

/// Looks, beside the build, whether the contents that cache entries brought are still there.
///
/// A hit is taken at once; before anything is built on it, ``confirm()`` waits for the answer. So
/// a fully cached build does not wait for thousands of stat calls one step after the other.
final class CacheVerifier: Sendable {
    /// Entries that the cache should not have. The build begins anew without them.
    struct DamagedEntries: Error {
        var keys: [CacheKey]
    }

    private let store: Store
    private let queue = DispatchQueue(label: "vitrine.builder.cache")
    private let damaged = Mutex<[CacheKey]>([])

    init(_ store: Store) { self.store = store }

    /// Begins to check the files that the entry's step added or changed, by name and size.
    func check(_ entry: CacheRecord) {
        let (store, verifier) = (store, self)
        queue.async {
            // An entry whose directories cannot be read is as useless as one without contents.
            let isSound = (try? Self.isSound(entry, in: store)) ?? false
            if !isSound { verifier.damaged.withLock { $0.append(entry.key) } }
        }
    }

    /// Waits for all checks.
    /// - Throws: ``DamagedEntries``.
    func confirm() throws {
        queue.sync {}
        let keys = damaged.withLock { $0 }
        if !keys.isEmpty { throw DamagedEntries(keys: keys) }
    }

    private static func isSound(_ entry: CacheRecord, in store: Store) throws -> Bool {
        let prefix = store.layout.objects
        let objects = try OwnedDescriptor(opening: prefix, [.readOnly, .directory])
        return try isSound(entry, in: store, objects: objects.rawValue)
    }

    private static func isSound(
        _ entry: CacheRecord, in store: Store, objects: Int32
    ) throws -> Bool {
        let prefixCount = store.layout.objects.utf8.count + 1
        var isSound = true
        var checked: Set<Digest> = []
        try TreeDiff.forEachChange(from: entry.parentTree, to: entry.tree, in: store) { change in
            guard isSound, case .file(let content)? = change.new?.content,
                content.sizeBytes > 0, checked.insert(content.digest).inserted
            else { return }
            // Relative to the objects' directory: half the path to walk.
            let name = store.layout.object(content.digest).utf8.dropFirst(prefixCount)
            // Whatever keeps it from being read makes it useless.
            let status = try? FileStatus(of: Array(name), in: objects)
            if status?.sizeBytes != content.sizeBytes { isSound = false }
        }
        return isSound
    }
}
