internal import Foundation
internal import GRDB
package import ImageSpec

extension Store {
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
        try synchronizeLog()
        try writeIndex()
    }

    /// What the end of a name did.
    package struct NameRemoval: Hashable, Sendable {
        package var image: ImageID
        /// The name was the last one, and the image went with it.
        package var removedImage: Bool

        package init(image: ImageID, removedImage: Bool) {
            self.image = image
            self.removedImage = removedImage
        }
    }

    /// Takes the name away, and the image with its last name.
    /// - Returns: nil if nothing had the name.
    package func removeName(_ reference: Reference) throws(StoreError) -> NameRemoval? {
        let removal: NameRemoval? = try writeRemoval("a name's end") { database in
            guard
                let image = Digest(
                    try Data.fetchOne(
                        database, sql: "DELETE FROM names WHERE reference = ? RETURNING image",
                        arguments: [reference.canonical]))
            else { return nil }
            try database.execute(
                sql: """
                    DELETE FROM images WHERE id = :id
                        AND NOT EXISTS (SELECT 1 FROM names WHERE image = :id)
                    """, arguments: ["id": image.data])
            let removedImage = database.changesCount > 0
            try database.bumpGeneration()
            return NameRemoval(image: ImageID(image), removedImage: removedImage)
        }
        try synchronizeLog()
        try writeIndex()
        return removal
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
