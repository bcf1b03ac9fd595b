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
        var layer = layer
        if let epoch = run.arguments.epoch { layer.inputs.append("epoch", "\(epoch.unixSeconds)") }
        let key = layer.inputs.key
        let entry = try cached(key)
        // What is built now stands on the hits before it.
        if entry == nil { try run.verifier.confirm() }
        var step = newStep(label: label(layer.text), instruction: layer.history)
        run.begin(step)
        if let entry, try take(entry, step, layer) { return }
        if entry != nil { try run.verifier.confirm() }
        let lock = try turn(key, step)
        defer { lock?.release() }
        // Another build may have been quicker.
        if let entry = try cached(key), try take(entry, step, layer) { return }
        if let explanation = explain(layer, step, entry != nil) {
            step.explanation = explanation
            run.observer.observe(.stepExplained(step: step.number, explanation))
        }
        if layer.inputs.keyword == "RUN" { readAhead() }
        try makeLayer(step, layer, make)
        state.lastRebuiltStep = step.number
    }

    private func cached(_ key: CacheKey) throws -> CacheRecord? {
        ignoresCache ? nil : try run.store.cacheEntry(key)
    }

    /// Waits until nobody else makes what the step makes.
    /// - Returns: nil for a build that wants everything made anew, and waits for nobody.
    private func turn(_ key: CacheKey, _ step: BuildStep) throws -> StepLock? {
        if ignoresCache { return nil }
        return try run.store.lockStep(key) {
            run.observer.observe(.stepWaiting(step: step.number))
        } isCancelled: { [cancellation = run.cancellation] in
            cancellation.isCancelled
        }
    }

    private func makeLayer(
        _ step: BuildStep, _ layer: LayerStep,
        _ make: (BuildStep, PendingDirectories) throws -> Tree
    ) throws {
        let key = layer.inputs.key
        let parent = state.tree
        let clock = ContinuousClock()
        let start = clock.now
        let directories = PendingDirectories(base: run.store)
        do {
            try run.cancellation.check()
            var tree = try make(step, directories)
            if let time = run.arguments.epochTime {
                tree = try TimeClamp.clamped(tree, from: parent, to: time, directories)
            }
            let entry = CacheRecord(
                key: key, instruction: layer.history, inputs: layer.inputs.text,
                parentTree: parent, tree: tree, layer: nil, layerTarSizeBytes: 0)
            try run.recorder.add(
                step, .done, key: key, parent: parent, tree: tree, directories: directories,
                entry: entry)
            add(entry, layer)
        } catch {
            let time = clock.now - start
            let known = error as? BuildError
            run.observer.observe(
                known?.code == .cancelled
                    ? .stepCancelled(step: step.number, time)
                    : .stepFailed(
                        step: step.number, time, message: known?.message ?? "\(error)"))
            throw error
        }
        finished(step, key: key)
        run.observer.observe(.stepDone(step: step.number, clock.now - start))
    }

    /// Takes the entry as the step's result.
    /// - Returns: false for one that the collector took a part of.
    private func take(
        _ entry: CacheRecord, _ step: BuildStep, _ layer: LayerStep
    ) throws -> Bool {
        guard try use(entry, step) else { return false }
        run.noteCachedStep()
        add(entry, layer)
        finished(step, key: entry.key)
        run.observer.observe(.stepCached(step: step.number, entry.key))
        return true
    }

    /// Why the step is not in the cache. Nothing hangs on it: what cannot be found out is not told.
    private func explain(
        _ layer: LayerStep, _ step: BuildStep, _ wasDamaged: Bool
    ) -> CacheExplanation? {
        if ignoresCache { return CacheExplanation(.disabled) }
        if wasDamaged { return CacheExplanation(.damaged) }
        let miss = CacheMiss(
            inputs: layer.inputs, instruction: layer.history, place: step.place,
            title: run.recorder.title, build: run.recorder.id,
            arguments: Set(state.arguments.map(\.name)), base: plan.base,
            stages: run.file.stages.map(\.displayName), lastRebuiltStep: state.lastRebuiltStep)
        return try? miss.explanation(run.store)
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
