internal import Builder
internal import FileTree
package import ImageSpec
internal import Layers
internal import LinuxIO
package import Store

extension Engine {
    /// Removes entries that no process has, but not yet what only they held.
    func removeCacheEntries(_ order: CacheOrder) throws -> [CacheKey] {
        let kept = order.keepsStepsOfImages ? try treesOfImages() : []
        if let room = order.room {
            let limit = room.keptBytes(
                used: try cacheBytes(upTo: .max), free: try freeBytes())
            return try evict(to: limit, unusedSince: order.unusedSince, keeping: kept)
        }
        let removable = try store.cacheHoldings().filter { holding in
            guard holding.key != nil else { return false }
            return order.unusedSince.map { holding.lastUsedAt < $0 } ?? true
                && !(holding.trees.last.map { kept.contains($0.id) } ?? false)
        }
        let removed = try store.evict(removable).compactMap(\.key)
        if order.unusedSince == nil { try store.forgetEndedBuilds() }
        return removed
    }

    /// The root file system after every layer of every image.
    private func treesOfImages() throws -> Set<TreeID> {
        var trees: Set<TreeID> = []
        for image in try store.images() {
            trees.formUnion(try store.layers(upTo: image.chainID).map(\.tree.id))
        }
        return trees
    }

    // MARK: - The budget

    /// Once over the budget, a tenth more is freed, so that not every build has something to do.
    private static let keptPercent: UInt64 = 90

    /// Brings the cache back below its budget, least recently used first. Costs a look at the state
    /// where it is below.
    /// - Returns: what was removed.
    package func keepCacheBudget(_ budget: CacheBudget) throws -> [CacheKey] {
        guard let limit = try budget.limit(at: root) else { return [] }
        if try cacheSizeBound() <= limit { return [] }
        guard try cacheBytes(upTo: limit) > limit else { return [] }
        let removed = try evict(to: limit / 100 * Self.keptPercent, unusedSince: nil)
        if !removed.isEmpty { _ = try collectGarbage() }
        return removed
    }

    /// At least what the cache has, found without a look at all of it.
    private func cacheSizeBound() throws -> UInt64 {
        let bound = try store.cacheSizeBound()
        var bytes = bound.bytes
        for holding in bound.unknown {
            var counter = ContentCounter(store)
            // One that is damaged has none.
            let parts = holding.trees.map { (try? counter.add($0)) ?? 0 }
            bytes += parts.last ?? 0
        }
        return bytes
    }

    /// What the cache has that images have not; counting ends past `limit`.
    private func cacheBytes(upTo limit: UInt64) throws -> UInt64 {
        var (counter, base) = try imageContents()
        for holding in try store.cacheHoldings() {
            // One that is damaged has none.
            for tree in holding.trees { _ = try? counter.add(tree) }
            if counter.bytes - base > limit { break }
        }
        return counter.bytes - base
    }

    /// - Parameter kept: trees whose steps stay.
    private func evict(
        to limit: UInt64, unusedSince time: Int64?, keeping kept: Set<TreeID> = []
    ) throws -> [CacheKey] {
        var (counter, base) = try imageContents()
        var removable: [CacheHolding] = []
        var isFull = false
        for holding in try store.cacheHoldings() {
            // The state where a build failed may be as large as the disk: it drives out no results.
            if case .build = holding.subject, !isFull {
                var trial = counter
                for tree in holding.trees { _ = try? trial.add(tree) }
                if trial.bytes - base > limit {
                    if time.map({ holding.lastUsedAt < $0 }) ?? true { removable.append(holding) }
                    continue
                }
            }
            if !isFull {
                // As above.
                for tree in holding.trees { _ = try? counter.add(tree) }
                isFull = counter.bytes - base > limit
            }
            // All that are older go too: one that stayed would keep what newer ones stand on.
            guard isFull, time.map({ holding.lastUsedAt < $0 }) ?? true else { continue }
            if holding.key != nil, let tree = holding.trees.last, kept.contains(tree.id) {
                continue
            }
            removable.append(holding)
        }
        return try store.evict(removable).compactMap(\.key)
    }

