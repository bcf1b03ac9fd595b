internal import FileTree
internal import Foundation
internal import GRDB
internal import LinuxIO

/// Ends what the process of a dead lease left in the kernel, of which the store knows nothing:
/// containers and mounts.
package typealias LeaseEnding = @Sendable (LeaseID) throws -> Void

extension Store {
    func makeLease(purpose: String) throws(StoreError) -> Lease {
        while true {
            let id = LeaseID(number: .random(in: .min ... .max))
            // The collector may have seen the file before it was locked, and have removed it.
            guard let lock = try lockNewFile(layout.leaseLock(id)) else { continue }
            do throws(StoreError) {
                try record(id, purpose: purpose)
            } catch {
                // On a full disk there is no room for more of it. While it is locked nobody else
                // looks for what is left.
                try? HostDirectory.removeAll(layout.leaseWork(id))
                try? HostDirectory.unlink(layout.leaseLock(id))
                withExtendedLifetime(lock) {}
                throw error
            }
            return Lease(id: id, lock: lock, store: self)
        }
    }

    private func record(_ id: LeaseID, purpose: String) throws(StoreError) {
        do throws(Errno) {
            try HostDirectory.make(layout.leaseWork(id), permissions: 0o700)
        } catch {
            throw cannotLease(layout.leaseWork(id), error)
        }
        try write("a lease") { database in
            try database.execute(
                sql: "INSERT INTO leases (id, process, purpose, createdAt) VALUES (?, ?, ?, ?)",
                arguments: [
                    id.text, ProcessInfo.processInfo.processIdentifier, purpose, Self.now(),
                ])
        }
    }

    /// - Returns: nil if the file was removed before it was locked.
    private func lockNewFile(_ path: String) throws(StoreError) -> OwnedDescriptor? {
        do throws(Errno) {
            let file = try OwnedDescriptor(opening: path, [.readWrite, .create, .exclusive])
            _ = try DescriptorIO.lock(file.rawValue, .exclusive)
            let own = try FileStatus(of: file.rawValue).inode
            guard try Self.inode(ofPath: path) == own else { return nil }
            return file
        } catch {
            // Without its directory the store is no more where it was.
            throw cannotLease(path, error)
        }
    }

    private static func inode(ofPath path: String) throws(Errno) -> UInt64? {
        do throws(Errno) {
            return try FileStatus(ofPath: path).inode
        } catch .notFound {
            return nil
        }
    }

    private func cannotLease(_ path: String, _ error: Errno) -> StoreError {
        StoreError(.inputOutput, "could not take a lease on the store", path: path, cause: error)
    }

    func insertLeasedTree(_ tree: Tree, lease: LeaseID) throws(StoreError) {
        try write("a lease on a tree") { database in try database.hold(tree, lease) }
    }

    // MARK: - Ends

    /// Whether the lease's process still has it.
    func isLive(_ id: LeaseID) throws(StoreError) -> Bool { try probe(id).isLive }

    /// What was seen of a lease's lock.
    private struct Probe: ~Copyable {
        var isLive: Bool
        /// Held on a dead lease: a process that has made the file, and was about to lock it, waits.
        var lock: OwnedDescriptor?
    }

    /// A lease whose lock can be shared has lost its process, or has not got it yet.
    private func probe(_ id: LeaseID) throws(StoreError) -> Probe {
        let path = layout.leaseLock(id)
        do throws(Errno) {
            let file = try OwnedDescriptor(opening: path, .readOnly)
            // Shared, so that two who ask at once do not take each other for the process.
            guard try DescriptorIO.lock(file.rawValue, .shared, waits: false) else {
                return Probe(isLive: true, lock: nil)
            }
            return Probe(isLive: false, lock: file)
        } catch .notFound {
            return Probe(isLive: false, lock: nil)  // a row or a directory that was left
        } catch {
            throw StoreError(
                .inputOutput, "could not see whether a lease is in use", path: path, cause: error)
        }
    }

