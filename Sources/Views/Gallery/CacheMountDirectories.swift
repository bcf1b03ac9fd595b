internal import FileTree
internal import Store

/// The directories of `RUN --mount=type=cache`, as they are at the moment.
struct CacheMounts: GlassDirectory {
    private let context: GalleryContext
    init(_ context: GalleryContext) { self.context = context }

    var identity: [UInt8] { Array("cache-mounts".utf8) }
    var isLive: Bool { true }
    func modificationTime() -> NodeTime {
        HostGlassDirectory(root: context.store.layout.cacheMounts).modificationTime()
    }

    func entries() throws -> [(name: EntryName, entry: GlassEntry)] {
        try context.store.cacheMountNames().map { name in
            let path = context.store.layout.cacheMountData(name)
            return (EntryName(text: name.text), .directory(HostGlassDirectory(root: path)))
        }
    }
}
