internal import FileTree
internal import Foundation
internal import GRDB
internal import ImageSpec
internal import LinuxIO

extension Store {
    // MARK: - Making durable

    /// Brings all files stored so far to the disk, then runs `body` in a transaction which also
    /// notes that they are, then brings that to the disk.
    ///
    /// Entries that only save work (cache entries, steps, layers without an image) carry the boot
    /// they were made in until then, and are dropped by the first to open the store after another.
    func writeDurably<T>(
        _ what: String, _ body: (Database) throws -> T
    ) throws(StoreError) -> T {
        let started = FileTimestamp.tick().nanosecondsSinceEpoch
        // Before the sync: what other processes record meanwhile may have files that it missed.
        let entries = try read("what is not yet durable", VolatileEntries.init)
        try synchronizeFiles()
        let result = try write(what) { database in
            try entries.noteDurable(database)
            try database.execute(
                sql: "UPDATE durability SET synchronizedAt = ?", arguments: [started])
            return try body(database)
        }
        try synchronizeLog()
        return result
    }

    /// Brings all transactions so far to the disk: for those that refer to no new files.
    func synchronizeLog() throws(StoreError) {
        do throws(Errno) {
            let log = try OwnedDescriptor(opening: layout.databaseLog, .readOnly)
            try DescriptorIO.synchronize(log.rawValue)
        } catch {
            throw StoreError(
                .inputOutput, "could not write the state to disk", path: layout.databaseLog,
                cause: error)
        }
    }

    /// What the log of the database may come to, before it is written back: reading it is the first
    /// thing that each command does, at some 1 GB/s. SQLite writes back at 1,000 pages, but leaves
    /// the file as long as it was.
    private static let logLimitBytes: UInt64 = 4 << 20
    /// How long to wait for readers of older states. Those that stay longer keep the log long.
    private static let logPatienceMilliseconds = 100

    /// Writes the log back if it is long: after what may have made it so.
    func trimLog() {
        // What fails here is tried again by the next one, and costs time only.
        guard let status = try? FileStatus(ofPath: layout.databaseLog),
            status.sizeBytes > Self.logLimitBytes
        else { return }
        _ = try? database.writeWithoutTransaction { database in
            let patience = try Int.fetchOne(database, sql: "PRAGMA busy_timeout") ?? 0
            defer { _ = try? database.execute(sql: "PRAGMA busy_timeout = \(patience)") }
            try database.execute(sql: "PRAGMA busy_timeout = \(Self.logPatienceMilliseconds)")
            try database.checkpoint(.truncate)
        }
    }

    func synchronizeFiles() throws(StoreError) {
        do throws(Errno) {
            let root = try OwnedDescriptor(opening: layout.root, [.readOnly, .directory])
            try DescriptorIO.synchronizeFileSystem(of: root.rawValue)
        } catch {
            throw StoreError(
                .inputOutput, "could not write the store to disk", path: layout.root, cause: error)
        }
    }

    // MARK: - After a boot

    /// How much earlier a file's time may be than its change: file systems round to a second at
    /// worst.
    private static let timestampSlackSeconds: Int64 = 2

    /// Drops what the end of an earlier boot may have cut off. Costs one read when there was none.
    func recoverFromEarlierBoot() throws(StoreError) {
        if try lastOpening().boot == bootID { return }
        // Nothing can be dropped there. Who writes to the store later opens it anew.
        if (try? isOnReadOnlyFileSystem()) == true { return }  // else the first change tells
        let lock = try Self.lockRoot(layout)
        let last = try lastOpening()
        if last.boot == bootID { return }
        let started = FileTimestamp.tick().nanosecondsSinceEpoch
        try dropVolatileEntries()
        try removeDoubtfulObjects(since: last.synchronizedAt)
        try writeIndex()
        let boot = bootID
        try write("the boot") { database in
            try database.execute(
                sql: "UPDATE durability SET boot = ?, synchronizedAt = ?",
                arguments: [boot, started])
        }
        withExtendedLifetime(lock) {}
    }

