internal import FileTree
internal import Foundation
internal import GRDB
internal import ImageSpec
internal import LinuxIO

/// One store directory, opened. Several processes may have it open at once. Thread-safe.
package final class Store: Sendable {
    package let layout: StoreLayout
    let database: DatabasePool
    let directories: DirectoryCache
    /// Identifies the running kernel's boot; see ``synchronize()``.
    let bootID: String

    /// Opens the store at `root`, making it first if the directory is missing or empty.
    /// - Throws: `cannotOpen`, `unsupportedVersion`.
    package init(root: String) throws(StoreError) {
        layout = StoreLayout(root: root)
        try Self.prepare(layout)
        bootID = Self.readBootID()
        database = try Self.openDatabase(layout)
        directories = DirectoryCache()
        try dropEntriesOfEarlierBoots()
    }

    private static func prepare(_ layout: StoreLayout) throws(StoreError) {
        let marker = Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8)
        do throws(Errno) {
            if HostDirectory.exists(layout.ociLayout) {
                let file = try OwnedDescriptor(opening: layout.ociLayout, .readOnly)
                let found = try DescriptorIO.readAll(file.rawValue, limit: 4096)
                guard String(decoding: found, as: UTF8.self).contains("imageLayoutVersion") else {
                    throw .invalidArgument
                }
                // Made by a process that died here: the rest is made again below.
                if HostDirectory.exists(layout.sweepLock) { return }
            }
            try HostDirectory.makeAll(layout.root, permissions: 0o700)
            for path in [layout.blobs, layout.objects, layout.work, layout.locks, layout.logs] {
                try HostDirectory.makeAll(path, permissions: 0o700)
            }
            for index in UInt8.min...UInt8.max {
                try HostDirectory.makeAll(layout.objectDirectory(index), permissions: 0o700)
            }
            if !HostDirectory.exists(layout.index) {
                try HostDirectory.replaceFile(
                    layout.index, with: Array(#"{"schemaVersion":2,"manifests":[]}"#.utf8))
            }
            try HostDirectory.replaceFile(layout.ociLayout, with: marker)
            _ = try OwnedDescriptor(opening: layout.indexLock, [.writeOnly, .create])
            _ = try OwnedDescriptor(opening: layout.sweepLock, [.writeOnly, .create])
        } catch {
            throw StoreError(
                .cannotOpen, "could not open the store", path: layout.root, cause: error)
        }
    }

    private static func readBootID() -> String {
        guard
            let file = try? OwnedDescriptor(
                opening: "/proc/sys/kernel/random/boot_id", .readOnly),  // absent without /proc
            let bytes = try? DescriptorIO.readAll(file.rawValue, limit: 256)
        else { return "unknown" }
        return String(decoding: bytes.prefix { $0 != 0x0A }, as: UTF8.self)
    }

    private static func openDatabase(_ layout: StoreLayout) throws(StoreError) -> DatabasePool {
        var configuration = Configuration()
        configuration.busyMode = .timeout(60)
        configuration.maximumReaderCount = 8
        configuration.prepareDatabase { database in
            // Commits reach the disk with synchronize(), as the files they refer to do.
            try database.execute(sql: "PRAGMA synchronous = NORMAL")
            try database.execute(sql: "PRAGMA mmap_size = 268435456")
        }
        do {
            let pool = try DatabasePool(path: layout.database, configuration: configuration)
            try StoreSchema.migrate(pool)
            return pool
        } catch let error as StoreError {
            throw error
        } catch {
            throw StoreError(
                .cannotOpen, "could not open the store's state", path: layout.database,
                cause: error)
        }
    }

    /// Runs `body` in a read transaction.
    func read<T>(_ what: String, _ body: (Database) throws -> T) throws(StoreError) -> T {
        do {
            return try database.read(body)
        } catch let error as StoreError {
            throw error
        } catch {
            throw StoreError(
                .database, "could not read \(what)", path: layout.database, cause: error)
        }
    }

    /// Runs `body` in a write transaction: all of it happens or nothing.
    func write<T>(_ what: String, _ body: (Database) throws -> T) throws(StoreError) -> T {
        do {
            return try database.write(body)
        } catch let error as StoreError {
            throw error
        } catch {
            throw StoreError(
                .database, "could not record \(what)", path: layout.database, cause: error)
        }
    }

    // MARK: - Durability

    /// Makes all that was stored and recorded so far survive a power cut.
    ///
    /// Until then, entries that only save work (cache entries, layers without an image) are marked
    /// with the boot they were made in, and dropped by the first to open the store after another.
    package func synchronize() throws(StoreError) {
        try synchronizeFiles()
        try write("that entries are durable") { database in
            try database.execute(
                sql: "UPDATE cache SET volatileBoot = NULL WHERE volatileBoot IS NOT NULL")
            try database.execute(
                sql: "UPDATE layers SET volatileBoot = NULL WHERE volatileBoot IS NOT NULL")
        }
        do throws(Errno) {
            let log = try OwnedDescriptor(opening: layout.databaseLog, .readOnly)
            try DescriptorIO.synchronize(log.rawValue)
        } catch {
            throw StoreError(
                .inputOutput, "could not write the state to disk", path: layout.databaseLog,
                cause: error)
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

    private func dropEntriesOfEarlierBoots() throws(StoreError) {
        let boot = bootID
        let stale = try read("what earlier boots left") { database in
            try Bool.fetchOne(
                database,
                sql: """
                    SELECT EXISTS (SELECT 1 FROM cache WHERE volatileBoot <> :boot)
                        OR EXISTS (SELECT 1 FROM layers WHERE volatileBoot <> :boot)
                    """, arguments: ["boot": boot]) ?? false
        }
        guard stale else { return }
        try write("what earlier boots left") { database in
            for table in ["cache", "layers"] {
                try database.execute(
                    sql: "DELETE FROM \(table) WHERE volatileBoot <> ?", arguments: [boot])
            }
        }
    }

    // MARK: - Leases and ingests

    /// A new lease, live until ended or until this process ends.
    package func lease(_ purpose: String) throws(StoreError) -> Lease {
        try makeLease(purpose: purpose)
    }

    package func ingest(_ lease: Lease) throws(StoreError) -> ObjectIngest {
        try ObjectIngest(store: self, lease: lease)
    }
}
