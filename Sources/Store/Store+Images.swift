package import FileTree
internal import Foundation
internal import GRDB
package import ImageSpec
internal import LinuxIO

/// An image whose layers are in the store, to be recorded.
package struct NewImage: Sendable {
    /// The bytes whose digest is the image ID.
    package var config: [UInt8]
    package var manifest: [UInt8]
    /// The top layer; nil if there is none.
    package var chainID: ChainID?
    package var layerCount: Int
    /// Nanoseconds since 1970, as the config says.
    package var createdAt: Int64
    package var names: [Reference]

    package init(
        config: [UInt8], manifest: [UInt8], chainID: ChainID?, layerCount: Int, createdAt: Int64,
        names: [Reference]
    ) {
        self.config = config
        self.manifest = manifest
        self.chainID = chainID
        self.layerCount = layerCount
        self.createdAt = createdAt
        self.names = names
    }
}

extension Store {
    /// Records images, writes their configs and manifests, gives them their names, and makes all of
    /// it durable: all of them or none.
    /// - Throws: `notFound` if a layer is not there.
    package func insertImages(_ images: [NewImage]) throws(StoreError) -> [ImageRecord] {
        // Until the rows refer to them, the lock keeps the blobs from the collector.
        let lock = try lockSweep(.shared)
        var blobs: [(id: ImageID, manifest: Digest)] = []
        for image in images {
            blobs.append((ImageID(try placeBlob(image.config)), try placeBlob(image.manifest)))
        }
        let records = try writeDurably("images") { database in
            let records = try zip(images, blobs).map { image, blob in
                try database.insert(image, id: blob.id, manifest: blob.manifest)
            }
            try database.bumpGeneration()
            return records
        }
        withExtendedLifetime(lock) {}
        try writeIndex()
        trimLog()
        return records
    }

    /// ``insertImages(_:)`` of one.
    package func insertImage(
        config: [UInt8], manifest: [UInt8], chainID: ChainID?, layerCount: Int,
        createdAt: Int64, names: [Reference]
    ) throws(StoreError) -> ImageRecord {
        try insertImages([
            NewImage(
                config: config, manifest: manifest, chainID: chainID, layerCount: layerCount,
                createdAt: createdAt, names: names)
        ])[0]
    }

    /// Takes an image and its names away. Its layers and blobs go with the next collection.
    /// - Parameter force: also when it has several names.
    /// - Returns: the names it had.
    /// - Throws: `inUse` when it has several names.
    package func removeImage(
        _ id: ImageID, force: Bool = true
    ) throws(StoreError) -> [Reference] {
        let names = try writeRemoval("an image's end") { database in
            let names = try String.fetchAll(
                database, sql: "SELECT reference FROM names WHERE image = ? ORDER BY reference",
                arguments: [id.digest.data]
            ).map { try Reference(parsing: $0) }
            guard force || names.count <= 1 else {
                throw StoreError(
                    .inUse,
                    "image \(id.digest.short) has \(names.count) names: "
                        + names.map(\.familiarName).joined(separator: ", "))
            }
            try database.execute(
                sql: "DELETE FROM names WHERE image = ?", arguments: [id.digest.data])
            try database.execute(
                sql: "DELETE FROM images WHERE id = ?", arguments: [id.digest.data])
            try database.bumpGeneration()
            return names
        }
        try synchronizeLog()
        try writeIndex()
        return names
    }

    /// Takes an image away unless it has a name, or got one meanwhile.
    package func removeUnnamedImage(_ id: ImageID) throws(StoreError) {
        try writeRemoval("an image's end") { database in
            try database.execute(
                sql: """
                    DELETE FROM images WHERE id = :id
                    AND NOT EXISTS (SELECT 1 FROM names WHERE image = :id)
                    """, arguments: ["id": id.digest.data])
            try database.bumpGeneration()
        }
        try synchronizeLog()
        try writeIndex()
    }