    private func lastOpening() throws(StoreError) -> (boot: String, synchronizedAt: Int64) {
        try read("when the store was last opened") { database in
            guard let row = try Row.fetchOne(database, sql: "SELECT * FROM durability") else {
                throw StoreError(.corrupt, "the state does not say when it was last durable")
            }
            return (row["boot"], row["synchronizedAt"])
        }
    }

    private func dropVolatileEntries() throws(StoreError) {
        let boot = bootID
        try write("what earlier boots left") { database in
            try database.execute(
                sql: "DELETE FROM cache WHERE volatileBoot <> ?", arguments: [boot])
            try database.execute(
                sql: """
                    DELETE FROM layers WHERE volatileBoot <> ? AND chainID NOT IN (
                        WITH RECURSIVE kept(id) AS (
                            SELECT chainID FROM images WHERE chainID IS NOT NULL
                            UNION
                            SELECT parentChainID FROM layers JOIN kept ON layers.chainID = kept.id
                            WHERE parentChainID IS NOT NULL)
                        SELECT id FROM kept)
                    """, arguments: [boot])
            try database.execute(
                sql: """
                    DELETE FROM builds
                    WHERE id IN (SELECT build FROM buildSteps WHERE volatileBoot <> ?)
                    """, arguments: [boot])
            // No process of an earlier boot lives.
            try database.execute(sql: "DELETE FROM leasedTrees")
            try database.bumpGeneration()
        }
    }

    /// Removes objects that may be empty or cut short: put in place after the last sync, and of no
    /// durable entry. A directory in which nothing was put since then is not read.
    private func removeDoubtfulObjects(since synchronizedAt: Int64) throws(StoreError) {
        var limit = FileTimestamp(nanosecondsSinceEpoch: synchronizedAt)
        limit.seconds -= Self.timestampSlackSeconds
        var doubtful: [(digest: Digest?, path: String)] = []
        do throws(Errno) {
            for index in UInt8.min...UInt8.max {
                let directory = layout.objectDirectory(index)
                guard try FileStatus(ofPath: directory).modificationTime >= limit else { continue }
                for name in try HostDirectory.names(ofPath: directory) {
                    let text = String(decoding: name, as: UTF8.self)
                    let path = directory + "/" + text
                    if try FileStatus(ofPath: path, followsLinks: false).changeTime >= limit {
                        doubtful.append((layout.digest(ofObject: text, in: index), path))
                    }
                }
            }
        } catch {
            throw StoreError(
                .inputOutput, "could not look through the objects", path: layout.objects,
                cause: error)
        }
        if doubtful.isEmpty { return }
        let marker = Marker()
        try read("what is in use", marker.mark)
        do throws(Errno) {
            for (digest, path) in doubtful {
                if let digest, marker.objects[digest] != nil { continue }
                try HostDirectory.unlink(path)
            }
        } catch {
            throw StoreError(
                .inputOutput, "could not remove objects that may be incomplete",
                path: layout.objects, cause: error)
        }
    }
}

/// The entries that were not durable at some moment.
struct VolatileEntries {
    private let layers: [Row]
    private let cache: [Row]
    private let steps: [Row]

    init(_ database: Database) throws {
        layers = try Row.fetchAll(
            database, sql: "SELECT chainID FROM layers WHERE volatileBoot IS NOT NULL")
        // Entries and steps may be replaced by others under the same key.
        cache = try Row.fetchAll(
            database, sql: "SELECT key, tree, parentTree FROM cache WHERE volatileBoot IS NOT NULL")
        steps = try Row.fetchAll(
            database,
            sql: "SELECT build, number, tree FROM buildSteps WHERE volatileBoot IS NOT NULL")
    }

    func noteDurable(_ database: Database) throws {
        for (rows, table, condition) in [
            (layers, "layers", "chainID = ?"),
            (cache, "cache", "key = ? AND tree = ? AND parentTree = ?"),
            (steps, "buildSteps", "build = ? AND number = ? AND tree = ?"),
        ] where !rows.isEmpty {
            let statement = try database.cachedStatement(
                sql: "UPDATE \(table) SET volatileBoot = NULL WHERE \(condition)")
            for row in rows {
                try statement.execute(arguments: StatementArguments(row.databaseValues))
            }
        }
    }
}
