package import FileTree
internal import Foundation
internal import GRDB
package import ImageSpec

/// What a step's result, or what is left of a build, takes of the store beside images.
package struct CacheHolding: Hashable, Sendable {
    package enum Subject: Hashable, Sendable {
        case entry(CacheKey)
        /// The states of its steps that no entry has: where one failed, what was replaced since.
        case build(String)
    }

    package var subject: Subject
    /// Nanoseconds since 1970.
    package var lastUsedAt: Int64
    package var trees: [Tree]

    /// The entry's.
    package var key: CacheKey? {
        if case .entry(let key) = subject { key } else { nil }
    }
}

extension CacheHolding {
    /// - Returns: nil for a row that is damaged.
    fileprivate init?(entry row: Row) throws {
        guard let key = Digest(row["key"] as Data?) else { return nil }
        self.init(
            subject: .entry(CacheKey(key)), lastUsedAt: row["lastUsedAt"],
            trees: [try Tree(row["parentTree"] as Data), try Tree(row["tree"] as Data)])
    }
}

extension Store {
    /// What the cache's budget is about, most recently used first.
    package func cacheHoldings() throws(StoreError) -> [CacheHolding] {
        try read("what the cache holds") { database in
            var holdings: [CacheHolding] = []
            let entries = try Row.fetchCursor(
                database, sql: "SELECT key, lastUsedAt, parentTree, tree FROM cache")
            while let row = try entries.next() {
                if let holding = try CacheHolding(entry: row) { holdings.append(holding) }
            }
            let builds = try Row.fetchAll(
                database,
                sql: """
                    SELECT build, COALESCE(endedAt, startedAt) AS usedAt, tree FROM buildSteps
                    JOIN builds ON builds.id = buildSteps.build WHERE status <> ?
                    """, arguments: [BuildRecord.Status.running.rawValue])
            for (build, rows) in Dictionary(grouping: builds, by: { $0["build"] as String }) {
                holdings.append(
                    CacheHolding(
                        subject: .build(build), lastUsedAt: rows.first?["usedAt"] ?? 0,
                        trees: try rows.map { try Tree($0["tree"] as Data) }))
            }
            return holdings.sorted { $0.lastUsedAt > $1.lastUsedAt }
        }
    }

    /// What the tars of all entries' changes have: never less than what they take, so that where
    /// this is little nobody need look closer.
    /// - Returns: the sum, and of the entries that are not hashed yet the trees.
    package func cacheSizeBound() throws(StoreError) -> (bytes: UInt64, unknown: [CacheHolding]) {
        try read("the cache") { database in
            let bytes = try Int64.fetchOne(
                database,
                sql: "SELECT COALESCE(SUM(layerTarSizeBytes), 0) FROM cache")
            let unknown = try Row.fetchAll(
                database,
                sql: """
                    SELECT key, lastUsedAt, parentTree, tree FROM cache
                    WHERE layer IS NULL AND layerTarSizeBytes = 0
                    """
            ).compactMap { row -> CacheHolding? in try CacheHolding(entry: row) }
            return (UInt64(clamping: bytes ?? 0), unknown)
        }
    }

    /// Removes entries and forgets builds, but not what a running build has.
    /// - Returns: what was removed.
    package func evict(_ holdings: [CacheHolding]) throws(StoreError) -> [CacheHolding] {
        if holdings.isEmpty { return [] }
        return try writeRemoval("the eviction of cache entries") { database in
            let held = try Data.fetchSet(database, sql: "SELECT tree FROM leasedTrees")
            var removed: [CacheHolding] = []
            for holding in holdings {
                switch holding.subject {
                case .entry(let key):
                    if holding.trees.last.map({ held.contains($0.data) }) ?? false { continue }
                    // One that was used since is not the one that was least recently used.
                    try database.execute(
                        sql: "DELETE FROM cache WHERE key = ? AND lastUsedAt <= ?",
                        arguments: [key.digest.data, holding.lastUsedAt])
                case .build(let id):
                    try database.execute(
                        sql: "DELETE FROM builds WHERE id = ? AND status <> ?",
                        arguments: [id, BuildRecord.Status.running.rawValue])
                }
                if database.changesCount > 0 { removed.append(holding) }
            }
            try database.bumpGeneration()
            return removed
        }
    }

    /// Every root file system that a layer or a cache entry has.
    package func knownTrees() throws(StoreError) -> [Tree] {
        try read("the root file systems") { database in
            try Data.fetchSet(
                database, sql: "SELECT tree FROM layers UNION SELECT tree FROM cache"
            ).map { try Tree($0) } + [.empty]
        }
    }

    /// Records an entry that another store made, unless there is one under its key.
    /// - Parameter lease: keeps its tree until it ends.
    package func insertImported(
        _ entry: CacheRecord, directories pending: PendingDirectories, lease: Lease
    ) throws(StoreError) {
        var entry = entry
        entry.lastUsedAt = Self.now()
        let boot = bootID
        let record = entry
        try write("an imported cache entry") { database in
            try database.insert(pending, for: record.tree)
            try database.hold(record.tree, lease.id)
            let isThere = try Bool.fetchOne(
                database, sql: "SELECT EXISTS (SELECT 1 FROM cache WHERE key = ?)",
                arguments: [record.key.digest.data])
            if isThere != true { try database.insert(record, boot: boot) }
            try database.bumpGeneration()
        }
    }
}
