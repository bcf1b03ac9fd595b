internal import FileTree
package import ImageSpec
package import Store

/// An image as lists show it.
package struct ImageSummary: Sendable {
    package var record: ImageRecord
    package var names: [Reference]
    /// The regular files of its root file system.
    package var sizeBytes: UInt64
}

/// A line of `history`.
package struct HistoryLine: Sendable {
    package var entry: HistoryEntry
    /// The image that ends here, if the store has one.
    package var image: ImageID?
    /// What the step's layer added or changed, in bytes of file content.
    package var sizeBytes: UInt64
    package var diffID: DiffID?
}

extension Engine {
    /// The images that a filter lets pass, each with those of its names that fit; newest first.
    package func images(_ filter: ImageFilter = ImageFilter()) throws -> [ImageSummary] {
        let names = try namesByImage()
        let (before, since) = (
            try filter.before.map { try image($0).createdAt },
            try filter.since.map { try image($0).createdAt }
        )
        var summaries: [ImageSummary] = []
        for record in try store.images() {
            if let before, record.createdAt >= before { continue }
            if let since, record.createdAt <= since { continue }
            guard filter.fits(createdAt: record.createdAt) else { continue }
            guard let fitting = filter.fitting(names[record.id] ?? []) else { continue }
            if filter.asksForLabels,
                !filter.fits(labels: try store.config(of: record.id).config.config.labels)
            {
                continue
            }
            summaries.append(
                ImageSummary(
                    record: record, names: fitting,
                    sizeBytes: try store.tree(of: record).directory.sizeBytes))
        }
        return summaries
    }

    /// The steps that made an image, newest first, as `docker history` lists them.
    package func history(_ image: ImageRecord) throws -> [HistoryLine] {
        let config = try store.config(of: image.id).config
        let layers = try store.layers(upTo: image.chainID)
        var lines: [HistoryLine] = []
        var next = 0
        var parent = Tree.empty
        var entries = config.history
        let missing = layers.count - entries.count { !$0.emptyLayer }
        // Layers that the history does not tell of still get their line.
        if missing > 0 {
            entries += (0..<missing).map { _ in
                HistoryEntry(created: nil, createdBy: nil, emptyLayer: false)
            }
        }
        for entry in entries {
            var line = HistoryLine(entry: entry, image: nil, sizeBytes: 0, diffID: nil)
            if !entry.emptyLayer, next < layers.count {
                let layer = layers[next]
                line.diffID = layer.diffID
                line.sizeBytes = try changedBytes(from: parent, to: layer.tree)
                parent = layer.tree
                next += 1
            }
            lines.append(line)
        }
        if !lines.isEmpty { lines[lines.count - 1].image = image.id }
        return lines.reversed()
    }

    /// The content of files that `new` has and `old` has not at the same path.
    func changedBytes(from old: Tree, to new: Tree) throws -> UInt64 {
        if old.directory.id == Tree.empty.directory.id { return new.directory.sizeBytes }
        var bytes: UInt64 = 0
        try TreeDiff.forEachChange(from: old, to: new, in: store) { change in
            guard case .file(let content)? = change.new?.content else { return }
            if case .file(let before)? = change.old?.content, before == content { return }
            bytes += content.sizeBytes
        }
        return bytes
    }

    /// What `inspect` prints of an image, with Docker's names.
    package func inspect(_ image: ImageRecord) throws -> JSONValue {
        let config = try store.config(of: image.id).config
        let layers = try store.layers(upTo: image.chainID)
        let tree = try store.tree(of: image)
        let names = try namesByImage()[image.id] ?? []
        var object = JSONObject()
        object["Id"] = .string("\(image.id)")
        object["RepoTags"] = .array(names.map { .string($0.familiarName) })
        object["RepoDigests"] = .array(
            names.map { .string("\($0.familiarRepository)@\(image.manifestDigest)") })
        object["Parent"] = ""
        object["Created"] = .string(config.created?.description ?? "")
        object["Author"] = .string(config.author ?? "")
        object["Comment"] = .string(config.comment ?? config.history.last?.comment ?? "")
        object["Architecture"] = .string(config.architecture)
        object["Os"] = .string(config.os)
        object["Config"] = Self.complete(config.config.json)
        object["Size"] = JSONValue(tree.directory.sizeBytes)
        var root = JSONObject()
        root["Type"] = .string("layers")
        root["Layers"] = .array(config.diffIDs.map { .string("\($0)") })
        object["RootFS"] = .object(root)
        var ours = JSONObject()
        ours["Tree"] = .string("\(tree.id)")
        ours["Manifest"] = .string("\(image.manifestDigest)")
        ours["Entries"] = JSONValue(tree.directory.entryCount)
        ours["ChainIDs"] = .array(layers.map { .string("\($0.chainID)") })
        object["Vitrine"] = .object(ours)
        return .object(object)
    }

