internal import Foundation
internal import GRDB
package import ImageSpec

/// Something that happened to a container, an image, a volume or the build cache, in Docker's words.
package struct EventRecord: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        case container, image, volume, builder
    }

    /// Grows from one to the next.
    package var number: Int64
    /// Nanoseconds since 1970.
    package var time: Int64
    package var kind: Kind
    /// `create`, `start`, `die`, `tag` and so on.
    package var action: String
    /// The ID of a container or an image, or the name of a volume; empty for what tells of many.
    package var actor: String
    package var attributes: [String: String]
}

extension Store {
    /// The oldest go beyond this many: weeks of busy use, in less than a megabyte.
    private static let maximumEvents = 4096

    /// Writes down that something happened. Not durable: a power cut may take the last ones.
    package func note(
        _ kind: EventRecord.Kind, _ action: String, of actor: String,
        _ attributes: [String: String] = [:]
    ) throws(StoreError) {
        try write("an event") { database in
            try database.execute(
                sql: """
                    INSERT INTO events (time, type, action, actor, attributes)
                    VALUES (?, ?, ?, ?, ?)
                    """,
                arguments: [
                    Self.now(), kind.rawValue, action, actor,
                    try ContainerCoding.encode(attributes),
                ])
            try database.execute(
                sql: "DELETE FROM events WHERE number <= ?",
                arguments: [database.lastInsertedRowID - Int64(Self.maximumEvents)])
        }
    }

    /// Writes down that something happened to an image: as Docker, under its ID where no name is
    /// meant.
    /// - Parameter labels: the image's; nil looks them up.
    package func note(
        _ action: String, ofImage id: ImageID, as name: Reference? = nil,
        labels: [String: String]? = nil
    ) {
        // What has happened is told without them rather than not at all.
        var attributes = labels ?? (try? config(of: id).config.config.labels) ?? [:]
        attributes["name"] = name?.familiarName ?? "\(id)"
        // The event is lost then, and what it tells of has happened.
        try? note(.image, action, of: "\(id)", attributes)
    }

    /// The events after a number, oldest first.
    package func events(after number: Int64) throws(StoreError) -> [EventRecord] {
        try read("the events") { database in
            try Row.fetchAll(
                database, sql: "SELECT * FROM events WHERE number > ? ORDER BY number",
                arguments: [number]
            ).map { row in
                EventRecord(
                    number: row["number"], time: row["time"],
                    kind: EventRecord.Kind(rawValue: row["type"]) ?? .container,
                    action: row["action"], actor: row["actor"],
                    attributes: try ContainerCoding.decode(
                        row["attributes"] as Data, over: [String: String]()))
            }
        }
    }

    /// The number of the newest event; 0 if there is none.
    package func lastEvent() throws(StoreError) -> Int64 {
        try read("the events") { database in
            try Int64.fetchOne(database, sql: "SELECT MAX(number) FROM events") ?? 0
        }
    }
}
