internal import FileTree
internal import ImageSpec
internal import LinuxIO
internal import Store

extension StageBuild {
    /// A step that makes a layer.
    struct LayerStep {
        /// As ``shownText(_:)``.
        var text: String
        /// As the history has it.
        var history: String
        var inputs: CacheInputs
    }

    /// Takes the step's result from the cache, or makes it, and adds it to the stage.
    /// - Parameter make: gives the new tree; its new directories go to the given ones.
    func perform(
        _ layer: LayerStep, _ make: (BuildStep, PendingDirectories) throws -> Tree
    ) throws {
        let step = run.newStep(label: label(layer.text), instruction: layer.history)
        let key = layer.inputs.key
        let parent = state.tree
        if !run.options.ignoresCache, let entry = try cachedEntry(key) {
            run.cachedStepCount += 1
            try run.recorder.add(
                step, .cached, key: key, parent: parent, tree: entry.tree,
                directories: PendingDirectories(base: run.store))
            add(entry, layer.history)
            run.observer.observe(.stepCached(step: step.number, key))
            return
        }
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
            add(entry, layer.history)
        } catch {
            let message = (error as? BuildError)?.message ?? "\(error)"
            run.observer.observe(
                .stepFailed(step: step.number, clock.now - start, message: message))
            throw error
        }
        run.observer.observe(.stepDone(step: step.number, clock.now - start))
    }

    private func add(_ entry: CacheRecord, _ history: String) {
        let digest: LayerDigest
        if let diffID = entry.layer {
            digest = LayerDigest(.init(diffID: diffID, tarSizeBytes: entry.layerTarSizeBytes))
        } else {
            digest = run.layers.hash(from: entry.parentTree, to: entry.tree, key: entry.key)
        }
        state.tree = entry.tree
        state.layers.append(StageLayer(tree: entry.tree, digest: digest))
        state.addHistory(
            history, created: run.arguments.epoch ?? Timestamp(nanoseconds: entry.createdAt),
            hasLayer: true)
    }

    // MARK: - The cache

    /// The entry under the key, if all that it needs is there.
    ///
    /// One that the collector took a part of, or whose files were damaged, is no entry: it is
    /// removed, and the step runs again.
    private func cachedEntry(_ key: CacheKey) throws -> CacheRecord? {
        guard let entry = try run.store.useCacheEntry(key) else { return nil }
        do {
            guard entry.parentTree.id == state.tree.id else { throw DamagedEntry() }
            try run.lease.hold(entry.tree)
            try checkObjects(of: entry)
            return entry
        } catch {
            run.warn(
                "DamagedCacheEntry",
                "the cache entry \(key.digest.short) is damaged; the step is run again")
            _ = try run.store.removeCacheEntry(key)
            return nil
        }
    }

    private struct DamagedEntry: Error {}

    /// Looks whether the contents that the step brought are there, by name and size.
    private func checkObjects(of entry: CacheRecord) throws {
        var isSound = true
        let layout = run.store.layout
        var checked: Set<Digest> = []
        try TreeDiff.forEachChange(from: entry.parentTree, to: entry.tree, in: run.store) {
            guard isSound, case .file(let content)? = $0.new?.content, content.sizeBytes > 0,
                checked.insert(content.digest).inserted
            else { return }
            // Whatever keeps it from being read makes it useless.
            let status = try? FileStatus(ofPath: layout.object(content.digest))
            if status?.sizeBytes != content.sizeBytes { isSound = false }
        }
        if !isSound { throw DamagedEntry() }
    }
}

extension Timestamp {
    /// The moment of a stored time.
    init?(nanoseconds: Int64) {
        let seconds = nanoseconds >= 0 ? nanoseconds / 1_000_000_000 : 0
        self.init(
            unixSeconds: seconds, nanoseconds: Int32(max(0, nanoseconds) % 1_000_000_000))
    }
}
