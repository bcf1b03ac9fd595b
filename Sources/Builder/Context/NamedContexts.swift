internal import Dockerfile
internal import FileTree
internal import ImageSpec
internal import Layers
internal import Store
internal import Synchronization

/// The named contexts of a build, each read once. Thread-safe.
final class NamedContexts: Sendable {
    private let contexts: [String: Entry]
    private let store: Store
    private let lease: Lease
    private let remotes: RemoteSources
    private let cancellation: Cancellation

    /// A context and what is known of it. Who needs one that is being read waits.
    private final class Entry: Sendable {
        let location: NamedContext.Location
        let known = Mutex(Known())

        init(_ location: NamedContext.Location) { self.location = location }
    }

    private struct Known {
        var image: BaseImages.Found?
        var files: Files?
        /// The image of a layout that the store had not.
        var loaded: [ImageID] = []
    }

    /// What COPY takes from.
    private enum Files: Sendable {
        case tree(Tree)
        case host(LockedSource, StatCache)
    }

    init(
        _ contexts: [NamedContext], store: Store, lease: Lease, remotes: RemoteSources,
        cancellation: Cancellation
    ) {
        var table: [String: Entry] = [:]
        // Of several with one name the last counts.
        for context in contexts {
            table[NamedContext.key(context.name)] = Entry(context.location)
        }
        self.contexts = table
        self.store = store
        self.lease = lease
        self.remotes = remotes
        self.cancellation = cancellation
    }

    private func entry(_ name: String) -> Entry? {
        contexts.isEmpty ? nil : contexts[NamedContext.key(name)]
    }

    func has(_ name: String) -> Bool { entry(name) != nil }

    /// What the context is on another host, if it is there.
    func remoteSource(_ name: String) -> RemoteSource? {
        guard case .remote(let remote)? = entry(name)?.location else { return nil }
        return remote
    }

    /// Whether a stage that begins with this has to copy its files first.
    func isFiles(_ base: StagePlan.Source) -> Bool {
        guard case .context(let name) = base else { return false }
        switch entry(name)?.location {
        case .directory, .remote, .image("scratch"), nil: return true
        case .image, .layout: return false
        }
    }

    /// What a stage begins with.
    enum Base {
        case image(BaseImages.Found)
        /// Files without a config.
        case files
    }

    func base(
        _ name: String, _ stored: BaseImages, _ platform: Platform?
    ) throws -> Base {
        guard let entry = entry(name) else { return .files }
        return try entry.known.withLock { known in
            try image(name, entry.location, &known, stored, platform).map { .image($0) }
                ?? .files
        }
    }

    /// What COPY takes from.
    func source(
        _ name: String, _ stored: BaseImages, _ platform: Platform?
    ) throws -> any CopySource {
        let title = "the context \(name)"
        let files =
            try entry(name).map { entry in
                try entry.known.withLock { known in
                    if let files = known.files { return files }
                    let files = try makeFiles(
                        name, entry.location, &known, stored, platform, title)
                    known.files = files
                    return files
                }
            } ?? .tree(.empty)
        switch files {
        case .host(let source, _): return source
        case .tree(.empty): return TreeSource(.empty, in: store, name: title + ", which is empty")
        case .tree(let tree): return TreeSource(tree, in: store, name: title)
        }
    }

    private func makeFiles(
        _ name: String, _ location: NamedContext.Location, _ known: inout Known,
        _ stored: BaseImages, _ platform: Platform?, _ title: String
    ) throws -> Files {
        if let image = try image(name, location, &known, stored, platform) {
            return .tree(image.tree)
        }
        switch location {
        case .directory(let path):
            let (source, cache) = try BuildContext.named(
                path, title, store: store, lease: lease, cancellation: cancellation)
            return .host(LockedSource(source), cache)
        case .remote(let remote): return .tree(try files(of: remote))
        default: return .tree(.empty)
        }
    }

    /// As BuildKit: a repository's files, or the one file, which it calls `context`.
    private func files(of remote: RemoteSource) throws -> Tree {
        let tree = try remotes.tree(of: remote)
        guard case .file = remote, let content = try remotes.content(of: tree) else { return tree }
        let directories = PendingDirectories(base: store)
        let editor = TreeEditor(base: .empty, directories: directories)
        let ingest = try store.ingest(lease)
        let entry = try store.directory(tree.directory.id).entries.first
        if try ArchiveUnpacker.isArchive(content, named: entry?.name.bytes, in: store) {
            try ArchiveUnpacker(ingest: ingest, owner: nil)
                .unpack(content, of: store, into: .root, of: editor)
        } else if let entry {
            try editor.put(entry.node, at: TreePath([try EntryName(Array("context".utf8))]))
        }
        let result = try editor.finish()
        try store.insert(result, directories: directories, lease: lease)
        return result
    }

    private func image(
        _ name: String, _ location: NamedContext.Location, _ known: inout Known,
        _ stored: BaseImages, _ platform: Platform?
    ) throws -> BaseImages.Found? {
        if let image = known.image { return image }
        switch location {
        case .image("scratch"): break
        case .image(let reference):
            known.image = try stored.find(reference, platform: platform)
        case .layout(let path, let tag):
            known.image = try layoutImage(name, path, tag, &known.loaded, stored, platform)
        default: break
        }
        return known.image
    }

    private func layoutImage(
        _ name: String, _ path: String, _ tag: String?, _ loaded: inout [ImageID],
        _ stored: BaseImages, _ platform: Platform?
    ) throws -> BaseImages.Found {
        let loader = ImageLoader(
            store, lease: lease, options: LoadOptions(platform: platform, name: tag))
        do {
            let record = try loader.loadUnnamed(.path(path)) { loaded.append($0) }
            return try stored.found(record, name, platform)
        } catch let error as LayerError {
            throw BuildError(
                .contextUnreadable,
                "could not read the OCI layout \(path) of the context \(name): \(error)",
                hint: error.hint, cause: error)
        }
    }

    /// Keeps what the host's files hashed to, and lets go of images that were read for this build:
    /// what it made of them has their layers.
    func finish() {
        for entry in contexts.values {
            entry.known.withLock { known in
                if case .host(_, let cache)? = known.files { cache.save() }
                // One that stays for an error does no harm.
                for image in known.loaded { try? store.removeUnnamedImage(image) }
                known.loaded = []
            }
        }
    }
}