    /// All leases that left a trace, live or not.
    func leaseIDs() throws(StoreError) -> Set<LeaseID> {
        var names = try read("the leases") { database in
            try String.fetchAll(database, sql: "SELECT id FROM leases")
        }
        for directory in [layout.locks, layout.work, layout.run] {
            do throws(Errno) {
                names += try HostDirectory.names(ofPath: directory).map {
                    String(decoding: $0, as: UTF8.self)
                }
            } catch {
                // Nothing was run yet.
                if error == .notFound && directory == layout.run { continue }
                throw StoreError(
                    .inputOutput, "could not list the leases", path: directory, cause: error)
            }
        }
        return Set(names.compactMap(LeaseID.init))
    }

    func deadLeaseCount() throws(StoreError) -> Int {
        var count = 0
        for id in try leaseIDs() where try !isLive(id) { count += 1 }
        return count
    }

    /// What became of dead leases.
    package struct LeaseRemoval: Sendable {
        package var removed = 0
        /// Why others are still there; they are tried again the next time.
        package var failures: [StoreError] = []
    }

    /// Removes what processes left that did not end their leases. Costs little when there are none.
    /// - Parameter ending: called for each before its data is removed.
    package func removeDeadLeases(
        ending: LeaseEnding
    ) throws(StoreError) -> LeaseRemoval {
        var removal = LeaseRemoval()
        for id in try leaseIDs() {
            let probe = try probe(id)
            if probe.isLive { continue }
            do throws(StoreError) {
                do {
                    try ending(id)
                } catch {
                    throw StoreError(
                        .inUse, "could not end what a killed process left running",
                        path: layout.leaseRun(id), cause: error)
                }
                try removeLease(id)
                removal.removed += 1
            } catch {
                removal.failures.append(error)
            }
            withExtendedLifetime(probe) {}
        }
        if removal.removed > 0 { try endInterruptedBuilds() }
        return removal
    }

    /// Removes the lease's data, and then, when nothing of it is left, its row and its lock.
    func removeLease(_ id: LeaseID) throws(StoreError) {
        let isBusy: Bool
        do throws(Errno) {
            isBusy = try hasContainers(layout.runtimeState(id))
            if !isBusy {
                for path in [layout.leaseWork(id), layout.leaseRun(id)] {
                    try HostDirectory.removeAll(path)
                }
            }
        } catch {
            throw StoreError(
                .inputOutput, "could not remove the data of a process",
                path: layout.leaseWork(id), cause: error)
        }
        // The runtime's state is all by which a container is found.
        guard !isBusy else {
            throw StoreError(
                .inUse, "a container of a process that ended still runs", path: layout.leaseRun(id))
        }
        try writeRemoval("the end of a lease") { database in
            try database.execute(sql: "DELETE FROM leases WHERE id = ?", arguments: [id.text])
        }
        try? HostDirectory.unlink(layout.leaseLock(id))  // as good as removed: nobody has it locked
    }

    /// Names that begin with a dot are caches of the runtime.
    private func hasContainers(_ state: String) throws(Errno) -> Bool {
        do throws(Errno) {
            return try HostDirectory.names(ofPath: state).contains { $0.first != 0x2E }
        } catch .notFound {
            return false
        }
    }
}

extension Database {
    /// Keeps the tree until the lease ends.
    /// - Throws: `notFound` when the collector already took it.
    func hold(_ tree: Tree, _ lease: LeaseID) throws {
        let root = tree.directory.id
        if root != Tree.empty.directory.id {
            let isThere = try Bool.fetchOne(
                try cachedStatement(sql: "SELECT EXISTS (SELECT 1 FROM directories WHERE id = ?)"),
                arguments: [root.digest.data])
            guard isThere == true else {
                throw StoreError(.notFound, "the tree \(tree.id) is no longer in the store")
            }
        }
        try cachedStatement(sql: "INSERT OR IGNORE INTO leasedTrees (lease, tree) VALUES (?, ?)")
            .execute(arguments: [lease.text, tree.data])
    }
}