    /// Takes those of the images away that nobody uses: that no container was made from, and whose
    /// root file system no lease holds.
    /// - Parameter evenNamed: not only those without a name.
    /// - Returns: those that went, with the names they had.
    package func removeUnusedImages(
        _ ids: [ImageID], evenNamed: Bool
    ) throws(StoreError) -> [(image: ImageID, names: [Reference])] {
        if ids.isEmpty { return [] }
        let removed = try writeRemoval("the end of unused images") { database in
            let held = try Data.fetchSet(database, sql: "SELECT tree FROM leasedTrees")
            var removed: [(image: ImageID, names: [Reference])] = []
            for id in ids {
                let key = id.digest.data
                let names = try String.fetchAll(
                    database, sql: "SELECT reference FROM names WHERE image = ? ORDER BY reference",
                    arguments: [key]
                ).map { try Reference(parsing: $0) }
                let isUsed = try Bool.fetchOne(
                    database, sql: "SELECT EXISTS (SELECT 1 FROM containers WHERE image = ?)",
                    arguments: [key])
                if isUsed == true || !evenNamed && !names.isEmpty { continue }
                let tree = try Data.fetchOne(
                    database,
                    sql: """
                        SELECT tree FROM layers JOIN images ON images.chainID = layers.chainID
                        WHERE images.id = ?
                        """, arguments: [key])
                if held.contains(tree ?? Tree.empty.data) { continue }
                try database.execute(
                    sql: "DELETE FROM names WHERE image = ?", arguments: [key])
                try database.execute(sql: "DELETE FROM images WHERE id = ?", arguments: [key])
                if database.changesCount > 0 { removed.append((id, names)) }
            }
            try database.bumpGeneration()
            return removed
        }
        try synchronizeLog()
        try writeIndex()
        return removed
    }

    package func image(_ id: ImageID) throws(StoreError) -> ImageRecord? {
        try read("an image") { database in
            try Row.fetchOne(
                database, sql: "SELECT * FROM images WHERE id = ?", arguments: [id.digest.data]
            ).map(ImageRecord.init(row:))
        }
    }

    /// All images, newest first.
    package func images() throws(StoreError) -> [ImageRecord] {
        try read("the images") { database in
            try Row.fetchAll(database, sql: "SELECT * FROM images ORDER BY createdAt DESC, id")
                .map(ImageRecord.init(row:))
        }
    }

    /// The images whose identifier begins with these hex digits.
    package func images(idPrefix: String) throws(StoreError) -> [ImageRecord] {
        try images().filter { $0.id.digest.hex.hasPrefix(idPrefix) }
    }

    /// The config of an image, and its bytes.
    /// - Throws: `corrupt` if the bytes are not what the image ID says.
    package func config(
        of id: ImageID
    ) throws(StoreError) -> (config: ImageConfig, bytes: [UInt8]) {
        let bytes = try blob(id.digest)
        do {
            return (try ImageConfig(bytes: bytes), bytes)
        } catch {
            throw StoreError(
                .corrupt, "the config of image \(id) cannot be read", path: layout.blob(id.digest),
                cause: error)
        }
    }

    /// The root file system of an image.
    package func tree(of image: ImageRecord) throws(StoreError) -> Tree {
        guard let chainID = image.chainID else { return .empty }
        guard let layer = try layer(chainID) else {
            throw StoreError(
                .corrupt, "the top layer of image \(image.id) is not in the store")
        }
        return layer.tree
    }
}

extension Database {
    /// Records an image whose blobs are in place, and whose layers' files are on the disk.
    func insert(_ image: NewImage, id: ImageID, manifest: Digest) throws -> ImageRecord {
        let chain = try Row.fetchOne(
            self,
            sql: """
                WITH RECURSIVE chain(id) AS (
                    SELECT ?
                    UNION
                    SELECT parentChainID FROM layers JOIN chain ON layers.chainID = chain.id
                    WHERE parentChainID IS NOT NULL)
                SELECT COUNT(*) AS count, COUNT(volatileBoot) AS volatile
                FROM layers JOIN chain ON layers.chainID = chain.id
                """, arguments: [image.chainID?.digest.data])
        guard let chain, chain["count"] == image.layerCount, chain["volatile"] == 0 else {
            throw StoreError(.notFound, "not all layers of image \(id) are in the store")
        }
        let row = try Row.fetchOne(
            self,
            sql: """
                INSERT INTO images (id, manifest, chainID, layerCount, createdAt, storedAt)
                VALUES (?, ?, ?, ?, ?, ?)
                ON CONFLICT (id) DO UPDATE SET
                    storedAt = excluded.storedAt, manifest = excluded.manifest
                RETURNING *
                """,
            arguments: [
                id.digest.data, manifest.data, image.chainID?.digest.data, image.layerCount,
                image.createdAt, Store.now(),
            ])
        for name in image.names { try setName(name, to: id) }
        guard let row else { throw StoreError(.database, "image \(id) was not recorded") }
        return try ImageRecord(row: row)
    }
}

extension ImageRecord {
    init(row: Row) throws {
        guard let id = Digest(row["id"] as Data?), let manifest = Digest(row["manifest"] as Data?)
        else { throw StoreError(.corrupt, "an image's row is damaged") }
        self.init(
            id: ImageID(id), manifestDigest: manifest,
            chainID: Digest(row["chainID"] as Data?).map { ChainID($0) },
            layerCount: row["layerCount"], createdAt: row["createdAt"], storedAt: row["storedAt"])
    }
}
