internal import FileTree
internal import ImageSpec
internal import LinuxIO
internal import Store

/// The containers by their names; also by their IDs, and by the first digits of one.
struct Containers: GlassDirectory {
    private let context: GalleryContext
    init(_ context: GalleryContext) { self.context = context }

    var identity: [UInt8] { Array("containers".utf8) }
    var isLive: Bool { true }
    func modificationTime() -> NodeTime { context.lastChange() }

    func entries() throws -> [(name: EntryName, entry: GlassEntry)] {
        try context.store.containers().map {
            (EntryName(text: $0.name), .directory(ContainerDirectory(context, $0)))
        }
    }

    func entry(_ name: EntryName) throws -> GlassEntry? {
        let text = name.description
        let all = try context.store.containers()
        if let named = all.first(where: { $0.name == text }) {
            return .directory(ContainerDirectory(context, named))
        }
        guard text.utf8.count >= Self.shortestDigits else { return nil }
        let found = all.filter { $0.id.text.hasPrefix(text) }
        return found.count == 1 ? .directory(ContainerDirectory(context, found[0])) : nil
    }

    /// As for images: see ``ImagesByID``.
    private static let shortestDigits = 4
}

/// One container: `rootfs`, `changes`, `changes.txt`, `config.json`, `state.json`, `log`.
struct ContainerDirectory: GlassDirectory {
    private let context: GalleryContext
    private let container: ContainerRecord

    init(_ context: GalleryContext, _ container: ContainerRecord) {
        self.context = context
        self.container = container
    }

    var identity: [UInt8] { Array(container.id.text.utf8) }
    var isLive: Bool { true }
    var isGone: Bool { context.isGone { try $0.container(container.id) == nil } }

    func modificationTime() -> NodeTime {
        // What cannot be looked at looks different.
        let journal = try? FileStatus(ofPath: place.journal)
        return context.lastChange(
            of: container.id,
            GalleryContext.ContainerLook(
                generation: try? context.store.generation(), mountPoint: mountPoint,
                journalInode: journal?.inode, journalBytes: journal?.sizeBytes))
    }

    private var place: ContainerPlace { context.store.layout.container(container.id) }

    /// Where its root file system is shown, writable; nil while it is not.
    private var mountPoint: String? {
        guard let holder = context.store.holder(of: container.id) else { return nil }
        // The record may be older than the mount.
        let state = (try? context.store.container(container.id))??.state
        return [state?.rootfs, holder.mountPoint].compactMap { $0 }.first { !$0.isEmpty }
    }

    private enum Part: String, CaseIterable {
        case rootfs, changes, log
        case changeList = "changes.txt"
        case config = "config.json"
        case state = "state.json"
    }

    func entries() throws -> [(name: EntryName, entry: GlassEntry)] {
        try Part.allCases.compactMap { part in
            try entry(part).map { (EntryName(text: part.rawValue), $0) }
        }
    }

    func entry(_ name: EntryName) throws -> GlassEntry? {
        try Part(rawValue: name.description).flatMap { try entry($0) }
    }

    private func entry(_ part: Part) throws -> GlassEntry? {
        switch part {
        case .rootfs:
            if let mountPoint {
                return .symbolicLink(
                    target: Array(mountPoint.utf8), modificationTime: modificationTime())
            }
            return .tree(try draft().draft.tree)
        case .changes:
            let (draft, image) = try draft()
            return .tree(try context.changes.tree(from: image, to: draft.tree))
        case .changeList:
            let (draft, image) = try draft()
            let changes = try TreeDiff.changes(from: image, to: draft.tree, in: draft)
            return .file(
                Array(
                    changes.withoutUntouchedDirectories.filter(\.isWorthListing).map(\.line)
                        .joined().utf8),
                modificationTime: modificationTime())
        case .config:
            return .file(
                try context.containerConfig(presentRecord()),
                modificationTime: NodeTime(nanosecondsSinceEpoch: container.createdAt))
        case .state:
            return .file(
                try context.store.currentState(of: presentRecord()).document(),
                modificationTime: modificationTime())
        case .log:
            return try HostGlassFile(root: place.directory, name: "log").map { .hostFile($0) }
        }
    }

    private func presentRecord() throws -> ContainerRecord {
        guard let record = try context.store.container(container.id) else {
            throw StoreError(.notFound, "container \(container.name) was removed")
        }
        return record
    }

    private func draft() throws -> (draft: ContainerDraft, image: Tree) {
        let image = try context.store.imageTree(of: container)
        return (try context.drafts.draft(of: container.id, on: image), image)
    }
}
