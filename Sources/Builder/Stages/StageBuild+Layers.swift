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
        let entry = run.options.ignoresCache ? nil : try run.store.cacheEntry(key)
        // What is built now stands on the hits before it.
        if entry == nil { try run.verifier.confirm() }
        let step = run.newStep(label: label(layer.text), instruction: layer.history)
        if let entry {
            if try use(entry, step) {
                run.cachedStepCount += 1
                add(entry, layer)
                run.observer.observe(.stepCached(step: step.number, key))
                return
            }
            try run.verifier.confirm()
        }
        let clock = ContinuousClock()
        let start = clock.now
        let directories = PendingDirectories(base: run.store)
        do {
            let tree = try make(step, directories)
            let entry = CacheRecord(
                key: key, instruction: layer.history, inputs: layer.inputs.text,
                parentTree: parent, tree: tree, layer: nil, layerTarSizeBytes: 0)
            try run.recorder.add(
                step, .done, key: key, parent: parent, tree: tree, directories: directories,
                entry: entry)
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

    /// Takes the entry for the step.
    /// - Returns: false for one that the collector took a part of: it is removed, and the step runs.
    private func use(_ entry: CacheRecord, _ step: BuildStep) throws -> Bool {
        do throws(StoreError) {
            try run.recorder.add(
                step, .cached, key: entry.key, parent: state.tree, tree: entry.tree,
                directories: PendingDirectories(base: run.store))
        } catch  where error.code == .notFound {
            try run.forget([entry.key])
            return false
        }
        run.verifier.check(entry)
        return true
    }
}
