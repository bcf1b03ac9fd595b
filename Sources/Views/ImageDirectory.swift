internal import FileTree
internal import ImageSpec
internal import Store

/// One image: `rootfs`, `layers`, `steps`, `config.json`, `manifest.json`, `history`.
struct ImageDirectory: GlassDirectory {
    private let context: GalleryContext
    private let image: ImageRecord

    init(_ context: GalleryContext, _ image: ImageRecord) {
        self.context = context
        self.image = image
    }

    var identity: [UInt8] { image.id.digest.bytes }
    var isLive: Bool { false }
    func modificationTime() -> NodeTime { NodeTime(nanosecondsSinceEpoch: image.createdAt) }

    func entries() throws -> [(name: EntryName, entry: GlassEntry)] {
        let store = context.store
        let (config, configBytes) = try store.config(of: image.id)
        let time = modificationTime()
        return [
            (EntryName(text: "rootfs"), .tree(try store.tree(of: image))),
            (EntryName(text: "layers"), .directory(LayerDirectory(context, image, .changes))),
            (EntryName(text: "steps"), .directory(LayerDirectory(context, image, .results))),
            (EntryName(text: "config.json"), .file(configBytes, modificationTime: time)),
            (
                EntryName(text: "manifest.json"),
                .file(try store.blob(image.manifestDigest), modificationTime: time)
            ),
            (
                EntryName(text: "history"),
                .file(Array(history(config).utf8), modificationTime: time)
            ),
        ]
    }

    /// A line per instruction: the number of its layer or `-`, when, and what.
    private func history(_ config: ImageConfig) -> String {
        var layer = 0
        return config.history.map { entry in
            if !entry.emptyLayer { layer += 1 }
            let number = entry.emptyLayer ? "-" : layer < 10 ? "0\(layer)" : "\(layer)"
            let created = entry.created.map(\.description) ?? "-"
            let text = (entry.createdBy ?? "").split(whereSeparator: \.isNewline)
                .joined(separator: " ")
            return "\(number)\t\(created)\t\(text)\n"
        }.joined()
    }
}

/// The layers of an image, each as what it changed or as the root file system after it.
struct LayerDirectory: GlassDirectory {
    enum Aspect: String { case changes, results }
    private let context: GalleryContext
    private let image: ImageRecord
    private let aspect: Aspect

    init(_ context: GalleryContext, _ image: ImageRecord, _ aspect: Aspect) {
        self.context = context
        self.image = image
        self.aspect = aspect
    }

    var identity: [UInt8] { image.id.digest.bytes + Array(aspect.rawValue.utf8) }
    var isLive: Bool { false }
    func modificationTime() -> NodeTime { NodeTime(nanosecondsSinceEpoch: image.createdAt) }

    func entries() throws -> [(name: EntryName, entry: GlassEntry)] {
        var parent = Tree.empty
        var result: [(name: EntryName, entry: GlassEntry)] = []
        for (index, layer) in try context.store.layers(upTo: image.chainID).enumerated() {
            let number = index < 9 ? "0\(index + 1)" : "\(index + 1)"
            let tree =
                switch aspect {
                case .changes: try context.changes.tree(from: parent, to: layer.tree)
                case .results: layer.tree
                }
            result.append(
                (EntryName(text: "\(number)-\(layer.diffID.digest.short)"), .tree(tree)))
            parent = layer.tree
        }
        return result
    }
}
