internal import FileTree
internal import ImageSpec
internal import LinuxIO
package import Store

/// Writes cache entries into a directory, as an OCI image layout of one manifest: the layers are
/// what the steps changed, as ordinary layer tars, the config says which is which.
///
/// An export into the same directory replaces the one before; blobs that both have stay as they are.
package struct CacheExport {
    private let store: Store
    private let options: SaveOptions
    private let isForced: Bool
    private let check: () throws -> Void

    /// - Parameters:
    ///   - options: how layers are compressed.
    ///   - isForced: whether a layer that a former export has, compressed otherwise, is written anew.
    ///   - check: called often; what it throws ends the export.
    package init(
        _ store: Store, options: SaveOptions = SaveOptions(), isForced: Bool = false,
        check: @escaping () throws -> Void = {}
    ) {
        self.check = check
        self.store = store
        self.options = options
        self.isForced = isForced
    }

    /// - Parameter entries: each after those that it stands on.
    /// - Throws: ``LayerError`` `inputOutput`, also for a directory that holds anything else.
    package func write(_ entries: [CacheRecord], to directory: String) throws {
        do throws(Errno) {
            try Self.prepare(directory)
        } catch {
            let isForeign = error == .notEmpty
            throw LayerError(
                .inputOutput,
                isForeign
                    ? "it holds something else than an exported cache"
                    : "it cannot be made an OCI layout",
                path: directory, cause: error)
        }
        let former = Self.former(in: directory)
        var layers: [Descriptor] = []
        var places: [Digest: Int] = [:]
        var document = CacheDocument(entries: [])
        for entry in entries {
            let layer = try known(entry, former, directory) ?? write(entry, to: directory)
            let place = places[layer.digest] ?? layers.count
            if place == layers.count { layers.append(layer) }
            places[layer.digest] = place
            document.entries.append(
                CacheDocument.Entry(
                    key: entry.key, instruction: entry.instruction, inputs: entry.inputs,
                    parent: entry.parentTree.id, tree: entry.tree.id, layer: place,
                    createdAt: entry.createdAt))
        }
        let config = document.json.encoded
        var manifest = ImageManifest(
            config: Descriptor(
                mediaType: CacheDocument.mediaType, digest: Digest(of: config),
                sizeBytes: Int64(config.count)), layers: layers)
        manifest.extras.append("artifactType", CacheDocument.mediaType.rawValue)
        do throws(Errno) {
            try finish(manifest, config, directory)
        } catch {
            throw LayerError(.inputOutput, "it cannot be written", path: directory, cause: error)
        }
    }

    /// What a directory has of the entries that it was given before.
    private struct Former {
        var tree: TreeID
        var layer: Descriptor
    }

    private static func former(in directory: String) -> [CacheKey: Former] {
        // Without it all is written anew.
        guard let manifest = try? CacheImport.manifest(in: directory),
            let document = try? CacheImport.document(of: manifest, in: directory)
        else { return [:] }
        return Dictionary(
            document.entries.map {
                ($0.key, Former(tree: $0.tree, layer: manifest.layers[$0.layer]))
            }, uniquingKeysWith: { $1 })
    }

    /// The layer that is there already. As in BuildKit, how it is compressed does not matter unless
    /// that is asked for.
    private func known(
        _ entry: CacheRecord, _ former: [CacheKey: Former], _ directory: String
    ) -> Descriptor? {
        guard let known = former[entry.key], known.tree == entry.tree.id,
            !isForced || known.layer.mediaType == mediaType,
            // As good as none where it cannot be looked at.
            let status = try? FileStatus(
                ofPath: directory + "/" + OCILayout.blobPath(known.layer.digest)),
            status.sizeBytes == UInt64(clamping: known.layer.sizeBytes)
        else { return nil }
        return known.layer
    }

    private var mediaType: MediaType { .ociLayer(options.layerCompression) }

    /// Only an empty directory, or one that is an exported cache already, is written to.
    private static func prepare(_ directory: String) throws(Errno) {
        var names: [String] = []
        do throws(Errno) {
            names = try HostDirectory.names(ofPath: directory).map {
                String(decoding: $0, as: UTF8.self)
            }
        } catch .notFound {}
        if !names.isEmpty {
            let isCache = (try? CacheImport.manifest(in: directory)) != nil  // or it is foreign
            let isBegun = names.allSatisfy { $0.hasPrefix(OCILayout.markerPath) || $0 == "blobs" }
            guard isCache || isBegun else { throw .notEmpty }
        }
        try HostDirectory.makeAll(directory + "/" + OCILayout.blobsPath)
        try HostDirectory.replaceFile(
            directory + "/" + OCILayout.markerPath, with: OCILayout.marker)
    }

    /// Writes what the entry's step changed.
    private func write(_ entry: CacheRecord, to directory: String) throws -> Descriptor {
        if options.layerCompression == .none, let layer = entry.layer {
            let path = directory + "/" + OCILayout.blobPath(layer.digest)
            // A blob is named by its content, so one that is there is the same.
            if let status = try? FileStatus(ofPath: path),
                status.sizeBytes == entry.layerTarSizeBytes
            {
                return descriptor(layer.digest, entry.layerTarSizeBytes)
            }
        }
        let temporary =
            "\(directory)/\(OCILayout.blobsPath)/\(entry.key.digest.hex)"
            + HostDirectory.temporarySuffix
        var found: (digest: DiffID, sizeBytes: UInt64)?
        try ArchiveTarget.path(temporary).write { descriptor in
            let output = BufferedSink(descriptor)
            let hashing = HashingSink(base: output)
            var sink = try CompressingSink(hashing, settings: options.settings)
            try LayerExport(store, check: check).writeCanonical(
                from: entry.parentTree, to: entry.tree, sink: &sink)
            try sink.finish()
            try output.flush()
            found = hashing.finish()
        }
        guard let found else {
            throw LayerError(.inputOutput, "it was not written", path: temporary)
        }
        do throws(Errno) {
            try HostDirectory.rename(
                temporary, to: directory + "/" + OCILayout.blobPath(found.digest.digest))
        } catch {
            throw LayerError(.inputOutput, "it cannot be written", path: temporary, cause: error)
        }
        return descriptor(found.digest.digest, found.sizeBytes)
    }

    private func descriptor(_ digest: Digest, _ sizeBytes: UInt64) -> Descriptor {
        Descriptor(
            mediaType: mediaType, digest: digest, sizeBytes: Int64(clamping: sizeBytes))
    }

    /// Names the manifest once all that it refers to is durable, then removes what none refers to.
    private func finish(
        _ manifest: ImageManifest, _ config: [UInt8], _ directory: String
    ) throws(Errno) {
        let bytes = manifest.encoded
        let descriptor = Descriptor(
            mediaType: .ociManifest, digest: Digest(of: bytes), sizeBytes: Int64(bytes.count))
        for (digest, content) in [(manifest.config.digest, config), (descriptor.digest, bytes)] {
            try HostDirectory.replaceFile(
                directory + "/" + OCILayout.blobPath(digest), with: content,
                durability: .deferred)
        }
        let layout = try OwnedDescriptor(opening: directory, [.readOnly, .directory])
        try DescriptorIO.synchronizeFileSystem(of: layout.rawValue)
        try HostDirectory.replaceFile(
            directory + "/" + OCILayout.indexPath,
            with: ImageIndex(manifests: [descriptor]).encoded)
        let kept = Set(
            ([descriptor, manifest.config] + manifest.layers).map { Array($0.digest.hex.utf8) })
        let blobs = directory + "/" + OCILayout.blobsPath
        for name in try HostDirectory.names(ofPath: blobs) where !kept.contains(name) {
            try HostDirectory.unlink(blobs + "/" + String(decoding: name, as: UTF8.self))
        }
    }
}
