internal import FileTree
package import ImageSpec

/// What images and the build cache hold, content counted by object.
package struct StoreUsage: Sendable {
    package struct Image: Sendable {
        package var id: ImageID
        package var names: [Reference]
        /// All content of its root file system, each object once.
        package var logicalBytes: UInt64
        /// Content that no other image has.
        package var uniqueBytes: UInt64
        package var sharedBytes: UInt64 { logicalBytes - uniqueBytes }
    }
    package var images: [Image] = []
    /// The sum of the images' logical bytes: what they would take unshared.
    package var logicalBytes: UInt64 = 0
    /// Content of all images, each object once.
    package var storedBytes: UInt64 = 0
    /// Content that only build-cache entries have.
    package var cacheOnlyBytes: UInt64 = 0
    package var cacheEntries = 0
    /// What the directories of cache mounts take on the disk.
    package var cacheMountBytes: UInt64 = 0
    package var cacheMounts = 0

    package init(of store: Store) throws {
        var names: [ImageID: [Reference]] = [:]
        for (reference, image) in try store.names() { names[image, default: []].append(reference) }
        var owners: [Digest: (size: UInt64, count: Int)] = [:]
        var contents: [(image: ImageRecord, objects: [Digest: UInt64])] = []
        // Images of one tree are walked once each; trees share directories, which the store keeps
        // decoded.
        for image in try store.images() {
            let objects = try Self.objects(of: try store.tree(of: image), in: store)
            for (digest, size) in objects { owners[digest, default: (size, 0)].count += 1 }
            contents.append((image, objects))
        }
        for (image, objects) in contents {
            let logical = objects.values.reduce(0, +)
            let unique = objects.reduce(0) { $0 + (owners[$1.key]?.count == 1 ? $1.value : 0) }
            images.append(
                Image(
                    id: image.id, names: names[image.id] ?? [], logicalBytes: logical,
                    uniqueBytes: unique))
            logicalBytes += logical
        }
        storedBytes = owners.values.reduce(0) { $0 + $1.size }
        var cached: [Digest: UInt64] = [:]
        var seen: Set<DirectoryID> = []
        for entry in try store.cacheEntries() {
            cacheEntries += 1
            try Self.collect(entry.tree.directory, in: store, seen: &seen, into: &cached)
        }
        for mount in try store.cacheMounts() {
            cacheMounts += 1
            cacheMountBytes += mount.sizeBytes
        }
        cacheOnlyBytes = cached.reduce(0) { $0 + (owners[$1.key] == nil ? $1.value : 0) }
    }

    private static func objects(of tree: Tree, in store: Store) throws -> [Digest: UInt64] {
        var objects: [Digest: UInt64] = [:]
        var seen: Set<DirectoryID> = []
        try collect(tree.directory, in: store, seen: &seen, into: &objects)
        return objects
    }

    private static func collect(
        _ root: DirectoryReference, in store: Store, seen: inout Set<DirectoryID>,
        into objects: inout [Digest: UInt64]
    ) throws {
        var stack = [root.id]
        while let id = stack.popLast() {
            guard seen.insert(id).inserted else { continue }
            for entry in try store.directory(id).entries {
                switch entry.node.content {
                case .directory(let child): stack.append(child.id)
                case .file(let content): objects[content.digest] = content.sizeBytes
                default: break
                }
            }
        }
    }
}
