import Dispatch
import FileTree
import Foundation
import ImageSpec
import LinuxIO
import Store
import Synchronization

/// A store in a directory of its own, removed at the end.
func withStore<R>(_ body: (Store) throws -> R) throws -> R {
    try withStoreRoot { try body(try Store(root: $0)) }
}

/// A place for a store, removed at the end.
func withStoreRoot<R>(_ body: (String) throws -> R) throws -> R {
    let root = NSTemporaryDirectory() + "vitrine-store-\(UInt64.random(in: .min ... .max))"
    defer { try? HostDirectory.removeAll(root) }
    return try body(root)
}

/// Calls `body` on that many threads, which begin at once, and tells what they threw. Expectations
/// in `body` would belong to no test: it throws instead.
func inParallel(_ count: Int, _ body: @escaping @Sendable (Int) throws -> Void) -> [String] {
    let failures = Mutex<[String]>([])
    let isOpen = Atomic(false)
    let ended = DispatchGroup()
    for number in 0..<count {
        ended.enter()
        // Not concurrentPerform, which has no more threads than the machine has processors.
        Thread {
            while !isOpen.load(ordering: .acquiring) {}
            do {
                try body(number)
            } catch {
                failures.withLock { $0.append("\(error)") }
            }
            ended.leave()
        }.start()
    }
    isOpen.store(true, ordering: .releasing)
    ended.wait()
    return failures.withLock { $0 }
}

extension Store {
    /// The store as the first to open it after the next boot finds it.
    func afterBoot() throws -> Store {
        try Store(root: layout.root, bootID: "\(UInt64.random(in: .min ... .max))")
    }

    /// The config of an image with that layer, whose author is what makes it another image.
    func config(on layer: LayerRecord, author: String) -> ImageConfig {
        var config = ImageConfig(platform: .host)
        config.diffIDs = [layer.diffID]
        config.author = author
        return config
    }

    func newImage(
        on layer: LayerRecord, author: String, names: [String]
    ) throws -> NewImage {
        let config = config(on: layer, author: author)
        return NewImage(
            config: config.encoded, manifest: Array("{\"of\":\"\(config.imageID)\"}".utf8),
            chainID: layer.chainID, layerCount: 1, createdAt: 0,
            names: try names.map { try Reference(parsing: $0) })
    }

    /// A cache entry of that tree.
    func entry(
        _ number: UInt8, parent: Tree = .empty, tree: Tree, layer: DiffID? = nil
    ) -> CacheRecord {
        CacheRecord(
            key: CacheKey(Digest(of: [number])), instruction: "RUN x", inputs: "",
            parentTree: parent, tree: tree, layer: layer, layerTarSizeBytes: 0)
    }

    /// Records a build with the step that made the entry.
    func record(_ entry: CacheRecord, build: String = "build", lease: Lease) throws {
        try save(BuildRecord(id: build, title: build, lease: lease.id))
        try record(
            [
                BuildStepRecord(
                    build: build, number: 1, instruction: "RUN x", outcome: .done, key: entry.key,
                    tree: entry.tree, parentTree: entry.parentTree)
            ], entries: [entry], directories: PendingDirectories(base: self), lease: lease)
    }

    /// Stores a layer on nothing, of files with the given contents.
    func insertLayer(
        _ files: [String: String], parent: LayerRecord? = nil, lease: Lease
    ) throws -> LayerRecord {
        let ingest = try ingest(lease)
        let directories = PendingDirectories(base: self)
        let editor = TreeEditor(base: parent?.tree ?? .empty, directories: directories)
        for (name, text) in files.sorted(by: { $0.key < $1.key }) {
            let content = try ingest.insert(Array(text.utf8))
            try editor.put(
                Node(attributes: NodeAttributes(permissions: 0o644), content: .file(content)),
                at: try TreePath(cleaning: Array(name.utf8)))
        }
        let tree = try editor.finish()
        let layer = LayerRecord(
            parent: parent?.chainID, diffID: DiffID(tree.id.digest), tree: tree, recipe: nil,
            tarSizeBytes: 1024)
        try insert(layer, directories: directories, lease: lease)
        return layer
    }

    /// Stores an image of one layer.
    func insertImage(
        _ files: [String: String], name: String?, lease: Lease
    ) throws -> ImageRecord {
        let layer = try insertLayer(files, lease: lease)
        let image = try newImage(on: layer, author: name ?? "", names: name.map { [$0] } ?? [])
        return try insertImages([image])[0]
    }

    /// Every object file.
    func objectCount() throws -> Int {
        try (UInt8.min...UInt8.max).reduce(0) {
            $0 + (try HostDirectory.names(ofPath: layout.objectDirectory($1)).count)
        }
    }
}
