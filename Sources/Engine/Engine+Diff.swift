package import FileTree
internal import FuseDriver
internal import ImageSpec
internal import LinuxIO
package import Store
package import Views

extension Engine {
    /// What `diff` compares: something with a root file system.
    package struct DiffOperand: Sendable {
        /// As the user wrote it.
        package var text: String
        package var tree: Tree
        /// The tree it was made from: an image's or a layer's without the last layer, a container's
        /// image.
        package var parent: Tree?
        /// Of a container, whose tree is not in the store.
        package var draft: ContainerDraft?
        fileprivate var container: ContainerRecord?

        init(text: String, tree: Tree, parent: Tree?) {
            self.text = text
            self.tree = tree
            self.parent = parent
        }

        init(text: String, draft: ContainerDraft, parent: Tree?, container: ContainerRecord) {
            self.init(text: text, tree: draft.tree, parent: parent)
            self.draft = draft
            self.container = container
        }
    }

    /// The changes from one operand to the other, or from the operand's parent to it. Where a container
    /// is one of them, directories that are as they were are not listed for what changed in them.
    package func diff(_ first: DiffOperand, _ second: DiffOperand?) throws -> [Change] {
        try whileThere([first.container, second?.container]) { try changes(first, second) }
    }

    /// What fails because a container was removed meanwhile is told as that, not by the files that lack.
    private func whileThere<Result>(
        _ containers: [ContainerRecord?], _ body: () throws -> Result
    ) throws -> Result {
        do {
            return try body()
        } catch {
            for case let container? in containers where try store.container(container.id) == nil {
                throw EngineError(
                    .notFound, "container \"\(container.name)\" is no longer there")
            }
            throw error
        }
    }

    private func changes(_ first: DiffOperand, _ second: DiffOperand?) throws -> [Change] {
        guard let second else {
            return try changes(from: first.parent ?? .empty, to: first.tree, first.draft, nil)
        }
        if let draft = first.draft {
            let refined = try draft.refined(against: second.tree, of: second.draft)
            return try changes(from: refined.tree, to: second.tree, refined, second.draft)
        }
        let refined = try second.draft?.refined(against: first.tree)
        return try changes(from: first.tree, to: refined?.tree ?? second.tree, refined, nil)
    }

    private func changes(
        from old: Tree, to new: Tree, _ first: ContainerDraft?, _ second: ContainerDraft?
    ) throws -> [Change] {
        guard let first else { return try TreeDiff.changes(from: old, to: new, in: store) }
        let source = JoinedDirectories(first, second ?? first)
        return try TreeDiff.changes(from: old, to: new, in: source).withoutUntouchedDirectories
    }

    /// Understands a container (name or ID), an image (name or ID), `layer:DIGEST`, `cache:KEY` (each
    /// also by its first digits), and a path inside a mounted image or container or the gallery.
    /// - Throws: ``EngineError`` `notFound`, `ambiguous`, `invalid`.
    package func diffOperand(_ text: String) throws -> DiffOperand {
        if text.hasPrefix("layer:") { return try layerOperand(String(text.dropFirst(6)), text) }
        if text.hasPrefix("cache:") { return try cacheOperand(String(text.dropFirst(6)), text) }
        if text.hasPrefix("/") || text.hasPrefix("./") || text.hasPrefix("../") || text == "." {
            return try mountedOperand(text)
        }
        if let container = try containerMeant(by: text) {
            return try containerOperand(container, text)
        }
        let image: ImageRecord
        do {
            image = try self.image(text)
        } catch let error as EngineError where error.code == .notFound {
            throw EngineError(
                .notFound, "there is no container and no image \"\(text)\"",
                hint: "\"vitrine ps -a\" and \"vitrine images\" list what is there")
        }
        return try imageOperand(image, text)
    }

    private func containerOperand(
        _ container: ContainerRecord, _ text: String
    ) throws -> DiffOperand {
        try whileThere([container]) {
            let image = try store.imageTree(of: container)
            let draft = try ContainerDraft.read(container.id, in: store).refined(against: image)
            return DiffOperand(text: text, draft: draft, parent: image, container: container)
        }
    }

    private func imageOperand(_ image: ImageRecord, _ text: String) throws -> DiffOperand {
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
            if let container = try containerShown(at: mountPoint) {
                return try containerPart(container, rest, text)
            }
            if let name = MountSource(source)?.text.dropFirst("vitrine:".count),
                let shown = try? ImageSource(String(name)), shown.isForeign
            {
                throw EngineError(
                    .invalid, "\"\(text)\" shows \(shown.text), which is no image of the store",
                    hint: "\"vitrine load\" or \"vitrine import\" it first")
            }
            throw EngineError(
                .invalid, "\"\(text)\" is in a writable mount of an image, which ends with it",
                hint: "mount a container instead, or compare it with \"diff -r\"")
        }
        throw EngineError(
            .invalid, "\"\(text)\" is not inside a mounted image or container, or the gallery",
            hint: "compare plain directories with \"diff -r\", or \"vitrine import\" one first")
    }

    /// The container whose root file system is mounted there.
    private func containerShown(at mountPoint: String) throws -> ContainerRecord? {
        try store.containers().first { record in
            guard let holder = store.holder(of: record.id) else { return false }
            return [record.state.rootfs, holder.mountPoint ?? ""].contains { place in
                // What cannot be followed is as it was noted.
                !place.isEmpty && (try? StoreLocation.mountPoint(place)) ?? place == mountPoint
            }
        }
    }

    private func containerPart(
        _ container: ContainerRecord, _ rest: [String], _ text: String
    ) throws -> DiffOperand {
        let whole = try containerOperand(container, text)
        guard !rest.isEmpty, let draft = whole.draft else { return whole }
        let path = try TreePath(cleaning: Array(rest.joined(separator: "/").utf8))
        guard let part = try draft.part(at: path) else {
            throw EngineError(.notFound, "\"\(text)\" is not a directory of that container")
        }
        return DiffOperand(
            text: text, draft: part,
            parent: try store.directoryTree(at: path, in: whole.parent ?? .empty),
            container: container)
    }

    private func imagePart(_ id: String, _ rest: [String], _ text: String) throws -> DiffOperand {
        let whole = try imageOperand(try image(id), text)
        if rest.isEmpty { return whole }
        let path = try TreePath(cleaning: Array(rest.joined(separator: "/").utf8))
        guard let part = try store.directoryTree(at: path, in: whole.tree) else {
            throw EngineError(.notFound, "\"\(text)\" is not a directory of that image")
        }
        return DiffOperand(text: text, tree: part, parent: nil)
    }

    private func galleryPart(_ rest: [String], _ text: String) throws -> DiffOperand {
        if rest.count >= 3, rest[0] == "cache", rest[2] == "rootfs" {
            return try cacheOperand(rest[1], text)
        }
        if rest.count >= 3, rest[0] == "by-id", rest[2] == "rootfs" {
            return try imagePart("sha256:\(rest[1])", Array(rest.dropFirst(3)), text)
        }
        if rest.count >= 3, rest[0] == "containers", rest[2] == "rootfs" {
            return try containerPart(try container(rest[1]), Array(rest.dropFirst(3)), text)
        }
        if rest.first == "images", let end = rest.firstIndex(of: "rootfs") {
            let image = try image(rest[1..<end].joined(separator: "/"))
            return try imagePart("\(image.id)", Array(rest.dropFirst(end + 1)), text)
        }
        throw EngineError(
            .invalid,
            "\"\(text)\" is not the root file system of an image, a container or a cache entry",
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
