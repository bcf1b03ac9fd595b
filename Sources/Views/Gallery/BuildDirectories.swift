internal import FileTree
internal import ImageSpec
internal import Store

/// Every build-cache entry under the first 16 hex digits of its key: the result, what it changed,
/// and what it came from; beside them `mounts`, the directories that steps share.
struct CacheEntries: GlassDirectory {
    private let context: GalleryContext
    init(_ context: GalleryContext) { self.context = context }

    var identity: [UInt8] { Array("cache".utf8) }
    var isLive: Bool { true }
    func modificationTime() -> NodeTime { context.lastChange() }

    func entries() throws -> [(name: EntryName, entry: GlassEntry)] {
        try context.store.cacheEntries().map {
            (EntryName(text: $0.key.directoryName), .directory(CacheEntryDirectory(context, $0)))
        } + [(mounts, .directory(CacheMounts(context)))]
    }

    /// No key: those are hex digits.
    private let mounts = EntryName(text: "mounts")

    func entry(_ name: EntryName) throws -> GlassEntry? {
        if name == mounts { return .directory(CacheMounts(context)) }
        guard name.bytes.count == CacheKey.directoryNameLength else { return nil }
        return try context.entry(name, in: identity) {
            let found = try context.store.cacheEntries(keyPrefix: name.description)
            return found.first.map { .directory(CacheEntryDirectory(context, $0)) }
        }
    }
}

/// One build-cache entry.
struct CacheEntryDirectory: GlassDirectory {
    private let context: GalleryContext
    private let entry: CacheRecord

    init(_ context: GalleryContext, _ entry: CacheRecord) {
        self.context = context
        self.entry = entry
    }

    // Its layer is known later than the entry.
    var identity: [UInt8] {
        entry.key.digest.bytes + entry.tree.id.digest.bytes + (entry.layer?.digest.bytes ?? [])
    }
    var isLive: Bool { false }
    var isGone: Bool { context.isGone { try $0.cacheEntry(entry.key)?.tree != entry.tree } }
    func modificationTime() -> NodeTime { NodeTime(nanosecondsSinceEpoch: entry.createdAt) }

    private enum Part: String, CaseIterable { case rootfs, changes, step }

    func entries() throws -> [(name: EntryName, entry: GlassEntry)] {
        try Part.allCases.map { (EntryName(text: $0.rawValue), try entry($0)) }
    }

    func entry(_ name: EntryName) throws -> GlassEntry? {
        try Part(rawValue: name.description).map { try entry($0) }
    }

    private func entry(_ part: Part) throws -> GlassEntry {
        switch part {
        case .rootfs: return .tree(entry.tree)
        case .changes:
            return .tree(try context.changes.tree(from: entry.parentTree, to: entry.tree))
        case .step: return .file(Array(text.utf8), modificationTime: modificationTime())
        }
    }

    private var text: String {
        var text = "\(entry.instruction)\n\nkey    \(entry.key)\n"
        if let layer = entry.layer { text += "layer  \(layer)\n" }
        text += "parent \(entry.parentTree.id)\nresult \(entry.tree.id)\n\ninputs:\n\(entry.inputs)"
        if !text.hasSuffix("\n") { text += "\n" }
        return text
    }
}

/// The remembered builds, by ID.
struct Builds: GlassDirectory {
    private let context: GalleryContext
    init(_ context: GalleryContext) { self.context = context }

    var identity: [UInt8] { Array("builds".utf8) }
    var isLive: Bool { true }
    func modificationTime() -> NodeTime { context.lastChange() }

    func entries() throws -> [(name: EntryName, entry: GlassEntry)] {
        try context.store.builds().map {
            (EntryName(text: $0.id), .directory(BuildDirectory(context, $0.id)))
        }
    }

    func entry(_ name: EntryName) throws -> GlassEntry? {
        try context.store.build(name.description).map {
            .directory(BuildDirectory(context, $0.id))
        }
    }
}

/// A step that is in no cache: the image or the files that a stage begins with.
struct BaseDirectory: GlassDirectory {
    private let build: BuildRecord
    private let step: BuildStepRecord

    init(_ build: BuildRecord, _ step: BuildStepRecord) {
        self.build = build
        self.step = step
    }

    var identity: [UInt8] { Array("\(build.id) \(step.number)".utf8) }
    var isLive: Bool { false }
    func modificationTime() -> NodeTime { NodeTime(nanosecondsSinceEpoch: build.startedAt) }

    func entries() throws -> [(name: EntryName, entry: GlassEntry)] {
        [
            (EntryName(text: "rootfs"), .tree(step.tree)),
            (
                EntryName(text: "step"),
                .file(
                    Array("\(step.instruction)\n".utf8), modificationTime: modificationTime())
            ),
        ]
    }
}

/// One build: each step that ended well, as its cache entry or as what a stage began with, and the
/// state where it failed.
struct BuildDirectory: GlassDirectory {
    private let context: GalleryContext
    private let id: String

    init(_ context: GalleryContext, _ id: String) {
        self.context = context
        self.id = id
    }

    var identity: [UInt8] { Array(id.utf8) }
    // Steps are added while it runs, and its end is told.
    var isLive: Bool { true }
    var isGone: Bool { context.isGone { try $0.build(id) == nil } }
    func modificationTime() -> NodeTime { context.lastChange() }

    func entries() throws -> [(name: EntryName, entry: GlassEntry)] {
        guard let build = try context.store.build(id) else {
            throw StoreError(.notFound, "the build \(id) is no longer remembered")
        }
        var result: [(name: EntryName, entry: GlassEntry)] = []
        let time = NodeTime(nanosecondsSinceEpoch: build.startedAt)
        let steps = try context.store.steps(ofBuild: id)
        for step in steps {
            if step.outcome == .failed {
                result.append((EntryName(text: "failed"), .tree(step.tree)))
                continue
            }
            let number = step.number < 10 ? "0\(step.number)" : "\(step.number)"
            let verb = step.instruction.prefix { !$0.isWhitespace }
            let name = EntryName(text: "\(number)-\(verb)")
            if let key = step.key {
                let target = "../../cache/\(key.directoryName)"
                result.append(
                    (name, .symbolicLink(target: Array(target.utf8), modificationTime: time)))
            } else {
                result.append((name, .directory(BaseDirectory(build, step))))
            }
        }
        var why = ""
        for step in steps { why += step.summary.map { $0 + "\n" }.joined() }
        result.append((EntryName(text: "why"), .file(Array(why.utf8), modificationTime: time)))
        var status = "\(build.title)\n\(build.status.rawValue)\n"
        if let image = build.image { status += "\(image)\n" }
        let told = NodeTime(nanosecondsSinceEpoch: build.endedAt ?? build.startedAt)
        result.append(
            (EntryName(text: "status"), .file(Array(status.utf8), modificationTime: told)))
        return result
    }
}
