internal import FileTree
internal import Foundation
internal import GRDB
internal import ImageSpec
package import LinuxIO

/// What a collection removed.
package struct CollectionReport: Hashable, Sendable {
    package var layers = 0
    package var directories = 0
    package var objects = 0
    /// Of the removed objects and blobs.
    package var freedBytes: UInt64 = 0
    package var blobs = 0
    package var deadLeases = 0
    /// Directories with logs of builds that are no longer remembered.
    package var logs = 0
    /// Directories of containers that were removed, or never came to be.
    package var containers = 0
    /// Directories of volumes that were removed, or never came to be.
    package var volumes = 0
    /// What could not be removed, and why; it is tried again the next time.
    package var failures: [String] = []

    package init() {}
}

/// Removes what nothing refers to: mark and sweep from images, cache, builds and live leases.
///
/// What is in use is marked while others read and write. Rows go in one short transaction that looks
/// again at what was added meanwhile. Objects go after it, in small batches under the exclusive
/// sweep lock, and only when they are older than the collection and than the mark of every live
/// lease: a process puts its objects in place, or finds them, before the transaction that refers to
/// them.
package struct Collector {
    private let store: Store
    private let ending: LeaseEnding
    /// Objects that are looked at again and removed while ingests wait.
    private static let batchSize = 256
    /// How much earlier a file's time may be than its change: file systems round to a second at
    /// worst.
    private static let timestampSlackSeconds: Int64 = 2
    /// What was found out about a build context is kept for so long after its last use.
    private static let contextCacheSeconds: Int64 = 30 * 24 * 3600

    /// - Parameter ending: ends the containers and mounts of a process that was killed.
    package init(_ store: Store, ending: @escaping LeaseEnding = { _ in }) {
        self.store = store
        self.ending = ending
    }

    /// - Parameters:
    ///   - dryRun: only counts.
    ///   - now: by which the age of files is told that are kept for some time.
    package func run(
        dryRun: Bool = false, now: FileTimestamp = .now()
    ) throws(StoreError) -> CollectionReport {
        var report = CollectionReport()
        let started = nextTick()
        if dryRun {
            report.deadLeases = try store.deadLeaseCount()
        } else {
            let removal = try store.removeDeadLeases(ending: ending)
            report.deadLeases = removal.removed
            report.failures = removal.failures.map(\.description)
        }
        let horizon = min(started, try oldestIngest() ?? started)
        let marker = try mark(dryRun: dryRun, into: &report)
        try sweepObjects(keeping: marker, olderThan: horizon, dryRun: dryRun, into: &report)
        try sweepBlobs(dryRun: dryRun, into: &report)
        try sweepLogs(dryRun: dryRun, into: &report)
        try sweepContainers(dryRun: dryRun, into: &report)
        try sweepVolumes(dryRun: dryRun, into: &report)
        if !dryRun {
            try sweepTemporaries(now)
            // Other tools read it, and may have written to it.
            if try store.indexProblem() != nil { try store.writeIndex() }
            store.trimLog()
        }
        return report
    }

    // MARK: - Time

    /// A moment that is later than the times of all files changed before this call, and not later
    /// than those of files changed after it.
    ///
    /// File systems stamp changes with the last tick, or finer if somebody looked at the last stamp.
    /// A tick is of the time when it was due, which may be before a fine stamp that was given just
    /// before it came: the second one from now is later than all.
    private func nextTick() -> FileTimestamp {
        var last = FileTimestamp.tick()
        for _ in 0..<2 {
            let former = last
            while last == former {
                usleep(500)
                last = FileTimestamp.tick()
            }
        }
        return last
    }

    /// When the first of the live leases that store objects began to do so.
    private func oldestIngest() throws(StoreError) -> FileTimestamp? {
        var oldest: FileTimestamp?
        for id in try store.leaseIDs() {
            let path = store.layout.leaseLock(id)
            do throws(Errno) {
                let status = try FileStatus(ofPath: path)
                // Marked once, never written again; see Lease.markIngesting.
                guard status.sizeBytes > 0 else { continue }
                var time = status.changeTime
                time.seconds -= Self.timestampSlackSeconds
                oldest = min(oldest ?? time, time)
            } catch .notFound {
                continue  // ended meanwhile: what it stored is referred to, or is not wanted
            } catch {
                throw StoreError(
                    .inputOutput, "could not look at a lease", path: path, cause: error)
            }
        }
        return oldest
    }

    // MARK: - Rows

    private func mark(
        dryRun: Bool, into report: inout CollectionReport
    ) throws(StoreError) -> Marker {
        let marker = Marker()
        var (layers, directories) = try store.read("what is in use") { database in
            try marker.mark(database)
            return (
                try Self.digests("SELECT chainID FROM layers", database, without: marker.layers),
                try Self.digests(
                    "SELECT id FROM directories", database, without: marker.directories)
            )
        }
        try check(marker)
        if !dryRun, !layers.isEmpty || !directories.isEmpty {
            (layers, directories) = try store.writeRemoval("a collection") { database in
                // Only what came since the snapshot is walked.
                try marker.mark(database)
                try check(marker)
                let unused = (
                    layers.filter { !marker.layers.contains($0) },
                    directories.filter { !marker.directories.contains($0) }
                )
                try Self.delete(unused.0, from: "layers", key: "chainID", database)
                try Self.delete(unused.1, from: "directories", key: "id", database)
                try database.bumpGeneration()
                return unused
            }
        }
        report.layers = layers.count
        report.directories = directories.count
        return marker
    }

    /// What a damaged directory refers to is not known, and would be taken for unused.
    private func check(_ marker: Marker) throws(StoreError) {
        guard let id = marker.damaged.first else { return }
        throw StoreError(
            .corrupt, "directory \(id) cannot be read; \"vitrine fsck\" tells what else is wrong")
    }

    private static func digests(
        _ sql: String, _ database: Database, without kept: Set<Digest>
    ) throws -> [Digest] {
        var found: [Digest] = []
        let rows = try Data.fetchCursor(database, sql: sql)
        while let data = try rows.next() {
            if let digest = Digest(data), !kept.contains(digest) { found.append(digest) }
        }
        return found
    }

    private static func delete(
        _ digests: [Digest], from table: String, key: String, _ database: Database
    ) throws {
        let statement = try database.cachedStatement(
            sql: "DELETE FROM \(table) WHERE \(key) = ?")
        for digest in digests { try statement.execute(arguments: [digest.data]) }
    }

    // MARK: - Files

    private func sweepObjects(
        keeping marker: Marker, olderThan horizon: FileTimestamp, dryRun: Bool,
        into report: inout CollectionReport
    ) throws(StoreError) {
        var batch: [String] = []
        for index in UInt8.min...UInt8.max {
            let directory = store.layout.objectDirectory(index)
            for text in try names(in: directory) {
                if let digest = store.layout.digest(ofObject: text, in: index),
                    marker.objects[digest] != nil
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
        let lock = try store.lockSweep(.exclusive)
        for path in paths {
            guard let blocks = try unlink(path, olderThan: horizon, dryRun: dryRun)
            else { continue }
            report.objects += 1
            report.freedBytes += blocks * 512
        }
        withExtendedLifetime(lock) {}
    }

    /// A blob is put in place and referred to under one hold of the shared lock: what no image
    /// refers to under the exclusive one is not wanted, however new.
    private func sweepBlobs(
        dryRun: Bool, into report: inout CollectionReport
    ) throws(StoreError) {
        let lock = try store.lockSweep(.exclusive)
        let kept = try store.read("the images") { database in
            Set(
                try Row.fetchAll(database, sql: "SELECT id, manifest FROM images").flatMap {
                    [Digest($0["id"] as Data?), Digest($0["manifest"] as Data?)]
                }.compactMap { $0 })
        }
        for text in try names(in: store.layout.blobs) {
            if let digest = Digest(hex: text), kept.contains(digest) { continue }
            let path = store.layout.blobs + "/" + text
            guard let blocks = try unlink(path, olderThan: nil, dryRun: dryRun) else { continue }
            report.blobs += 1
            report.freedBytes += blocks * 512
        }
        withExtendedLifetime(lock) {}
    }

    /// A build is recorded before its logs' directory is made.
    private func sweepLogs(
        dryRun: Bool, into report: inout CollectionReport
    ) throws(StoreError) {
        let found = try names(in: store.layout.logs)
        let kept = try store.read("the builds") { database in
            try String.fetchSet(database, sql: "SELECT id FROM builds")
        }
        for name in found where !kept.contains(name) {
            let path = store.layout.buildLogs(name)
            do throws(Errno) {
                guard try FileStatus(ofPath: path, followsLinks: false).kind == .directory
                else { continue }  // the log of mounts
                if !dryRun { try HostDirectory.removeAll(path) }
                report.logs += 1
            } catch .notFound {
                continue
            } catch {
                throw cannotRemove(path, error)
            }
        }
    }

    /// A container's directory is made and its row is recorded under one hold of the shared lock.
    private func sweepContainers(
        dryRun: Bool, into report: inout CollectionReport
    ) throws(StoreError) {
        let lock = try store.lockSweep(.exclusive)
        let kept = try store.read("the containers") { database in
            try String.fetchSet(database, sql: "SELECT id FROM containers")
        }
        for name in try names(in: store.layout.containers) where !kept.contains(name) {
            let path = store.layout.containers + "/" + name
            report.containers += 1
            if dryRun { continue }
            do throws(Errno) {
                try HostDirectory.removeAll(path)
            } catch {
                throw cannotRemove(path, error)
            }
        }
        let prefix = StoreLayout.containerLockPrefix
        for name in try names(in: store.layout.locks) where name.hasPrefix(prefix) {
            if dryRun || kept.contains(String(name.dropFirst(prefix.count))) { continue }
            _ = try unlink(store.layout.locks + "/" + name, olderThan: nil, dryRun: false)
        }
        withExtendedLifetime(lock) {}
    }

    /// A volume's directory is made and its row is recorded under one hold of the shared lock. What a
    /// row tells of is never touched.
    private func sweepVolumes(
        dryRun: Bool, into report: inout CollectionReport
    ) throws(StoreError) {
        let lock = try store.lockSweep(.exclusive)
        let kept = try store.read("the volumes") { database in
            try String.fetchSet(database, sql: "SELECT name FROM volumes")
        }
        for name in try names(in: store.layout.volumes) where !kept.contains(name) {
            report.volumes += 1
            if dryRun { continue }
            do throws(Errno) {
                try HostDirectory.removeAll(store.layout.volume(name))
            } catch {
                throw cannotRemove(store.layout.volume(name), error)
            }
        }
        withExtendedLifetime(lock) {}
    }

    /// Digests of contexts that nobody builds any more, and what writers of files left when they
    /// were killed.
    private func sweepTemporaries(_ now: FileTimestamp) throws(StoreError) {
        try store.removeDeadStepLocks()
        func limit(_ seconds: Int64) -> FileTimestamp {
            FileTimestamp(seconds: now.seconds - seconds)
        }
        for name in try names(in: store.layout.contextCaches) {
            let path = store.layout.contextCache(name)
            _ = try unlink(path, olderThan: limit(Self.contextCacheSeconds), dryRun: false)
        }
        // Written and renamed in a moment; an hour is far more than any takes.
        for name in try names(in: store.layout.root)
        where name.hasSuffix(HostDirectory.temporarySuffix) {
            let path = store.layout.root + "/" + name
            _ = try unlink(path, olderThan: limit(3600), dryRun: false)
        }
    }

    /// - Returns: the blocks that the file had; nil if it is newer, or gone already.
    private func unlink(
        _ path: String, olderThan horizon: FileTimestamp?, dryRun: Bool
    ) throws(StoreError) -> UInt64? {
        do throws(Errno) {
            let status = try FileStatus(ofPath: path, followsLinks: false)
            if let horizon, status.changeTime >= horizon { return nil }
            if !dryRun { try HostDirectory.unlink(path) }
            return status.blocks
        } catch .notFound {
            return nil
        } catch {
            throw cannotRemove(path, error)
        }
    }

    /// Empty for a directory that is not there: some are made when they are first needed.
    private func names(in directory: String) throws(StoreError) -> [String] {
        do throws(Errno) {
            return try HostDirectory.names(ofPath: directory).map {
                String(decoding: $0, as: UTF8.self)
            }
        } catch .notFound {
            return []
        } catch {
            throw StoreError(
                .inputOutput, "could not list a directory of the store", path: directory,
                cause: error)
        }
    }

    private func cannotRemove(_ path: String, _ error: Errno) -> StoreError {
        StoreError(.inputOutput, "could not remove what is unused", path: path, cause: error)
    }
}
