internal import Builder
internal import ImageSpec
package import Layers
internal import Store

/// What `save` writes.
package enum SaveTarget: Sendable {
    case archive(ImageArchiveFormat, ArchiveTarget)
    case layout(directory: String)
    /// The image's files as a plain tar.
    case rootFileSystem(ArchiveTarget)
}

extension Engine {
    /// Brings in the images of an archive or an OCI layout.
    /// - Parameter platform: chosen where an archive has an image for several.
    package func load(
        _ input: ArchiveInput, platform: String?, progress: ((ArchiveProgress) -> Void)?
    ) throws -> [LoadedImage] {
        let lease = try store.lease("load \(input.name)")
        defer { lease.end() }
        let options = LoadOptions(platform: try platform.map { try Platform.parse($0) })
        let images = try ImageLoader(store, lease: lease, options: options, progress: progress)
            .load(input)
        for image in images { store.note("load", ofImage: image.id) }
        return images
    }

    /// Writes images as an archive, or adds them to an OCI layout's directory.
    package func save(
        _ images: [String], to target: SaveTarget, options: SaveOptions,
        progress: ((ArchiveProgress) -> Void)?
    ) throws {
        let lease = try store.readingLease("save \(images.joined(separator: " "))")
        defer { lease.end() }
        let saver = ImageSaver(store, lease: lease, options: options, progress: progress)
        let wanted = try images.map { text in
            let image = try image(text)
            try lease.hold(try store.tree(of: image))
            return ImageToSave(image, names: try names(of: image, meantBy: text))
        }
        switch target {
        case .archive(let format, let output): try saver.save(wanted, as: format, to: output)
        case .layout(let directory): try saver.saveLayout(wanted, to: directory)
        case .rootFileSystem(let output):
            guard wanted.count == 1 else {
                throw EngineError(.invalid, "a root file system is saved of one image at a time")
            }
            try saver.saveRootFileSystem(try store.tree(of: wanted[0].image), to: output)
        }
        for item in wanted { store.note("save", ofImage: item.image.id) }
    }

    /// As Docker does: an image given by name is saved under that name, one given by ID alone
    /// under none.
    private func names(of image: ImageRecord, meantBy text: String) throws -> [Reference] {
        let selector = try? ImageSelector(parsing: text)  // it was one
        guard let reference = selector?.reference, reference.digest == nil,
            try store.image(named: reference)?.id == image.id
        else { return [] }
        return [reference]
    }

    /// Makes an image of a root file system.
    /// - Parameter changes: instructions of a Dockerfile that change the config.
    package func importRootFileSystem(
        _ source: RootFileSystemSource, name: String?, message: String?, platform: String?,
        changes: [String] = [], progress: ((ArchiveProgress) -> Void)?
    ) throws -> LoadedImage {
        let names = try name.map { [try Self.parse($0)] } ?? []
        let changes = try ConfigChanges(changes)
        let platform = try platform.map { try Platform.parse($0) } ?? .host
        let lease = try store.lease("import \(source)")
        defer { lease.end() }
        let created = Timestamp(nanosecondsSinceEpoch: Store.now())
        let options = ImportOptions(
            created: created, platform: platform, message: message ?? "Imported from \(source)",
            names: names)
        let reader = RootFileSystemImport(
            store, lease: lease, options: options, progress: progress)
        let image = try source.withInput(store: store, lease: lease, progress: progress) { input in
            try reader.run(input) { try changes.apply(to: &$0.config) }
        }
        for name in names { store.note("tag", ofImage: image.id, as: name) }
        store.note("import", ofImage: image.id)
        return image
    }
}
