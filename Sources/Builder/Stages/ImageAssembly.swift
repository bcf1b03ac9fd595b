internal import Dockerfile
internal import FileTree
internal import ImageSpec
internal import Layers
internal import Store

/// Makes the image of a finished stage: its config, its manifest, its records in the store.
struct ImageAssembly {
    private let run: BuildRun
    private var state: StageState

    init(run: BuildRun, state: StageState) {
        self.run = run
        self.state = state
        for label in run.options.labels { self.state.image.config.labels[label.name] = label.value }
    }

    /// - Parameters:
    ///   - step: the step that this is shown as.
    ///   - isKept: whether the image gets its names.
    func record(step: Int, isKept: Bool = true) throws -> BuildResult {
        let clock = ContinuousClock()
        let start = clock.now
        run.observer.observe(.exporting(step: step))
        let digests = try state.layers.map { layer in
            do {
                return try layer.digest.value()
            } catch {
                throw BuildError(error, at: layer.range)
            }
        }
        let config = completeConfig(digests)
        let bytes = config.encoded
        let id = ImageID(Digest(of: bytes))
        let tags = isKept ? run.options.tags : []
        let manifest = manifest(bytes, digests)
        if let image = try run.store.image(id),
            image.manifestDigest == Digest(of: manifest) || run.options.annotations.isEmpty
        {
            try name(id, tags)
        } else {
            try insert(config, bytes, manifest, digests, tags)
        }
        run.observer.observe(.exported(step: step, id, tags: tags, clock.now - start))
        return BuildResult(
            image: id, manifest: Digest(of: manifest), manifestSizeBytes: manifest.count,
            platform: config.platform, tags: run.options.tags, build: run.recorder.id,
            stepCount: run.stepCount, cachedStepCount: run.cachedStepCount, stop: run.stop,
            isRecorded: isKept, descriptorAnnotations: descriptorAnnotations)
    }

    /// What a build ends with that makes no image. It does not wait for the layers' digests: the image
    /// is named by its config without them.
    func unrecorded() -> BuildResult { described([]) }

    /// What the image would be, for outputs that take its files only.
    func describe(step: Int) throws -> BuildResult {
        let clock = ContinuousClock()
        let start = clock.now
        let result = described(try state.layers.map { try $0.digest.value() })
        run.observer.observe(.stepDone(step: step, clock.now - start))
        return result
    }

    private func described(_ digests: [LayerDigest.Value]) -> BuildResult {
        let config = completeConfig(digests)
        let bytes = config.encoded
        let manifest = manifest(bytes, digests)
        return BuildResult(
            image: ImageID(Digest(of: bytes)), manifest: Digest(of: manifest),
            manifestSizeBytes: manifest.count, platform: config.platform, tags: [],
            build: run.recorder.id, stepCount: run.stepCount,
            cachedStepCount: run.cachedStepCount, stop: run.stop, isRecorded: false,
            descriptorAnnotations: descriptorAnnotations)
    }

    private var descriptorAnnotations: [String: String] {
        run.options.annotations.values(of: .descriptor, for: state.image.platform)
    }

    /// The same for the same image in every store.
    private func manifest(_ config: [UInt8], _ digests: [LayerDigest.Value]) -> [UInt8] {
        var parent: ChainID?
        let layers = zip(state.layers, digests).map { layer, digest in
            let record = LayerRecord(
                parent: parent, diffID: digest.diffID, tree: layer.tree, recipe: nil,
                tarSizeBytes: digest.tarSizeBytes)
            parent = record.chainID
            return record
        }
        var manifest = ImageManifest.uncompressed(config: config, layers: layers)
        for (name, value) in run.options.annotations.values(
            of: .manifest, for: state.image.platform)
        {
            manifest.annotations[name] = value
        }
        return manifest.encoded
    }

    private func completeConfig(_ digests: [LayerDigest.Value]) -> ImageConfig {
        var config = state.image
        config.diffIDs = digests.map(\.diffID)
        config.history = Self.timed(config.history, run.arguments.epoch)
        config.created = config.history.last { $0.created != nil }?.created
        return config
    }

    /// The history with a time on every entry, as BuildKit fills them in: a metadata instruction
    /// has the time of the layer before it, the first ones of a build that of its first layer.
    static func timed(_ history: [HistoryEntry], _ epoch: Timestamp?) -> [HistoryEntry] {
        var history = history
        if let epoch {
            for index in history.indices where history[index].created == nil {
                history[index].created = epoch
            }
            return history
        }
        // The first time after an entry without one, else the last of all.
        var current: Timestamp?
        var hasGap = false
        for entry in history {
            if let created = entry.created {
                current = created
                if hasGap { break }
            } else {
                hasGap = true
            }
        }
        hasGap = false
        for index in history.indices {
            if let created = history[index].created {
                if hasGap { current = created }
            } else {
                hasGap = true
                history[index].created = current
            }
        }
        return history
    }

    /// Records the layers that the store does not have yet.
    /// - Returns: all of them.
    private func recordLayers(_ digests: [LayerDigest.Value]) throws -> [LayerRecord] {
        var records: [LayerRecord] = []
        for (layer, digest) in zip(state.layers, digests) {
            let record = LayerRecord(
                parent: records.last?.chainID, diffID: digest.diffID, tree: layer.tree, recipe: nil,
                tarSizeBytes: digest.tarSizeBytes)
            if try run.store.layer(record.chainID) == nil {
                try run.store.insert(
                    record, directories: PendingDirectories(base: run.store), lease: run.lease)
            }
            records.append(record)
        }
        return records
    }

    /// Names an image that is there already: what a fully cached build ends with, mostly with nothing
    /// left to do.
    private func name(_ id: ImageID, _ tags: [Reference]) throws {
        for tag in tags where try run.store.image(named: tag)?.id != id {
            try run.store.setName(tag, to: id)
            run.store.note("tag", ofImage: id, as: tag)
        }
    }

    private func insert(
        _ config: ImageConfig, _ bytes: [UInt8], _ manifest: [UInt8],
        _ digests: [LayerDigest.Value], _ tags: [Reference]
    ) throws {
        let layers = try recordLayers(digests)
        let id = try run.store.insertImage(
            config: bytes, manifest: manifest, chainID: layers.last?.chainID,
            layerCount: layers.count, createdAt: (config.created ?? .epoch).clampedNanoseconds,
            names: tags
        ).id
        for tag in tags {
            run.store.note("tag", ofImage: id, as: tag, labels: config.config.labels)
        }
    }
}
