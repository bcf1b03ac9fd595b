internal import Dockerfile
internal import FileTree
internal import ImageSpec
internal import Layers
internal import Store

/// The named contexts of a build, each read once. One thread at a time.
final class NamedContexts {
    private let contexts: [String: NamedContext]
    private let store: Store
    private let lease: Lease
    private let remotes: RemoteSources
    private let cancellation: Cancellation
    private var sources: [String: any CopySource] = [:]
    private var images: [String: BaseImages.Found] = [:]
    private var caches: [StatCache] = []
    /// Images of layouts that the store had not.
    private var loaded: [ImageID] = []

    init(
        _ contexts: [NamedContext], store: Store, lease: Lease, remotes: RemoteSources,
        cancellation: Cancellation
    ) {
        var table: [String: NamedContext] = [:]
        // Of several with one name the last counts.
        for context in contexts { table[NamedContext.key(context.name)] = context }
        self.contexts = table
        self.store = store
        self.lease = lease
        self.remotes = remotes
        self.cancellation = cancellation
    }

    func has(_ name: String) -> Bool {
        !contexts.isEmpty && contexts[NamedContext.key(name)] != nil
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
        try image(name, stored, platform).map { .image($0) } ?? .files
    }

    /// What COPY takes from.
    func source(
        _ name: String, _ stored: BaseImages, _ platform: Platform?
    ) throws -> any CopySource {
        let key = NamedContext.key(name)
        if let source = sources[key] { return source }
        let source = try makeSource(name, stored, platform)
        sources[key] = source
        return source
    }

    private func makeSource(
        _ name: String, _ stored: BaseImages, _ platform: Platform?
    ) throws -> any CopySource {
        let title = "the context \(name)"
        if let image = try image(name, stored, platform) {
            return TreeSource(image.tree, in: store, name: title)
        }
        switch contexts[NamedContext.key(name)]?.location {
        case .directory(let path):
            let (source, cache) = try BuildContext.named(
                path, title, store: store, lease: lease, cancellation: cancellation)
            caches.append(cache)
            return source
        case .remote(let remote):
            return TreeSource(try files(of: remote), in: store, name: title)
        default: return TreeSource(.empty, in: store, name: title + ", which is empty")
        }
    }

    /// As BuildKit: a repository's files, or the one file, which it calls `context`.
    private func files(of remote: RemoteSource) throws -> Tree {
        let tree = try remotes.tree(of: remote)
        guard case .file = remote, let content = try remotes.content(of: tree) else { return tree }
        let directories = PendingDirectories(base: store)
        let editor = TreeEditor(base: .empty, directories: directories)
        let ingest = try store.ingest(lease)
        if try ArchiveUnpacker.isArchive(content, in: store) {
            try ArchiveUnpacker(ingest: ingest, owner: .root)
                .unpack(content, of: store, into: .root, of: editor)
        } else if let entry = try store.directory(tree.directory.id).entries.first {
            try editor.put(entry.node, at: TreePath([try EntryName(Array("context".utf8))]))
        }
        let result = try editor.finish()
        try store.insert(result, directories: directories, lease: lease)
        return result
    }

    private func image(
        _ name: String, _ stored: BaseImages, _ platform: Platform?
    ) throws -> BaseImages.Found? {
        let key = NamedContext.key(name)
        if let image = images[key] { return image }
        var found: BaseImages.Found?
        switch contexts[key]?.location {
        case .image("scratch"): break
        case .image(let reference): found = try stored.find(reference, platform: platform)
        case .layout(let path, let tag):
            found = try layoutImage(name, path, tag, stored, platform)
        default: break
        }
        images[key] = found
        return found
    }

    private func layoutImage(
        _ name: String, _ path: String, _ tag: String?, _ stored: BaseImages,
        _ platform: Platform?
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
        for cache in caches { cache.save() }
        // One that stays for an error does no harm.
        for image in loaded { try? store.removeUnnamedImage(image) }
        loaded = []
    }
}
