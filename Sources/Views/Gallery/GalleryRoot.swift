package import FileTree
internal import ImageSpec
internal import Store

/// The root of the gallery: `images`, `by-id`, `containers`, `cache`, `builds`, `store`.
package struct GalleryRoot: GlassDirectory {
    private let context: GalleryContext

    package init(_ context: GalleryContext) { self.context = context }

    package var identity: [UInt8] { Array("gallery".utf8) }
    // Its names are always these: no path asks for them again.
    package var isLive: Bool { false }
    package func modificationTime() -> NodeTime { context.beginning }

    package func entries() throws -> [(name: EntryName, entry: GlassEntry)] {
        [
            (EntryName(text: "images"), .directory(ImageNames(context, components: []))),
            (EntryName(text: "by-id"), .directory(ImagesByID(context))),
            (EntryName(text: "containers"), .directory(Containers(context))),
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
        var images: [String: ImageID] = [:]
        var prefixes: Set<String> = []
        for (reference, id) in try context.store.names() {
            let parts = reference.familiarName.split(separator: "/").map(String.init)
            guard parts.count > components.count, parts.starts(with: components) else { continue }
            let name = parts[components.count]
            if parts.count == components.count + 1 {
                images[name] = id
            } else {
                prefixes.insert(name)
            }
        }
        return try Set(images.keys).union(prefixes).compactMap { name in
            let image = try images[name].flatMap { try context.store.image($0) }
            return entry(name, image, isPrefix: prefixes.contains(name)).map {
                (EntryName(text: name), $0)
            }
        }
    }

    func entry(_ name: EntryName) throws -> GlassEntry? {
        let place = identity + Array("/\(components.joined(separator: "/"))".utf8)
        return try context.entry(name, in: place) { try find(name) }
    }

    private func find(_ name: EntryName) throws -> GlassEntry? {
        let parts = components + [name.description]
        let familiar = parts.joined(separator: "/")
        // A directory's name need not be one of an image, nor the only one of its image.
        let reference = (try? Reference(parsing: familiar)).flatMap {
            $0.familiarName == familiar ? $0 : nil
        }
        let image = try reference.flatMap { try context.store.image(named: $0) }
        let isPrefix = try context.store.names().contains { reference, _ in
            reference.familiarName.hasPrefix(familiar + "/")
        }
        return entry(name.description, image, isPrefix: isPrefix)
    }

    /// An image, a component of other images' names, or both: the image `localhost:5000` and the
    /// registry of that name.
    private func entry(_ name: String, _ image: ImageRecord?, isPrefix: Bool) -> GlassEntry? {
        let below = ImageNames(context, components: components + [name])
        let directory = image.map { ImageDirectory(context, $0) }
        switch (directory, isPrefix) {
        case (let directory?, true): return .directory(MergedDirectory(directory, below))
        case (let directory?, false): return .directory(directory)
        case (nil, true): return .directory(below)
        case (nil, false): return nil
        }
    }
}

/// Two directories as one; the first one's entries hide the second's.
struct MergedDirectory: GlassDirectory {
    private let first: any GlassDirectory
    private let second: any GlassDirectory

    init(_ first: any GlassDirectory, _ second: any GlassDirectory) {
        self.first = first
        self.second = second
    }

    var identity: [UInt8] { first.identity + second.identity }
    var isLive: Bool { true }
    func modificationTime() -> NodeTime { second.modificationTime() }

    func entries() throws -> [(name: EntryName, entry: GlassEntry)] {
        let own = try first.entries()
        let names = Set(own.map(\.name))
        return own + (try second.entries()).filter { !names.contains($0.name) }
    }

    func entry(_ name: EntryName) throws -> GlassEntry? {
        try first.entry(name) ?? second.entry(name)
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
        return try context.entry(name, in: identity) {
            let found = try context.store.images(idPrefix: name.description)
            return found.count == 1 ? .directory(ImageDirectory(context, found[0])) : nil
        }
    }
}
