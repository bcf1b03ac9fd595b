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

    /// From this many files on, the object store's directories are listed instead of asking for
    /// each file: a tenth of the time, for which their sizes are not seen.
    private static let listedCount = 4096

    private static func isSound(_ entry: CacheRecord, in store: Store) throws -> Bool {
        var contents = ChangedContents(store)
        try contents.collect(from: entry.parentTree.directory, to: entry.tree.directory)
        if contents.found.count >= listedCount {
            return try areListed(contents.found.keys, in: store)
        }
        let objects = try OwnedDescriptor(
            opening: store.layout.objects, [.readOnly, .directory])
        // Relative to the objects' directory: half the path to walk.
        let prefixCount = store.layout.objects.utf8.count + 1
        return try contents.found.allSatisfy { digest, sizeBytes in
            let name = store.layout.object(digest).utf8.dropFirst(prefixCount)
            return try FileStatus(of: Array(name), in: objects.rawValue).sizeBytes == sizeBytes
        }
    }

    private static func areListed(
        _ digests: some Sequence<Digest>, in store: Store
    ) throws -> Bool {
        let wanted = Dictionary(grouping: digests) { $0.bytes[0] }
        return try wanted.allSatisfy { prefix, digests in
            let directory = store.layout.objectDirectory(prefix)
            let names = Set(try HostDirectory.names(ofPath: directory))
            return digests.allSatisfy { digest in
                let name = store.layout.object(digest).utf8.dropFirst(directory.utf8.count + 1)
                return names.contains(Array(name))
            }
        }
    }
}

/// The contents that one tree has and another does not have in the same place.
private struct ChangedContents {
    private let directories: any DirectorySource
    private(set) var found: [Digest: UInt64] = [:]

    init(_ directories: any DirectorySource) { self.directories = directories }

    mutating func collect(
        from old: DirectoryReference?, to new: DirectoryReference
    ) throws(FileTreeError) {
        if old?.id == new.id { return }
        let former = try old.map { reference throws(FileTreeError) in
            try directories.directory(reference.id)
        }
        for entry in try directories.directory(new.id).entries {
            let node = former?[entry.name]
            switch entry.node.content {
            case .directory(let child): try collect(from: node?.directory, to: child)
            case .file(let content):
                if content.sizeBytes > 0, node?.content != entry.node.content {
                    found[content.digest] = content.sizeBytes
                }
            default: break
            }
        }
    }
}
