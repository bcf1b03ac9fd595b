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
        /// Where the files come from that a RUN has mounted.
        var mountedPaths = MountedPaths()
        /// Where the instruction stands.
        var range: SourceRange
        /// Of COPY and ADD `--link`: puts what they made on nothing onto the stage's root file system.
        var graft: ((Tree, PendingDirectories) throws -> Tree)?
    }

    /// What a step that is not in the cache gives.
    struct Made {
        var tree: Tree
        /// Whether it stands on nothing, and is still to be grafted.
        var isLinked = false

        init(_ tree: Tree, isLinked: Bool = false) {
            self.tree = tree
            self.isLinked = isLinked
        }
    }

    /// Takes the step's result from the cache, or makes it, and adds it to the stage.
    /// - Parameter make: gives the new tree; its new directories go to the given ones.
    func perform(
        _ layer: LayerStep, _ make: (BuildStep, PendingDirectories) throws -> Made
    ) throws {
        var layer = layer
        if let epoch = run.arguments.epoch { layer.inputs.append("epoch", "\(epoch.unixSeconds)") }
        let key = layer.inputs.key
        let entry = try cached(key)
        // What is built now stands on the hits before it.
        if entry == nil { try run.verifier.confirm() }
        var step = newStep(label: label(layer.text), instruction: layer.history)
        begun = step
        run.begin(step)
        if let entry, try take(entry, step, layer) { return }
        if entry != nil { try run.verifier.confirm() }
        let lock = try turn(key, step)
        defer { lock?.release() }
        // Another build may have been quicker.
        if let entry = try cached(key), try take(entry, step, layer) { return }
        if try takeLinked(step, layer) { return }
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
        _ make: (BuildStep, PendingDirectories) throws -> Made
    ) throws {
        let key = layer.inputs.key
        let parent = state.tree
        let clock = ContinuousClock()
        let start = clock.now
        let directories = PendingDirectories(base: run.store)
        do {
            try run.cancellation.check()
            let made = try make(step, directories)
            var tree = made.tree
            var entries: [CacheRecord] = []
            if made.isLinked, let graft = layer.graft {
                entries.append(linkedEntry(tree, layer))
                tree = try graft(tree, directories)
            }
            if let time = run.arguments.epochTime {
                tree = try TimeClamp.clamped(tree, from: parent, to: time, directories)
            }
            let entry = newEntry(tree, layer)
            try run.recorder.add(
                step, .done, key: key, parent: parent, tree: tree, directories: directories,
                entries: entries + [entry])
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

    private func newEntry(_ tree: Tree, _ layer: LayerStep) -> CacheRecord {
        CacheRecord(
            key: layer.inputs.key, instruction: layer.history, inputs: layer.inputs.text,
            parentTree: state.tree, tree: tree, layer: nil, layerTarSizeBytes: 0)
    }

    /// Takes the entry as the step's result.
    /// - Returns: false for one that the collector took a part of.
    private func take(
        _ entry: CacheRecord, _ step: BuildStep, _ layer: LayerStep
    ) throws -> Bool {
        guard try use(entry, step) else { return false }
        taken(entry, step, layer)
        return true
    }

    private func taken(_ entry: CacheRecord, _ step: BuildStep, _ layer: LayerStep) {
        run.noteCachedStep()
        add(entry, layer)
        finished(step, key: entry.key)
        run.observer.observe(.stepCached(step: step.number, entry.key))
    }

    /// Why the step is not in the cache. Nothing hangs on it: what cannot be found out is not told.
    private func explain(
        _ layer: LayerStep, _ step: BuildStep, _ wasDamaged: Bool
    ) -> CacheExplanation? {
        if wasDamaged || isDamaged(layer) { return CacheExplanation(.damaged) }
        if ignoresCache {
            return CacheExplanation(run.options.ignoresCache ? .disabled : .filtered)
        }
        let miss = CacheMiss(
            inputs: layer.inputs, dependsOnParent: layer.graft == nil,
            instruction: layer.history, place: step.place,
            title: run.recorder.title, build: run.recorder.id,
            arguments: Set(state.arguments.map(\.name)), base: plan.base,
            stages: run.file.stages.map(\.displayName), lastRebuiltStep: state.lastRebuiltStep,
            mountedPaths: layer.mountedPaths)
        return try? miss.explanation(run.store)
    }

    /// Whether this build removed the entry, and began anew.
    private func isDamaged(_ layer: LayerStep) -> Bool {
        run.damagedEntries.contains(layer.inputs.key)
            || layer.graft != nil && run.damagedEntries.contains(layer.inputs.withoutParent.key)
    }

    // MARK: - What is copied with --link

    /// The entry of what was made on nothing. Its layer is never hashed: no image has it.
    private func linkedEntry(_ tree: Tree, _ layer: LayerStep) -> CacheRecord {
        let inputs = layer.inputs.withoutParent
        return CacheRecord(
            key: inputs.key, instruction: "--link \(layer.history)", inputs: inputs.text,
            parentTree: .empty, tree: tree, layer: nil,
            layerTarSizeBytes: tree.directory.tarSizeBound)
    }

    /// Takes what the step made before on another root file system.
    /// - Returns: false where there is nothing.
    private func takeLinked(_ step: BuildStep, _ layer: LayerStep) throws -> Bool {
        guard let graft = layer.graft, let linked = try cached(layer.inputs.withoutParent.key)
        else { return false }
        let directories = PendingDirectories(base: run.store)
        let tree: Tree
        do {
            tree = try graft(linked.tree, directories)
        } catch let error as FileTreeError where error.code == .missingDirectory {
            // The collector took a part of it.
            try run.forget([linked.key])
            return false
        }
        let entry = newEntry(tree, layer)
        do throws(StoreError) {
            try run.recorder.add(
                step, .cached, key: entry.key, parent: state.tree, tree: tree,
                directories: directories, entries: [linked.usedNow, entry])
        } catch  where error.code == .notFound {
            try run.forget([linked.key])
            return false
        }
        run.verifier.check(linked)
        run.verifier.check(entry)
        taken(entry, step, layer)
        return true
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
