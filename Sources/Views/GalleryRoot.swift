package import FileTree
internal import ImageSpec
internal import Store

/// The root of the gallery: `images`, `by-id`, `cache`, `builds`, `store`.
package struct GalleryRoot: GlassDirectory {
    private let context: GalleryContext

    package init(_ context: GalleryContext) { self.context = context }

    package var identity: [UInt8] { Array("gallery".utf8) }
    package var isLive: Bool { true }
    package func modificationTime() -> NodeTime { context.lastChange() }

    package func entries() throws -> [(name: EntryName, entry: GlassEntry)] {
        [
            (EntryName(text: "images"), .directory(ImageNames(context, components: []))),
            (EntryName(text: "by-id"), .directory(ImagesByID(context))),
            (EntryName(text: "cache"), .directory(CacheEntries(context))),
            (EntryName(text: "builds"), .directory(Builds(context))),
            (EntryName(text: "store"), .directory(StoreFigures(context))),
        ]
    }
}

/// The names of images, a path component per slash: `debian:bookworm`, `ghcr.io/org/name:tag`.
struct ImageNames: GlassDirectory {
    private let context: GalleryContext
    /// The components above, as in `ghcr.io`, `org`.
    private let components: [String]

    init(_ context: GalleryContext, components: [String]) {
        self.context = context
        self.components = components
    }

    var identity: [UInt8] { Array("images".utf8) }
    var isLive: Bool { true }
    func modificationTime() -> NodeTime { context.lastChange() }

    func entries() throws -> [(name: EntryName, entry: GlassEntry)] {
        var result: [String: GlassEntry] = [:]
        for (reference, id) in try context.store.names() {
            let parts = reference.familiarName.split(separator: "/").map(String.init)
            guard parts.count > components.count, parts.starts(with: components) else { continue }
            let name = parts[components.count]
            if parts.count > components.count + 1 {
                result[name] = .directory(ImageNames(context, components: components + [name]))
            } else if let image = try context.store.image(id) {
                result[name] = .directory(ImageDirectory(context, image))
            }
        }
        return result.map { (EntryName(text: $0.key), $0.value) }
    }
}

/// Every image by the hex digits of its ID.
struct ImagesByID: GlassDirectory {
    private let context: GalleryContext
    init(_ context: GalleryContext) { self.context = context }

    var identity: [UInt8] { Array("by-id".utf8) }
    var isLive: Bool { true }
    func modificationTime() -> NodeTime { context.lastChange() }

    func entries() throws -> [(name: EntryName, entry: GlassEntry)] {
        try context.store.images().map {
            (EntryName(text: $0.id.digest.hex), .directory(ImageDirectory(context, $0)))
        }
    }

    /// A short ID leads there too, as far as it is unique.
    func entry(_ name: EntryName) throws -> GlassEntry? {
        guard name.bytes.count >= 4 else { return nil }
        let found = try context.store.images(idPrefix: name.description)
        return found.count == 1 ? .directory(ImageDirectory(context, found[0])) : nil
    }
}