    private func imageContents() throws -> (counter: ContentCounter, bytes: UInt64) {
        var counter = ContentCounter(store)
        for image in try store.images() {
            // An image that is damaged is told by "fsck".
            if let tree = try? store.tree(of: image) { _ = try? counter.add(tree) }
        }
        return (counter, counter.bytes)
    }

    // MARK: - Export and import

    /// Writes the entries of a build into a directory.
    /// - Parameters:
    ///   - build: its ID.
    ///   - image: what it made, whose layers `mode` `min` is about.
    ///   - check: called often; what it throws ends the export.
    package func exportCache(
        ofBuild build: String, image: ImageID?, to place: CachePlace,
        check: @escaping () throws -> Void
    ) throws {
        var layers: Set<TreeID>?
        if place.mode == .min {
            let record = try image.flatMap { try store.image($0) }
            layers = Set(try store.layers(upTo: record?.chainID).map(\.tree.id))
        }
        var entries: [CacheRecord] = []
        var seen: Set<CacheKey> = []
        for step in try store.steps(ofBuild: build) {
            guard let key = step.key, seen.insert(key).inserted,
                let entry = try store.cacheEntry(key),
                layers?.contains(entry.tree.id) ?? true
            else { continue }
            entries.append(entry)
            // What COPY --link made is kept for every root file system.
            if let linked = entry.linkedKey, let entry = try store.cacheEntry(linked),
                seen.insert(linked).inserted
            {
                entries.append(entry)
            }
        }
        let options = SaveOptions(
            layerCompression: place.compression.format, level: place.compression.level)
        do {
            try CacheExport(
                store, options: options, isForced: place.compression.isForced, check: check
            ).write(entries, to: place.directory)
        } catch let error as LayerError {
            throw EngineError(
                .failed, "could not export the cache: \(error)", hint: error.hint)
        }
    }

    /// Takes the entries of an exported cache into the store.
    /// - Returns: what is worth telling; a cache that is not there yet is no error.
    package func importCache(from place: CachePlace) throws -> [String] {
        let lease = try store.lease("import of a cache")
        defer { lease.end() }
        do {
            let report = try CacheImport(store, lease: lease).read(place.directory)
            return report.failures.map {
                "an entry of the cache at \(place.directory) was left out: \($0)"
            }
        } catch let error as LayerError {
            return ["nothing was taken from the cache at \(place.directory): \(error)"]
        }
    }

    // MARK: - Explaining

    /// The builds whose IDs begin with the text, or the last one for nil.
    /// - Throws: ``EngineError`` `notFound`, `ambiguous`.
    package func build(_ text: String?) throws -> BuildRecord {
        let builds = try store.builds()
        guard let text else {
            if let last = builds.first { return last }
            throw EngineError(.notFound, "no build is remembered")
        }
        let found = builds.filter { $0.id.hasPrefix(text) }
        if let exact = found.first(where: { $0.id == text }) { return exact }
        guard let first = found.first else {
            let titled = builds.first { $0.title == text || $0.title == text + ":latest" }
            if let titled { return titled }
            throw EngineError(
                .notFound, "no build \"\(text.visible)\" is remembered",
                hint: "the last \(Store.rememberedBuilds) are; name one by its ID or its title")
        }
        guard found.count == 1 else {
            throw EngineError(
                .ambiguous, "\(found.count) builds have an ID that begins with \(text.visible)",
                hint: "use more digits")
        }
        return first
    }

    package func steps(of build: BuildRecord) throws -> [BuildStepRecord] {
        try store.steps(ofBuild: build.id)
    }

    /// Where the output of a step is kept; nil for one that printed nothing.
    package func logPath(of step: BuildStepRecord) -> String? {
        let path = store.layout.buildLog(step.build, step: step.number)
        return HostDirectory.exists(path) ? path : nil
    }
}
