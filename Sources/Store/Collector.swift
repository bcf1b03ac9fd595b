internal import FileTree
internal import Foundation
internal import GRDB
internal import ImageSpec
internal import LinuxIO

/// What a collection removed.
package struct CollectionReport: Hashable, Sendable {
    package var layers = 0
    package var directories = 0
    package var objects = 0
    /// Of the removed objects and blobs.
    package var freedBytes: UInt64 = 0
    package var blobs = 0
    package var deadLeases = 0

    package init() {}
}

/// Removes what nothing refers to: mark and sweep from images, cache, builds and live leases.
///
/// Directories and rows go in one transaction. Objects go after it, in small batches under the
/// exclusive sweep lock, and only when they are older than every live lease: a process that
/// works puts its objects in place before the transaction that refers to them.
package struct Collector {
    private let store: Store
    /// Objects that are looked at again and removed while ingests wait.
    private static let batchSize = 256

    package init(_ store: Store) { self.store = store }

    /// - Parameter dryRun: only counts.
    package func run(dryRun: Bool = false) throws(StoreError) -> CollectionReport {
        var report = CollectionReport()
        // Taken before the marking: what is newer than this may be somebody's work in progress.
        let started = FileTimestamp.now()
        report.deadLeases = try removeDeadLeases()
        let horizon = min(started, try oldestLiveLease() ?? started)
        let live = try mark(dryRun: dryRun, into: &report)
        try sweepObjects(keeping: live, olderThan: horizon, dryRun: dryRun, into: &report)
        try sweepBlobs(olderThan: horizon, dryRun: dryRun, into: &report)
        if !dryRun, report.directories > 0 {
            // Pages of removed rows go back to the file system when there are many.
            _ = try? store.database.writeWithoutTransaction { database in
                try database.checkpoint(.passive)
            }
        }
        return report
    }

    // MARK: - Leases

    /// A lease whose lock can be taken has lost its process.
    private func removeDeadLeases() throws(StoreError) -> Int {
        var removed = 0
        for id in try leaseIDs() where !store.isLive(id) {
            store.removeLease(id)
            removed += 1
        }
        if removed > 0 { try store.endInterruptedBuilds() }
        return removed
    }

    private func leaseIDs() throws(StoreError) -> Set<LeaseID> {
        let rows = try store.read("the leases") { database in
            try String.fetchAll(database, sql: "SELECT id FROM leases")
        }
        var names = rows
        for directory in [store.layout.locks, store.layout.work] {
            do throws(Errno) {
                names += try HostDirectory.names(ofPath: directory).map {
                    String(decoding: $0, as: UTF8.self)
                }
            } catch {
                throw StoreError(
                    .inputOutput, "could not list the leases", path: directory, cause: error)
            }
        }
        return Set(names.compactMap(LeaseID.init))
    }

    private func oldestLiveLease() throws(StoreError) -> FileTimestamp? {
        try leaseIDs().compactMap { id in
            // Made once, never written again: its change time is when the lease began.
            (try? FileStatus(ofPath: store.layout.leaseLock(id)))?.changeTime
        }.min()
    }

    // MARK: - Marking

    private func mark(
        dryRun: Bool, into report: inout CollectionReport
    ) throws(StoreError) -> Set<Digest> {
        var counts = report
        let live = try store.write("a collection") { database in
            let marker = try Marker(database)
            let layers = try marker.unreferencedLayers()
            counts.layers = layers.count
            let dead = try marker.unreachedDirectories()
            counts.directories = dead.count
            if !dryRun {
                for id in layers {
                    try database.execute(
                        sql: "DELETE FROM layers WHERE chainID = ?", arguments: [id.data])
                }
                let statement = try database.makeStatement(
                    sql: "DELETE FROM directories WHERE id = ?")
                for id in dead { try statement.execute(arguments: [id.data]) }
                if !layers.isEmpty || !dead.isEmpty { try database.bumpGeneration() }
            }
            return marker.objects
        }
        report = counts
        return live
    }

    // MARK: - Sweeping

    private func sweepObjects(
        keeping live: Set<Digest>, olderThan horizon: FileTimestamp, dryRun: Bool,
        into report: inout CollectionReport
    ) throws(StoreError) {
        var batch: [String] = []
        for index in UInt8.min...UInt8.max {
            let directory = store.layout.objectDirectory(index)
            let names: [[UInt8]]
            do throws(Errno) {
                names = try HostDirectory.names(ofPath: directory)
            } catch {
                throw StoreError(
                    .inputOutput, "could not list the objects", path: directory, cause: error)
            }
            for name in names {
                let text = String(decoding: name, as: UTF8.self)
                if let digest = store.layout.digest(ofObject: text, in: index),
                    live.contains(digest)
                {
                    continue
                }
                batch.append(directory + "/" + text)
                if batch.count == Self.batchSize {
                    try remove(batch, olderThan: horizon, dryRun: dryRun, into: &report)
                    batch = []
                }
            }
        }
        try remove(batch, olderThan: horizon, dryRun: dryRun, into: &report)
    }

    private func remove(
        _ paths: [String], olderThan horizon: FileTimestamp, dryRun: Bool,
        into report: inout CollectionReport
    ) throws(StoreError) {
        if paths.isEmpty { return }
        let lockPath = store.layout.sweepLock
        do throws(Errno) {
            let lock = try OwnedDescriptor(opening: lockPath, [.readWrite, .create])
            _ = try DescriptorIO.lock(lock.rawValue, .exclusive)
            for path in paths {
                guard let status = try? FileStatus(ofPath: path),  // gone already
                    status.changeTime < horizon
                else { continue }
                if !dryRun { try HostDirectory.unlink(path) }
                report.objects += 1
                report.freedBytes += status.blocks * 512
            }
        } catch {
            throw StoreError(
                .inputOutput, "could not remove unused objects", path: lockPath, cause: error)
        }
    }

    private func sweepBlobs(
        olderThan horizon: FileTimestamp, dryRun: Bool, into report: inout CollectionReport
    ) throws(StoreError) {
        let kept = try store.read("the images") { database in
            Set(
                try Row.fetchAll(database, sql: "SELECT id, manifest FROM images").flatMap {
                    [Digest($0["id"] as Data?), Digest($0["manifest"] as Data?)]
                }.compactMap { $0 })
        }
        do throws(Errno) {
            for name in try HostDirectory.names(ofPath: store.layout.blobs) {
                let text = String(decoding: name, as: UTF8.self)
                if let digest = Digest(hex: text), kept.contains(digest) { continue }
                let path = store.layout.blobs + "/" + text
                guard let status = try? FileStatus(ofPath: path),  // gone already
                    status.changeTime < horizon
                else { continue }
                if !dryRun { try HostDirectory.unlink(path) }
                report.blobs += 1
                report.freedBytes += status.blocks * 512
            }
        } catch {
            throw StoreError(
                .inputOutput, "could not remove unused blobs", path: store.layout.blobs,
                cause: error)
        }
    }
}

