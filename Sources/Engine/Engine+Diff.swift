package import FileTree
internal import FuseDriver
internal import ImageSpec
internal import LinuxIO
package import Store

extension Engine {
    /// What `diff` compares: something with a root file system.
    package struct DiffOperand: Sendable {
        /// As the user wrote it.
        package var text: String
        package var tree: Tree
        /// The tree it was made from: an image's or a layer's without the last layer.
        package var parent: Tree?
    }

    /// The changes from one operand to the other, or from the operand's parent to it.
    package func diff(_ first: DiffOperand, _ second: DiffOperand?) throws -> [Change] {
        if let second {
            return try TreeDiff.changes(from: first.tree, to: second.tree, in: store)
        }
        return try TreeDiff.changes(from: first.parent ?? .empty, to: first.tree, in: store)
    }

    /// Understands an image (name or ID), `layer:DIGEST`, `cache:KEY` (each also by its first
    /// digits), and a path inside a mounted image or the gallery.
    /// - Throws: ``EngineError`` `notFound`, `ambiguous`, `invalid`.
    package func diffOperand(_ text: String) throws -> DiffOperand {
        if text.hasPrefix("layer:") { return try layerOperand(String(text.dropFirst(6)), text) }
        if text.hasPrefix("cache:") { return try cacheOperand(String(text.dropFirst(6)), text) }
        if text.hasPrefix("/") || text.hasPrefix("./") || text.hasPrefix("../") || text == "." {
            return try mountedOperand(text)
        }
        let image = try image(text)
        let layers = try store.layers(upTo: image.chainID)
        return DiffOperand(
            text: text, tree: layers.last?.tree ?? .empty, parent: try parent(of: image, layers))
    }

    /// The tree of the image that this one was made from: the one with the most of its layers, but
    /// not all. Without one in the store, what the last layer was put on.
    private func parent(of image: ImageRecord, _ layers: [LayerRecord]) throws -> Tree {
        let tops = Set(try store.images().compactMap(\.chainID))
        let parent = layers.dropLast().last { tops.contains($0.chainID) }
        return parent?.tree ?? layers.dropLast().last?.tree ?? .empty
    }

    private func layerOperand(_ digits: String, _ text: String) throws -> DiffOperand {
        let prefix = digits.hasPrefix("sha256:") ? String(digits.dropFirst(7)) : digits
        var found: Set<LayerRecord> = []
        for image in try store.images() {
            for layer in try store.layers(upTo: image.chainID)
            where !prefix.isEmpty
                && (layer.diffID.digest.hex.hasPrefix(prefix)
                    || layer.chainID.digest.hex.hasPrefix(prefix))
            {
                found.insert(layer)
            }
        }
        guard let layer = found.first else {
            throw EngineError(
                .notFound, "no image has a layer \"\(digits)\"",
                hint: "\"vitrine inspect IMAGE\" lists the layers of an image")
        }
        guard Set(found.map(\.chainID)).count == 1 else {
            throw EngineError(
                .ambiguous, "\"\(digits)\" is the start of \(found.count) layers",
                hint: "give more digits, or the chain ID")
        }
        return DiffOperand(
            text: text, tree: layer.tree, parent: try store.parentTree(of: layer))
    }

    private func cacheOperand(_ digits: String, _ text: String) throws -> DiffOperand {
        let entry = try cacheEntry(digits)
        return DiffOperand(text: text, tree: entry.tree, parent: entry.parentTree)
    }

    /// A path at or below a mount of ours leads to the tree that is shown there. The mount itself
    /// is not touched.
    private func mountedOperand(_ text: String) throws -> DiffOperand {
        let path = try StoreLocation.absolute(text)
        let parts = try TreePath(cleaning: Array(path.utf8)).names.map(\.description)
        let mounts = MountTable()?.entries ?? []
        for depth in stride(from: parts.count, through: 0, by: -1) {
            let mountPoint = "/" + parts.prefix(depth).joined(separator: "/")
            guard
                let mount = mounts.last(where: {
                    $0.mountPoint == Array(mountPoint.utf8)
                        && $0.type == Array("fuse.vitrine".utf8)
                })
            else { continue }
            let source = String(decoding: mount.source, as: UTF8.self)
            let rest = Array(parts.dropFirst(depth))
            if source == MountSource.gallery.text { return try galleryPart(rest, text) }
            if let id = MountSource(source)?.image { return try imagePart("\(id)", rest, text) }
            if let name = MountSource(source)?.text.dropFirst("vitrine:".count),
                let shown = try? ImageSource(String(name)), shown.isForeign
            {
                throw EngineError(
                    .invalid, "\"\(text)\" shows \(shown.text), which is no image of the store",
                    hint: "\"vitrine load\" or \"vitrine import\" it first")
            }
            throw EngineError(
                .invalid, "\"\(text)\" is in a writable mount, whose state is no image yet",
                hint: "mount the image read-only beside it and compare them with \"diff -r\"")
        }
        throw EngineError(
            .invalid, "\"\(text)\" is not inside a mounted image or the gallery",
            hint: "compare plain directories with \"diff -r\", or \"vitrine import\" one first")
    }

    private func imagePart(_ id: String, _ rest: [String], _ text: String) throws -> DiffOperand {
        let whole = try diffOperand(id)
        if rest.isEmpty { return DiffOperand(text: text, tree: whole.tree, parent: whole.parent) }
        let path = try TreePath(cleaning: Array(rest.joined(separator: "/").utf8))
        guard let node = try store.node(at: path, in: whole.tree), let directory = node.directory
        else { throw EngineError(.notFound, "\"\(text)\" is not a directory of that image") }
        return DiffOperand(
            text: text, tree: Tree(attributes: node.attributes, directory: directory), parent: nil)
    }

    private func galleryPart(_ rest: [String], _ text: String) throws -> DiffOperand {
        if rest.count >= 3, rest[0] == "cache", rest[2] == "rootfs" {
            return try cacheOperand(rest[1], text)
        }
        if rest.count >= 3, rest[0] == "by-id", rest[2] == "rootfs" {
            return try imagePart("sha256:\(rest[1])", Array(rest.dropFirst(3)), text)
        }
        if rest.first == "images", let end = rest.firstIndex(of: "rootfs") {
            let image = try image(rest[1..<end].joined(separator: "/"))
            return try imagePart("\(image.id)", Array(rest.dropFirst(end + 1)), text)
        }
        throw EngineError(
            .invalid, "\"\(text)\" is not the root file system of an image or a cache entry",
            hint: "name a \"rootfs\" directory of the gallery")
    }

    /// The cache entry whose key begins with these digits.
    package func cacheEntry(_ digits: String) throws -> CacheRecord {
        let prefix = digits.hasPrefix("sha256:") ? String(digits.dropFirst(7)) : digits
        let found = try store.cacheEntries().filter {
            !prefix.isEmpty && $0.key.digest.hex.hasPrefix(prefix)
        }
        guard let entry = found.first else {
            throw EngineError(
                .notFound, "there is no cache entry \"\(digits)\"",
                hint: "\"vitrine cache ls\" lists them")
        }
        guard found.count == 1 else {
            throw EngineError(
                .ambiguous, "\"\(digits)\" is the start of \(found.count) cache keys",
                hint: "give more digits")
        }
        return entry
    }
}
