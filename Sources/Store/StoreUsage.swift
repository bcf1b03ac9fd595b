internal import FileTree
package import ImageSpec
internal import LinuxIO

/// What images, containers, volumes and the build cache hold, content counted by object.
package struct StoreUsage: Sendable {
    package struct Image: Sendable {
        package var id: ImageID
        package var names: [Reference]
        /// Nanoseconds since 1970.
        package var createdAt: Int64
        /// The files of its root file system, each under every name.
        package var sizeBytes: UInt64
        /// Content that no other image has, each object once.
        package var uniqueBytes: UInt64
        /// What other images have too, or the image has more than once.
        package var sharedBytes: UInt64 { sizeBytes - uniqueBytes }
        /// What the objects of its files take on the disk, those of other images too; nil unless it
        /// was asked for.
        package var diskBytes: UInt64?
        /// The uncompressed tars of its layers, as they travel.
        package var layerBytes: UInt64
        /// How many containers were made from it.
        package var containers: Int
    }

    package var images: [Image] = []
    /// The sum of the images' sizes: what they would take unshared.
    package var logicalBytes: UInt64 = 0
    /// Content of all images, each object once.
    package var storedBytes: UInt64 = 0
    /// The part of it that no image with a container has.
    package var reclaimableBytes: UInt64 = 0
    /// What that content takes on the disk; nil unless it was asked for.
    package var diskBytes: UInt64?
    /// Content that only build-cache entries have, and the steps of builds that are still shown: what a
    /// failed one left, for example.
    package var cacheOnlyBytes: UInt64 = 0
    package var cacheEntries = 0
    /// What the directories of cache mounts take on the disk.
    package var cacheMountBytes: UInt64 = 0
    package var cacheMounts = 0

    package var byImage: [ImageID: Image] {
        Dictionary(images.map { ($0.id, $0) }) { first, _ in first }
    }

    /// - Parameter measuresDisk: looks at every object's file, too.
    package init(of store: Store, measuresDisk: Bool = false) throws {
        var names: [ImageID: [Reference]] = [:]
        for (reference, image) in try store.names() { names[image, default: []].append(reference) }
        var users: [ImageID: Int] = [:]
        for container in try store.containers() { users[container.image, default: 0] += 1 }
        let records = try store.images()
        let trees = try records.map { try store.tree(of: $0) }
        let sharing = try ContentSharing(of: trees, in: store)
        var measure = try measuresDisk ? DiskMeasure(store) : nil
        for (index, record) in records.enumerated() {
            let tree = trees[index]
            images.append(
                Image(
                    id: record.id, names: names[record.id] ?? [], createdAt: record.createdAt,
                    sizeBytes: tree.directory.sizeBytes, uniqueBytes: sharing.uniqueBytes[index],
                    diskBytes: try measure?.bytes(of: [tree]),
                    layerBytes: try store.layers(upTo: record.chainID)
                        .reduce(0) { $0 + $1.tarSizeBytes },
                    containers: users[record.id] ?? 0))
            logicalBytes += tree.directory.sizeBytes
        }
        storedBytes = sharing.totalBytes
        diskBytes = try measure?.bytes(of: trees)
        let inUse = zip(records, trees).filter { users[$0.0.id] != nil }.map(\.1)
        reclaimableBytes = storedBytes - (try ContentSharing(of: inUse, in: store).totalBytes)
        for entry in try store.cacheEntries() {
            cacheEntries += 1
            for tree in [entry.tree, entry.parentTree] { try sharing.add(tree) }
        }
        for build in try store.builds() {
            for step in try store.steps(ofBuild: build.id) {
                for tree in [step.tree, step.parentTree] { try sharing.add(tree) }
            }
        }
        cacheOnlyBytes = sharing.totalBytes - storedBytes
        for mount in try store.cacheMounts() {
            cacheMounts += 1
            cacheMountBytes += mount.sizeBytes
        }
    }
}

/// Which of some trees have which content. Every directory is read once or, if several trees have it,
/// twice, however many there are. One thread at a time.
private final class ContentSharing {
    private enum Owner: Equatable {
        case one(Int)
        case several
    }

    private let store: Store
    private var directories: [DirectoryID: Owner] = [:]
    private var objects: [Digest: (owner: Owner, sizeBytes: UInt64)] = [:]
    private var trees = 0
    /// All content, each object once.
    private(set) var totalBytes: UInt64 = 0

    init(of trees: [Tree], in store: Store) throws {
        self.store = store
        for tree in trees { try add(tree) }
    }

    /// Content that one tree alone has, by the trees' order.
    var uniqueBytes: [UInt64] {
        var bytes = [UInt64](repeating: 0, count: trees)
        for object in objects.values {
            if case .one(let tree) = object.owner { bytes[tree] += object.sizeBytes }
        }
        return bytes
    }

    func add(_ tree: Tree) throws {
        let number = trees
        trees += 1
        var stack = [(id: tree.directory.id, owner: Owner.one(number))]
        while let (id, owner) = stack.popLast() {
            // What another tree has is of several from here on down.
            let next: Owner
            switch directories[id] {
            case nil: next = owner
            case owner?, .several?: continue
            case .one?: next = .several
            }
            directories[id] = next
            for entry in try store.directory(id).entries {
                switch entry.node.content {
                case .directory(let child): stack.append((child.id, next))
                case .file(let content): add(content, next)
                default: break
                }
            }
        }
    }

    private func add(_ content: FileContent, _ owner: Owner) {
        guard let known = objects[content.digest] else {
            objects[content.digest] = (owner, content.sizeBytes)
            totalBytes += content.sizeBytes
            return
        }
        if known.owner != owner { objects[content.digest]?.owner = .several }
    }
}

/// What objects take on the disk; each file is looked at once. One thread at a time.
private struct DiskMeasure: ~Copyable {
    private let store: Store
    private let place: OwnedDescriptor
    private var blocks: [Digest: UInt64] = [:]

    init(_ store: Store) throws(Errno) {
        self.store = store
        place = try OwnedDescriptor(opening: store.layout.objects, [.readOnly, .directory])
    }

    /// Of all objects of the trees together. One that is missing takes nothing.
    mutating func bytes(of trees: [Tree]) throws -> UInt64 {
        var total: UInt64 = 0
        var seen: Set<DirectoryID> = []
        var counted: Set<Digest> = []
        var stack = trees.map(\.directory.id)
        while let id = stack.popLast() {
            guard seen.insert(id).inserted else { continue }
            for entry in try store.directory(id).entries {
                switch entry.node.content {
                case .directory(let child): stack.append(child.id)
                case .file(let content):
                    guard content.sizeBytes > 0, counted.insert(content.digest).inserted else {
                        continue
                    }
                    total += try blocks(of: content.digest) * 512
                default: break
                }
            }
        }
        return total
    }

    private mutating func blocks(of object: Digest) throws(StoreError) -> UInt64 {
        if let known = blocks[object] { return known }
        var found: UInt64 = 0
        do throws(Errno) {
            found = try FileStatus(
                of: StoreLayout.objectName(object), in: place.rawValue
            ).blocks
        } catch .notFound {
        } catch {
            throw StoreError(
                .inputOutput, "could not look at an object", path: store.layout.object(object),
                cause: error)
        }
        blocks[object] = found
        return found
    }
}