/// Finds what the roots refer to, inside one transaction.
private final class Marker {
    private let database: Database
    private(set) var objects: Set<Digest> = []
    private var reached: Set<Digest> = []
    private let keptLayers: Set<Digest>

    init(_ database: Database) throws {
        self.database = database
        // Layers live through images, and through leases on their trees while there is no image yet,
        // or none any more. A cache entry has its tree and needs no layer row.
        keptLayers = Set(
            try Data.fetchAll(
                database,
                sql: """
                    WITH RECURSIVE kept(id) AS (
                        SELECT chainID FROM images WHERE chainID IS NOT NULL
                        UNION
                        SELECT chainID FROM layers JOIN leasedTrees ON leasedTrees.tree = layers.tree
                        UNION
                        SELECT parentChainID FROM layers JOIN kept ON layers.chainID = kept.id
                        WHERE parentChainID IS NOT NULL)
                    SELECT id FROM kept
                    """
            ).compactMap { Digest($0) })
        for row in try Row.fetchAll(database, sql: "SELECT chainID, tree, recipe FROM layers") {
            guard let id = Digest(row["chainID"] as Data?), keptLayers.contains(id) else {
                continue
            }
            if let recipe = Digest(row["recipe"] as Data?) { objects.insert(recipe) }
            try reach(row["tree"] as Data)
        }
        for sql in [
            "SELECT tree FROM cache", "SELECT parentTree FROM cache", "SELECT tree FROM buildSteps",
            "SELECT parentTree FROM buildSteps", "SELECT tree FROM leasedTrees",
        ] {
            for tree in try Data.fetchAll(database, sql: sql) { try reach(tree) }
        }
    }

    /// Layers that neither an image nor a lease stands on.
    func unreferencedLayers() throws -> [Digest] {
        try Data.fetchAll(database, sql: "SELECT chainID FROM layers").compactMap { Digest($0) }
            .filter { !keptLayers.contains($0) }
    }

    func unreachedDirectories() throws -> [Digest] {
        try Data.fetchAll(database, sql: "SELECT id FROM directories").compactMap { Digest($0) }
            .filter { !reached.contains($0) }
    }

    private func reach(_ tree: Data) throws {
        var stack = [try Tree(tree).directory.id.digest]
        let statement = try database.cachedStatement(
            sql: "SELECT encoding FROM directories WHERE id = ?")
        while let id = stack.popLast() {
            guard reached.insert(id).inserted,
                let encoding = try Data.fetchOne(statement, arguments: [id.data])
            else { continue }  // seen, or missing: fsck tells
            for entry in try TreeEncoding.decodeDirectory(Array(encoding)).entries {
                switch entry.node.content {
                case .directory(let reference): stack.append(reference.id.digest)
                case .file(let content): objects.insert(content.digest)
                default: break
                }
            }
        }
    }
}
