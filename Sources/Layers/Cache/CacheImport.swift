internal import FileTree
internal import ImageSpec
internal import LinuxIO
package import Store

/// Takes the entries of an exported cache into a store.
///
/// Nothing is believed: a key is the digest of its inputs, a layer has the digest and size that the
/// manifest says, and put on the parent it gives the tree that the entry says. That a command really
/// gave this result is what nobody can check: a cache is taken from those who are trusted with it.
package struct CacheImport {
    private let store: Store
    private let lease: Lease
    private let limits: ArchiveLimits

    /// What became of the entries.
    package struct Report: Hashable, Sendable {
        package var imported = 0
        /// The store had them.
        package var present = 0
        /// What they stand on is not in the store, such as the base image.
        package var unfounded = 0
        /// Why others were left out.
        package var failures: [String] = []
    }

    package init(_ store: Store, lease: Lease, limits: ArchiveLimits = ArchiveLimits()) {
        self.store = store
        self.lease = lease
        self.limits = limits
    }

    /// - Throws: ``LayerError`` `notFound` where there is no cache, `invalidArchive`, `inputOutput`.
    ///   A layer that is not what it should be is told in the report.
    package func read(_ directory: String) throws -> Report {
        let manifest = try Self.manifest(in: directory)
        let document = try Self.document(of: manifest, in: directory)
        var report = Report()
        var trees: [TreeID: Tree] = [:]
        for tree in try store.knownTrees() { trees[tree.id] = tree }
        // What COPY --link made stands on nothing.
        trees[Tree.empty.id] = .empty
        var waiting = document.entries
        while !waiting.isEmpty {
            var later: [CacheDocument.Entry] = []
            for entry in waiting {
                if let known = try store.cacheEntry(entry.key) {
                    trees[known.tree.id] = known.tree
                    report.present += 1
                    continue
                }
                guard let parent = trees[entry.parent] else {
                    later.append(entry)
                    continue
                }
                do {
                    let layer = manifest.layers[entry.layer]
                    let tree = try insert(entry, onto: parent, layer, in: directory)
                    trees[tree.id] = tree
                    report.imported += 1
                } catch {
                    report.failures.append("\(entry.key.digest.short): \(error)")
                }
            }
            // What waits for what is not to be had.
            if later.count == waiting.count {
                report.unfounded = later.count
                break
            }
            waiting = later
        }
        return report
    }

    /// The inputs of ten thousand steps have some 40 MB.
    private static let maximumConfigBytes = 256 << 20

    private func insert(
        _ entry: CacheDocument.Entry, onto parent: Tree, _ layer: Descriptor, in directory: String
    ) throws -> Tree {
        let path = directory + "/" + OCILayout.blobPath(layer.digest)
        let file = try Self.open(path)
        let size = UInt64(clamping: layer.sizeBytes)
        let source = FileRangeSource(
            FileRange(file: SharedFile(file), offset: 0, sizeBytes: size))
        if parent != .empty { try lease.hold(parent) }
        let directories = PendingDirectories(base: store)
        let ingest = try store.ingest(lease)
        let found = try LayerImport(ingest: ingest, directories: directories, limits: limits).read(
            source, onto: parent,
            expecting: LayerExpectation(
                blobDigest: layer.digest, blobSizeBytes: layer.sizeBytes))
        guard found.tree.id == entry.tree else {
            throw LayerError(
                .digestMismatch, "its layer gives another root file system than it should",
                path: path)
        }
        let record = CacheRecord(
            key: entry.key, instruction: entry.instruction, inputs: entry.inputs,
            parentTree: parent, tree: found.tree, layer: found.diffID,
            layerTarSizeBytes: UInt64(clamping: found.tarSizeBytes), createdAt: entry.createdAt)
        try store.insertImported(record, directories: directories, lease: lease)
        return found.tree
    }

    // MARK: - Files

    /// The manifest of an exported cache.
    /// - Throws: `notFound`, `invalidArchive`, `inputOutput`.
    static func manifest(in directory: String) throws -> ImageManifest {
        let path = directory + "/" + OCILayout.indexPath
        let bytes = try readAll(try open(path), path, limit: ImageDocumentLimit.maximumBytes)
        do {
            let index = try ImageIndex(bytes: bytes)
            guard index.manifests.count == 1, let descriptor = index.manifests.first else {
                throw LayerError(.invalidArchive, "it is no exported cache", path: directory)
            }
            let manifest = try ImageManifest(
                bytes: try blob(
                    descriptor, in: directory, limit: ImageDocumentLimit.maximumBytes))
            guard manifest.config.mediaType == CacheDocument.mediaType else {
                throw LayerError(.invalidArchive, "it is no exported cache", path: directory)
            }
            return manifest
        } catch let error as ImageSpecError {
            throw LayerError(
                .invalidArchive, "it cannot be read as an exported cache", path: directory,
                cause: error)
        }
    }

    /// What the entries of an exported cache are.
    /// - Throws: as above.
    static func document(
        of manifest: ImageManifest, in directory: String
    ) throws -> CacheDocument {
        let config = try blob(manifest.config, in: directory, limit: maximumConfigBytes)
        return try CacheDocument(config, layerCount: manifest.layers.count)
    }

    private static func blob(
        _ descriptor: Descriptor, in directory: String, limit: Int
    ) throws -> [UInt8] {
        let path = directory + "/" + OCILayout.blobPath(descriptor.digest)
        let bytes = try readAll(try open(path), path, limit: limit)
        guard Digest(of: bytes) == descriptor.digest else {
            throw LayerError(.digestMismatch, "it has another content than its name", path: path)
        }
        return bytes
    }

    private static func open(_ path: String) throws -> OwnedDescriptor {
        do throws(Errno) {
            return try OwnedDescriptor(opening: path, [.readOnly, .noFollow, .nonBlocking])
        } catch {
            throw LayerError(
                error == .notFound ? .notFound : .inputOutput, "it cannot be read", path: path,
                cause: error)
        }
    }

    private static func readAll(
        _ file: borrowing OwnedDescriptor, _ path: String, limit: Int
    ) throws -> [UInt8] {
        do throws(Errno) {
            return try DescriptorIO.readAll(file.rawValue, limit: limit)
        } catch {
            throw LayerError(.inputOutput, "it cannot be read", path: path, cause: error)
        }
    }
}
