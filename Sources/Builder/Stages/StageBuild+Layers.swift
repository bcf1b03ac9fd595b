internal import Dockerfile
internal import FileTree
internal import ImageSpec
internal import Store

extension StageBuild {
    /// A step that makes a layer.
    struct LayerStep {
        /// As ``shownText(_:)``.
        var text: String
        /// As the history has it.
        var history: String
        var inputs: CacheInputs
        /// Where the instruction stands.
        var range: SourceRange
    }

    /// Takes the step's result from the cache, or makes it, and adds it to the stage.
    /// - Parameter make: gives the new tree; its new directories go to the given ones.
    func perform(
        _ layer: LayerStep, _ make: (BuildStep, PendingDirectories) throws -> Tree
    ) throws {
        let key = layer.inputs.key
        let parent = state.tree
        if !run.options.ignoresCache, let entry = try cachedEntry(key) {
            let step = run.newStep(label: label(layer.text), instruction: layer.history)
            run.cachedStepCount += 1
            try run.recorder.add(
                step, .cached, key: key, parent: parent, tree: entry.tree,
                directories: PendingDirectories(base: run.store))
            add(entry, layer)
            run.observer.observe(.stepCached(step: step.number, key))
            return
        }
        // What is built now stands on the hits before it.
        try run.verifier.confirm()
        let step = run.newStep(label: label(layer.text), instruction: layer.history)
        let clock = ContinuousClock()
        let start = clock.now
        let directories = PendingDirectories(base: run.store)
        do {
            let tree = try make(step, directories)
            let entry = CacheRecord(
                key: key, instruction: layer.history, inputs: layer.inputs.text,
                parentTree: parent, tree: tree, layer: nil, layerTarSizeBytes: 0)
            try run.store.insert(entry, directories: directories)
            try run.lease.hold(tree)
            try run.recorder.add(
                step, .done, key: key, parent: parent, tree: tree, directories: directories)
            add(entry, layer)
        } catch {
            let message = (error as? BuildError)?.message ?? "\(error)"
            run.observer.observe(
                .stepFailed(step: step.number, clock.now - start, message: message))
            throw error
        }
        run.observer.observe(.stepDone(step: step.number, clock.now - start))
    }

    private func add(_ entry: CacheRecord, _ layer: LayerStep) {
        let digest: LayerDigest
        if let diffID = entry.layer {
            digest = LayerDigest(.init(diffID: diffID, tarSizeBytes: entry.layerTarSizeBytes))
        } else {
            digest = run.layers.hash(from: entry.parentTree, to: entry.tree, key: entry.key)
        }
        state.tree = entry.tree
        state.layers.append(
            StageLayer(tree: entry.tree, digest: digest, range: layer.range))
        state.addHistory(
            layer.history,
            created: run.arguments.epoch ?? Timestamp(nanosecondsSinceEpoch: entry.createdAt),
            hasLayer: true)
    }

    // MARK: - The cache

    /// The entry under the key, if there is one.
    ///
    /// One that the collector took a part of is no entry: it is removed, and the step runs again.
    private func cachedEntry(_ key: CacheKey) throws -> CacheRecord? {
        guard let entry = try run.store.useCacheEntry(key) else { return nil }
        do {
            try run.lease.hold(entry.tree)
        } catch  where error.code == .notFound {
            try run.forget([key])
            return nil
        }
        run.verifier.check(entry)
        return entry
    }
}
