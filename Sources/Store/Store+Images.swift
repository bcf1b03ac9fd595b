package import FileTree
internal import Foundation
internal import GRDB
package import ImageSpec
internal import LinuxIO

extension Store {
    /// Records an image whose layers are in the store, writes its config and manifest, gives it
    /// `names`, and makes all of it durable.
    /// - Parameter config: the bytes whose digest is the image ID.
    package func insertImage(
        config: [UInt8], manifest: [UInt8], chainID: ChainID?, layerCount: Int,
        createdAt: Int64, names: [Reference]
    ) throws(StoreError) -> ImageRecord {
        let id = ImageID(try insertBlob(config))
        let manifestDigest = try insertBlob(manifest)
        try synchronizeFiles()
        let record = ImageRecord(
            id: id, manifestDigest: manifestDigest, chainID: chainID, layerCount: layerCount,
            createdAt: createdAt, storedAt: Self.now())
        try write("an image") { database in
            try database.execute(
                sql: """
                    INSERT INTO images (id, manifest, chainID, layerCount, createdAt, storedAt)
                    VALUES (?, ?, ?, ?, ?, ?)
                    ON CONFLICT (id) DO UPDATE SET storedAt = excluded.storedAt
                    """,
                arguments: [
                    id.digest.data, manifestDigest.data, chainID?.digest.data, layerCount,
                    createdAt, record.storedAt,
                ])
            for name in names { try database.setName(name, to: id) }
            try database.bumpGeneration()
        }
        try synchronize()
        try writeIndex()
        return try image(id) ?? record
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

    // MARK: - Names

    /// All names with their images, in order of name.
    package func names() throws(StoreError) -> [(reference: Reference, image: ImageID)] {
        try read("the names") { database in
            try Row.fetchAll(
                database, sql: "SELECT reference, image FROM names ORDER BY reference"
            ).map { row in
                guard let image = Digest(row["image"] as Data?) else {
                    throw StoreError(.corrupt, "a name's row is damaged")
                }
                return (try Reference(parsing: row["reference"]), ImageID(image))
            }
        }
    }

    package func image(named reference: Reference) throws(StoreError) -> ImageRecord? {
        try read("a name") { database in
            try Row.fetchOne(
                database,
                sql: """
                    SELECT images.* FROM names JOIN images ON images.id = names.image
                    WHERE names.reference = ?
                    """, arguments: [reference.canonical]
            ).map(ImageRecord.init(row:))
        }
    }

    /// Gives the image a name, taking it from another image if need be.
    package func setName(_ reference: Reference, to id: ImageID) throws(StoreError) {
        try write("a name") { database in
            try database.setName(reference, to: id)
            try database.bumpGeneration()
        }
        try synchronize()
        try writeIndex()
    }

    /// Takes the name away.
    /// - Returns: false if nothing had it.
    package func removeName(_ reference: Reference) throws(StoreError) -> Bool {
        let removed = try write("a name's end") { database in
            try database.execute(
                sql: "DELETE FROM names WHERE reference = ?", arguments: [reference.canonical])
            let changes = database.changesCount
            try database.bumpGeneration()
            return changes > 0
        }
        try synchronize()
        try writeIndex()
        return removed
    }

    /// Takes the image with all its names away. Its layers go with the next collection.
    package func removeImage(_ id: ImageID) throws(StoreError) {
        let manifest = try image(id)?.manifestDigest
        try write("an image's end") { database in
            try database.execute(
                sql: "DELETE FROM names WHERE image = ?", arguments: [id.digest.data])
            try database.execute(
                sql: "DELETE FROM images WHERE id = ?", arguments: [id.digest.data])
            try database.bumpGeneration()
        }
        try synchronize()
        try writeIndex()
        for digest in [manifest, id.digest].compactMap({ $0 }) {
            try? HostDirectory.unlink(layout.blob(digest))  // the collector finds what is left
        }
    }

    // MARK: - Blobs

    /// Stores the bytes of a config or manifest.
    package func insertBlob(_ bytes: [UInt8]) throws(StoreError) -> Digest {
        let digest = Digest(of: bytes)
        let path = layout.blob(digest)
        do throws(Errno) {
            try HostDirectory.replaceFile(path, with: bytes, permissions: 0o444)
        } catch {
            throw StoreError(.inputOutput, "could not store a blob", path: path, cause: error)
        }
        return digest
    }

    /// The bytes of a config or manifest.
    /// - Throws: `notFound`, `corrupt`.
    package func blob(_ digest: Digest) throws(StoreError) -> [UInt8] {
        let path = layout.blob(digest)
        let bytes: [UInt8]
        do throws(Errno) {
            let file = try OwnedDescriptor(opening: path, .readOnly)
            bytes = try DescriptorIO.readAll(file.rawValue, limit: ImageDocumentLimit.maximumBytes)
        } catch {
            throw StoreError(
                error == .notFound ? .notFound : .inputOutput, "could not read blob \(digest)",
                path: path, cause: error)
        }
        guard Digest(of: bytes) == digest else {
            throw StoreError(.corrupt, "blob \(digest) has other content", path: path)
        }
        return bytes
    }

    /// Rewrites index.json from the names, so that tools that read OCI layouts see them.
    func writeIndex() throws(StoreError) {
        do {
            let lock = try OwnedDescriptor(opening: layout.indexLock, [.readWrite, .create])
            _ = try DescriptorIO.lock(lock.rawValue, .exclusive)
            let manifests = try database.read { database in
                try Row.fetchAll(
                    database,
                    sql: """
                        SELECT names.reference, images.manifest FROM images
                        LEFT JOIN names ON names.image = images.id
                        ORDER BY names.reference, images.id
                        """)
            }
            var descriptors: [Descriptor] = []
            for row in manifests {
                guard let digest = Digest(row["manifest"] as Data?),
                    let status = try? FileStatus(ofPath: layout.blob(digest))  // removed meanwhile
                else { continue }
                var annotations: [String: String] = [:]
                if let name = row["reference"] as String? {
                    annotations["org.opencontainers.image.ref.name"] = name
                }
                descriptors.append(
                    Descriptor(
                        mediaType: .ociManifest, digest: digest,
                        sizeBytes: Int64(clamping: status.sizeBytes), annotations: annotations))
            }
            let index = ImageIndex(mediaType: .ociIndex, manifests: descriptors)
            try HostDirectory.replaceFile(layout.index, with: index.encoded)
        } catch {
            throw StoreError(
                .inputOutput, "could not write the index", path: layout.index, cause: error)
        }
    }
}

extension Database {
    func setName(_ reference: Reference, to id: ImageID) throws {
        try execute(
            sql: """
                INSERT INTO names (reference, image, taggedAt) VALUES (?, ?, ?)
                ON CONFLICT (reference) DO UPDATE
                SET image = excluded.image, taggedAt = excluded.taggedAt
                """, arguments: [reference.canonical, id.digest.data, Store.now()])
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
