package import FileTree
internal import Foundation
internal import GRDB
package import ImageSpec

extension Store {
    /// The cache entry under `key`. That it is used is told by recording a step.
    package func cacheEntry(_ key: CacheKey) throws(StoreError) -> CacheRecord? {
        try read("the cache") { database in
            try Row.fetchOne(
                try database.cachedStatement(sql: "SELECT * FROM cache WHERE key = ?"),
                arguments: [key.digest.data]
            ).map(CacheRecord.init(row:))
        }
    }

    /// All entries, most recently used first.
    package func cacheEntries() throws(StoreError) -> [CacheRecord] {
        try read("the cache") { database in
            try Row.fetchAll(database, sql: "SELECT * FROM cache ORDER BY lastUsedAt DESC, key")
                .map(CacheRecord.init(row:))
        }
    }

    /// The entries whose keys begin with these hex digits.
    package func cacheEntries(keyPrefix digits: String) throws(StoreError) -> [CacheRecord] {
        guard digits.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) }) else {
            return []
        }
        return try read("the cache") { database in
            try Row.fetchAll(
                database,
                sql: "SELECT * FROM cache WHERE key >= ? AND key <= ? AND lower(hex(key)) LIKE ?",
                arguments: [
                    Data(hexPrefix: digits, filledWith: "0"),
                    Data(hexPrefix: digits, filledWith: "f"), digits + "%",
                ]
            ).map(CacheRecord.init(row:))
        }
    }

    /// Records the layer of an entry's change, found later than the entry. Does nothing if another
    /// build put an entry with other trees in its place.
    package func setCacheLayer(
        _ key: CacheKey, from parentTree: Tree, to tree: Tree, _ layer: DiffID, tarSizeBytes: UInt64
    ) throws(StoreError) {
        try write("a cache entry's layer") { database in
            try database.cachedStatement(
                sql: """
                    UPDATE cache SET layer = ?, layerTarSizeBytes = ?
                    WHERE key = ? AND tree = ? AND parentTree = ?
                    """
            ).execute(arguments: [
                layer.digest.data, Int64(clamping: tarSizeBytes), key.digest.data, tree.data,
                parentTree.data,
            ])
            try database.bumpGeneration()
        }
    }

    /// Removes the entry.
    /// - Returns: false if there was none.
    package func removeCacheEntry(_ key: CacheKey) throws(StoreError) -> Bool {
        try write("a cache entry's end") { database in
            try database.execute(
                sql: "DELETE FROM cache WHERE key = ?", arguments: [key.digest.data])
            let changes = database.changesCount
            try database.bumpGeneration()
            return changes > 0
        }
    }
}

extension Database {
    func insert(_ entry: CacheRecord, boot: String) throws {
        try cachedStatement(
            sql: """
                INSERT OR REPLACE INTO cache (key, instruction, inputs, parentTree, tree, layer,
                    layerTarSizeBytes, createdAt, lastUsedAt, useCount, volatileBoot)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            entry.key.digest.data, entry.instruction, entry.inputs, entry.parentTree.data,
            entry.tree.data, entry.layer?.digest.data, Int64(clamping: entry.layerTarSizeBytes),
            entry.createdAt, entry.lastUsedAt, entry.useCount, boot,
        ])
    }
}

extension CacheRecord {
    init(row: Row) throws {
        guard let key = Digest(row["key"] as Data?) else {
            throw StoreError(.corrupt, "a cache entry's row is damaged")
        }
        self.init(
            key: CacheKey(key), instruction: row["instruction"], inputs: row["inputs"],
            parentTree: try Tree(row["parentTree"] as Data), tree: try Tree(row["tree"] as Data),
            layer: Digest(row["layer"] as Data?).map { DiffID($0) },
            layerTarSizeBytes: UInt64(clamping: row["layerTarSizeBytes"] as Int64),
            createdAt: row["createdAt"])
        lastUsedAt = row["lastUsedAt"]
        useCount = row["useCount"]
    }
}

extension Data {
    /// A digest that begins with these hex digits and goes on with `digit`.
    fileprivate init(hexPrefix digits: String, filledWith digit: Character) {
        let hex = digits.padding(toLength: 64, withPad: String(digit), startingAt: 0)
        self = Digest(hex: hex)?.data ?? Data()
    }
}
