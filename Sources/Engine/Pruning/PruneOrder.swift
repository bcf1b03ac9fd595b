package import ImageSpec
package import Store

/// What a prune is to take away.
package struct PruneOrder: Sendable {
    package enum Images: Sendable {
        /// Those without a name.
        case dangling
        /// All that no container was made from.
        case unused
    }

    /// Those that do not run.
    package var containers = false
    package var volumes: Volumes?
    package var images: Images?
    package var cache: CacheOrder?
    /// What volumes are chosen by is theirs.
    package var filter = PruneFilter()

    package init() {}

    /// Those that no container has.
    package struct Volumes: Sendable {
        /// Not only anonymous ones.
        package var includesNamed: Bool
        package var filter: VolumeFilter

        package init(includesNamed: Bool, filter: VolumeFilter) {
            self.includesNamed = includesNamed
            self.filter = filter
        }
    }
}

/// What is to go from the cache.
package struct CacheOrder: Sendable {
    /// Nanoseconds since 1970: only what was not used since.
    package var unusedSince: Int64?
    /// Only as much as has to go; nil for all.
    package var room: CacheRoom?
    /// The steps of images stay: they take nothing beside them.
    package var keepsStepsOfImages = false

    package init() {}
}

/// How much of the cache stays, least recently used first.
package struct CacheRoom: Sendable {
    /// So much may stay whatever else is asked.
    package var reservedBytes: UInt64?
    /// No more than so much stays.
    package var maximumBytes: UInt64?
    /// As much goes as the file system lacks to have so much free.
    package var minimumFreeBytes: UInt64?

    package init(
        reservedBytes: UInt64? = nil, maximumBytes: UInt64? = nil, minimumFreeBytes: UInt64? = nil
    ) {
        self.reservedBytes = reservedBytes
        self.maximumBytes = maximumBytes
        self.minimumFreeBytes = minimumFreeBytes
    }

    /// As BuildKit reckons it.
    /// - Parameters:
    ///   - used: what the cache takes beside images.
    ///   - free: on the file system.
    /// - Returns: what may stay.
    func keptBytes(used: UInt64, free: UInt64) -> UInt64 {
        var kept = maximumBytes
        if let minimumFreeBytes, minimumFreeBytes > free {
            let lack = minimumFreeBytes - free
            kept = min(kept ?? .max, used > lack ? used - lack : 0)
        } else if maximumBytes == nil, reservedBytes == nil {
            return .max
        }
        return max(kept ?? 0, reservedBytes ?? 0)
    }
}

/// What a prune took away.
package struct PruneReport: Sendable {
    package var containers: [ContainerID] = []
    package var volumes: [String] = []
    package var images: [Engine.Removal] = []
    package var cacheEntries: [CacheKey] = []
    package var cacheMounts = 0
    package var cacheMountBytes: UInt64 = 0
    /// Those that a build has.
    package var keptCacheMounts: [CacheMountName] = []
    /// What nothing refers to any more, and went; nil where nothing that was taken away had any.
    package var collection: CollectionReport?
    /// Of containers, volumes and cache mounts, and of the collection.
    package var freedBytes: UInt64 = 0
    /// What could not be removed, and why.
    package var failures: [String] = []
}
