package import FileTree
internal import Foundation
internal import GRDB
package import ImageSpec

extension Store {
    /// The layer with this chain ID, if the store has it.
    package func layer(_ chainID: ChainID) throws(StoreError) -> LayerRecord? {
        try read("a layer") { database in
            try Row.fetchOne(
                try database.cachedStatement(sql: "SELECT * FROM layers WHERE chainID = ?"),
                arguments: [chainID.digest.data]
            ).map(LayerRecord.init(row:))
        }
    }

    /// The chain from the bottom up to `top`, as it is at one moment.
    /// - Throws: `corrupt` when one of them is missing.
    package func layers(upTo top: ChainID?) throws(StoreError) -> [LayerRecord] {
        guard let top else { return [] }
        return try read("the layers") { database in
            try LayerRecord.chain(upTo: top, database)
        }
    }

    /// The tree that a layer was put on.
    /// - Throws: `corrupt` when the layer below is missing.
    package func parentTree(of layer: LayerRecord) throws(StoreError) -> Tree {
        guard let id = layer.parent else { return .empty }
        guard let parent = try self.layer(id) else {
            throw StoreError(.corrupt, "the store has no layer with chain ID \(id)")
        }
        return parent.tree
    }

    /// Records a layer with the directories its tree needs. Its objects must be stored; they are
    /// durable with the next image. The lease keeps the layer until an image stands on it.
    /// - Parameters:
    ///   - hiddenContents: what the recipe refers to besides the tree's contents.
    ///   - isRepair: what is there of the same layer and directories is replaced.
    package func insert(
        _ layer: LayerRecord, hiddenContents: Set<FileContent> = [],
        directories pending: PendingDirectories, lease: Lease, isRepair: Bool = false
    ) throws(StoreError) {
        let boot = bootID
        try write("a layer") { database in
            try database.insert(pending, for: layer.tree, isRepair: isRepair)
            try database.hold(layer.tree, lease.id)
            try database.execute(
                sql: """
                    INSERT INTO layers (chainID, parentChainID, diffID, tree, recipe,
                        recipeSizeBytes, tarSizeBytes, createdAt, volatileBoot)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                    ON CONFLICT (chainID) DO \(isRepair ? Self.layerRepair : "NOTHING")
                    """,
                arguments: [
                    layer.chainID.digest.data, layer.parent?.digest.data, layer.diffID.digest.data,
                    layer.tree.data, layer.recipe?.digest.data,
                    layer.recipe.map { Int64(clamping: $0.sizeBytes) },
                    Int64(clamping: layer.tarSizeBytes), layer.createdAt, boot,
                ])
            for content in hiddenContents {
                try database.execute(
                    sql: "INSERT OR IGNORE INTO hiddenContents VALUES (?, ?, ?)",
                    arguments: [
                        layer.chainID.digest.data, content.digest.data,
                        Int64(clamping: content.sizeBytes),
                    ])
            }
        }
    }

    private static let layerRepair = """
        UPDATE SET tree = excluded.tree, recipe = excluded.recipe,
            recipeSizeBytes = excluded.recipeSizeBytes, volatileBoot = excluded.volatileBoot
        """

    /// Records the directories of a tree that a lease holds, without a layer.
    package func insert(
        _ tree: Tree, directories pending: PendingDirectories, lease: Lease
    ) throws(StoreError) {
        try write("a tree") { database in
            try database.insert(pending, for: tree)
            try database.hold(tree, lease.id)
        }
    }
}

extension LayerRecord {
    static func chain(upTo top: ChainID, _ database: Database) throws -> [LayerRecord] {
        let rows = try Row.fetchAll(
            try database.cachedStatement(
                sql: """
                    WITH RECURSIVE chain(id) AS (
                        SELECT ?
                        UNION
                        SELECT parentChainID FROM layers JOIN chain ON layers.chainID = chain.id
                        WHERE parentChainID IS NOT NULL)
                    SELECT layers.* FROM layers JOIN chain ON layers.chainID = chain.id
                    """),
            arguments: [top.digest.data])
        var found: [ChainID: LayerRecord] = [:]
        for row in rows {
            let layer = try LayerRecord(row: row)
            found[layer.chainID] = layer
        }
        var chain: [LayerRecord] = []
        var next: ChainID? = top
        while let id = next {
            // Taken out, so that a damaged chain that leads back to itself ends.
            guard let layer = found.removeValue(forKey: id) else {
                throw StoreError(.corrupt, "the store has no layer with chain ID \(id)")
            }
            chain.append(layer)
            next = layer.parent
        }
        return chain.reversed()
    }

    init(row: Row) throws {
        guard let diffID = Digest(row["diffID"] as Data?) else {
            throw StoreError(.corrupt, "a layer's row is damaged")
        }
        let recipe = Digest(row["recipe"] as Data?).map {
            FileContent(
                digest: $0, sizeBytes: UInt64(clamping: row["recipeSizeBytes"] as Int64? ?? 0))
        }
        self.init(
            parent: Digest(row["parentChainID"] as Data?).map { ChainID($0) },
            diffID: DiffID(diffID), tree: try Tree(row["tree"] as Data), recipe: recipe,
            tarSizeBytes: UInt64(clamping: row["tarSizeBytes"] as Int64),
            createdAt: row["createdAt"])
    }
}
