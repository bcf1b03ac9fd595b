internal import FileTree
internal import ImageSpec
internal import Store

/// What the store holds and what the images share, as tables that `column -t` understands.
struct StoreFigures: GlassDirectory {
    private let context: GalleryContext
    init(_ context: GalleryContext) { self.context = context }

    var identity: [UInt8] { Array("store".utf8) }
    var isLive: Bool { true }
    func modificationTime() -> NodeTime { context.lastChange() }

    func entries() throws -> [(name: EntryName, entry: GlassEntry)] {
        let usage = try StoreUsage(of: context.store)
        var lines = "IMAGE\tSIZE\tUNIQUE\tSHARED\tNAMES\n"
        for image in usage.images {
            let names = image.names.map(\.familiarName).joined(separator: ",")
            lines +=
                "\(image.id.digest.short)\t\(image.sizeBytes)\t\(image.uniqueBytes)"
                + "\t\(image.sharedBytes)\t\(names.isEmpty ? "<none>" : names)\n"
        }
        let totals = """
            logical\t\(usage.logicalBytes)
            stored\t\(usage.storedBytes)
            cache-only\t\(usage.cacheOnlyBytes)
            cache-mounts\t\(usage.cacheMountBytes)

            """
        let time = modificationTime()
        return [
            (EntryName(text: "images"), .file(Array(lines.utf8), modificationTime: time)),
            (EntryName(text: "totals"), .file(Array(totals.utf8), modificationTime: time)),
        ]
    }
}