    /// Docker's members of a config, also those that this one leaves out: who asks for one is told
    /// that it is not set, not that there is none.
    private static func complete(_ config: JSONValue) -> JSONValue {
        let texts: Set = ["User", "WorkingDir", "StopSignal"]
        var object = JSONObject(
            [
                "User", "ExposedPorts", "Env", "Entrypoint", "Cmd", "Volumes", "WorkingDir",
                "Labels", "StopSignal", "Healthcheck", "OnBuild", "Shell",
            ].map { .init($0, texts.contains($0) ? "" : .null) })
        for member in config.objectValue?.members ?? [] { object[member.name] = member.value }
        return .object(object)
    }

    /// Gives an image a further name.
    package func tag(_ source: String, as target: String) throws {
        let image = try image(source)
        let name = try Self.parseTag(target)
        try store.setName(name, to: image.id)
        store.note("tag", ofImage: image.id, as: name)
    }

    /// - Parameter labels: those that the image had.
    func note(_ removals: [Removal], of image: ImageID, labels: [String: String]) {
        for removal in removals {
            switch removal {
            case .untagged: store.note("untag", ofImage: image, labels: labels)
            case .deleted: store.note("delete", ofImage: image, labels: [:])
            }
        }
    }

    /// An image that containers were made from stays, unless it is forced away. They need it no more.
    private func refuseUsed(_ image: ImageRecord) throws {
        guard let user = try store.containers().first(where: { $0.image == image.id }) else {
            return
        }
        throw EngineError(
            .inUse, "container \"\(user.name)\" was made from image \(image.id.digest.short)",
            hint: "\"vitrine rm \(user.name)\" removes it; --force removes the image alone")
    }

    /// What a removal did.
    package enum Removal: Sendable {
        case untagged(Reference)
        case deleted(ImageID)
    }

    /// Removes a name, and the image with its last name, as `docker rmi` does.
    /// - Parameter force: removes an image given by ID though it has several names.
    package func remove(_ text: String, force: Bool) throws -> [Removal] {
        let image = try image(text)
        // A damaged image is removed, too.
        let labels = (try? store.config(of: image.id).config.config.labels) ?? [:]
        let removals = try remove(image, meantBy: text, force: force)
        note(removals, of: image.id, labels: labels)
        return removals
    }

    private func remove(
        _ image: ImageRecord, meantBy text: String, force: Bool
    ) throws -> [Removal] {
        let names = try namesByImage()[image.id] ?? []
        if names.count <= 1 && !force { try refuseUsed(image) }
        let selector = try? ImageSelector(parsing: text)  // it was one above
        if let reference = selector?.reference, names.contains(reference) {
            guard let removal = try store.removeName(reference) else {
                throw EngineError(.notFound, "nothing is named \(reference.familiarName) any more")
            }
            return [.untagged(reference)]
                + (removal.removedImage ? [.deleted(removal.image)] : [])
        }
        let removed: [Reference]
        do throws(StoreError) {
            removed = try store.removeImage(image.id, force: force)
        } catch {
            guard error.code == .inUse else { throw error }
            throw EngineError(
                .inUse, error.message,
                hint: "remove it by name, or use --force to take all its names away")
        }
        return removed.map { .untagged($0) } + [.deleted(image.id)]
    }
}
