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

    // An image that was removed may come back with another manifest.
    var identity: [UInt8] { image.id.digest.bytes + image.manifestDigest.bytes }
    var isLive: Bool { false }
    var isGone: Bool { context.isGone { try $0.image(image.id) == nil } }
    func modificationTime() -> NodeTime { NodeTime(nanosecondsSinceEpoch: image.createdAt) }

    private enum Part: String, CaseIterable {
        case rootfs, layers, steps, history
        case config = "config.json"
        case manifest = "manifest.json"
    }

    func entries() throws -> [(name: EntryName, entry: GlassEntry)] {
        try Part.allCases.map { (EntryName(text: $0.rawValue), try entry($0)) }
    }

    func entry(_ name: EntryName) throws -> GlassEntry? {
        try Part(rawValue: name.description).map { try entry($0) }
    }

    private func entry(_ part: Part) throws -> GlassEntry {
        let store = context.store
        let time = modificationTime()
        switch part {
        case .rootfs: return .tree(try store.tree(of: image))
        case .layers: return .directory(LayerDirectory(context, image, .changes))
        case .steps: return .directory(LayerDirectory(context, image, .results))
        case .history:
            let text = history(try store.config(of: image.id).config)
            return .file(Array(text.utf8), modificationTime: time)
        case .config: return .file(try store.config(of: image.id).bytes, modificationTime: time)
        case .manifest:
            return .file(try store.blob(image.manifestDigest), modificationTime: time)
        }
    }

    /// A line per instruction: the number of its layer or `-`, when, and what.
    private func history(_ config: ImageConfig) -> String {
        var layer = 0
        return config.history.map { entry in
            if !entry.emptyLayer { layer += 1 }
            let number = entry.emptyLayer ? "-" : image.number(ofLayer: layer)
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
    var isGone: Bool { context.isGone { try $0.image(image.id) == nil } }
    func modificationTime() -> NodeTime { NodeTime(nanosecondsSinceEpoch: image.createdAt) }

    func entries() throws -> [(name: EntryName, entry: GlassEntry)] {
        try layers().map { ($0.name, .tree(try tree(of: $0))) }
    }

    func entry(_ name: EntryName) throws -> GlassEntry? {
        try layers().first { $0.name == name }.map { .tree(try tree(of: $0)) }
    }

    private struct Layer {
        var name: EntryName
        var parent: Tree
        var result: Tree
    }

    private func layers() throws -> [Layer] {
        var parent = Tree.empty
        let found = try context.store.layers(upTo: image.chainID)
        guard found.count == image.layerCount else {
            throw StoreError(.notFound, "not all layers of image \(image.id) are in the store")
        }
        return found.enumerated().map { index, layer in
            defer { parent = layer.tree }
            let number = image.number(ofLayer: index + 1)
            return Layer(
                name: EntryName(text: "\(number)-\(layer.diffID.digest.short)"), parent: parent,
                result: layer.tree)
        }
    }

    private func tree(of layer: Layer) throws -> Tree {
        switch aspect {
        case .changes: try context.changes.tree(from: layer.parent, to: layer.result)
        case .results: layer.result
        }
    }
}

extension ImageRecord {
    /// Of two digits, or as many as the last layer's has: names are in the order of the layers.
    fileprivate func number(ofLayer number: Int) -> String {
        let text = String(number)
        let digits = max(2, String(layerCount).utf8.count)
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }
}
