import FileTree
import Foundation
import ImageSpec
import LinuxIO
import Store

/// A store in a directory of its own, removed at the end.
func withStore<R>(_ body: (Store) throws -> R) throws -> R {
    let root = NSTemporaryDirectory() + "vitrine-store-\(UInt64.random(in: .min ... .max))"
    defer { try? HostDirectory.removeAll(root) }
    return try body(try Store(root: root))
}

extension Store {
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
        var config = ImageConfig(platform: .host)
        config.diffIDs = [layer.diffID]
        config.author = name
        return try insertImage(
            config: config.encoded, manifest: Array("{\"of\":\"\(config.imageID)\"}".utf8),
            chainID: layer.chainID, layerCount: 1, createdAt: 0,
            names: try name.map { [try Reference(parsing: $0)] } ?? [])
    }

    /// Every object file.
    func objectCount() throws -> Int {
        try (UInt8.min...UInt8.max).reduce(0) {
            $0 + (try HostDirectory.names(ofPath: layout.objectDirectory($1)).count)
        }
    }
}
