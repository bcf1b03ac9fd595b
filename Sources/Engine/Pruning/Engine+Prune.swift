internal import FileTree
internal import ImageSpec
internal import LinuxIO
internal import Store

extension Engine {
    /// Takes away what is in no use, and then the files that only it had.
    ///
    /// In use is what a process or a container has: containers that run or are mounted, volumes of
    /// containers, images that containers were made from, and images and steps that a build, a mount
    /// or another command works with at this moment.
    package func prune(_ order: PruneOrder) throws -> PruneReport {
        // What killed processes left is in no use. What cannot be removed now, the collection tells.
        _ = try? store.removeDeadLeases(ending: endRemains)
        var report = PruneReport()
        if order.containers {
            try pruneContainers(order.filter, &report)
            note(.container, freed: report.freedBytes)
        }
        if let volumes = order.volumes {
            let before = report.freedBytes
            try pruneVolumes(volumes, &report)
            note(.volume, freed: report.freedBytes - before)
        }
        if let images = order.images { try pruneImages(images, order.filter, &report) }
        if let cache = order.cache { try pruneCache(cache, &report) }
        if order.containers || order.images != nil || order.cache != nil {
            let collection = try collectGarbage()
            report.collection = collection
            report.freedBytes += collection.freedBytes
            report.failures += collection.failures
            // What images and the cache had together is the images'.
            if order.images != nil { note(.image, freed: collection.freedBytes) }
            if order.cache != nil {
                let own = order.images == nil ? collection.freedBytes : 0
                note(.builder, freed: report.cacheMountBytes + own)
            }
        }
        return report
    }

    private func note(_ kind: EventRecord.Kind, freed bytes: UInt64) {
        // The event is lost then, and what it tells of has happened.
        try? store.note(kind, "prune", of: "", ["reclaimed": "\(bytes)"])
    }

    private func pruneContainers(_ filter: PruneFilter, _ report: inout PruneReport) throws {
        for record in try store.containers() {
            guard filter.passes(createdAt: record.createdAt), filter.passes(record.settings.labels),
                !store.currentState(of: record).isRunning
            else { continue }
            var usage = DiskUsage()
            usage.add(store.layout.container(record.id).files)
            do {
                try removeContainer(record.id.text, force: false, withVolumes: false)
            } catch let error as EngineError where error.code == .inUse || error.code == .notFound {
                continue  // is mounted, or was started meanwhile; or somebody was quicker
            } catch {
                report.failures.append("container \"\(record.name)\": \(error)")
                continue
            }
            report.containers.append(record.id)
            report.freedBytes += usage.contentBytes
        }
    }

    private func pruneVolumes(_ order: PruneOrder.Volumes, _ report: inout PruneReport) throws {
        for volume in try volumes(order.filter).map(\.record)
        where volume.isAnonymous || order.includesNamed {
            let bytes = store.usage(ofVolume: volume.name).contentBytes
            do {
                try store.removeVolume(volume.name)
            } catch let error as StoreError where error.code == .inUse || error.code == .notFound {
                continue  // got a container meanwhile, or always had one; or somebody was quicker
            }
            report.volumes.append(volume.name)
            report.freedBytes += bytes
        }
    }

    private func pruneImages(
        _ kind: PruneOrder.Images, _ filter: PruneFilter, _ report: inout PruneReport
    ) throws {
        let candidates = try store.images().filter { image in
            guard filter.passes(createdAt: image.createdAt) else { return false }
            if !filter.labels.isEmpty {
                return filter.passes(try store.config(of: image.id).config.config.labels)
            }
            return true
        }
        // For what tells of it; a damaged image is removed without.
        var labels: [ImageID: [String: String]] = [:]
        for image in candidates {
            labels[image.id] = try? store.config(of: image.id).config.config.labels
        }
        for removal in try store.removeUnusedImages(
            candidates.map(\.id), evenNamed: kind == .unused)
        {
            let removals =
                removal.names.map { Removal.untagged($0) } + [.deleted(removal.image)]
            note(removals, of: removal.image, labels: labels[removal.image] ?? [:])
            report.images += removals
        }
    }

    private func pruneCache(_ order: CacheOrder, _ report: inout PruneReport) throws {
        report.cacheEntries = try removeCacheEntries(order)
        // The least recently used files of a cache mount cannot be told from others.
        if order.room != nil { return }
        let pruning = try pruneCacheMounts(unusedSince: order.unusedSince)
        report.cacheMounts = pruning.removed
        report.cacheMountBytes = pruning.freedBytes
        report.keptCacheMounts = pruning.kept
        report.freedBytes += pruning.freedBytes
    }
}
