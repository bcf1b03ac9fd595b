internal import FileTree
internal import Foundation
internal import GRDB
internal import LinuxIO

extension Store {
    func makeLease(purpose: String) throws(StoreError) -> Lease {
        let id = LeaseID(number: .random(in: .min ... .max))
        let path = layout.leaseLock(id)
        let lock = try lockNewFile(path)
        do throws(Errno) {
            try HostDirectory.make(layout.leaseWork(id), permissions: 0o700)
        } catch {
            throw Self.cannotLease(path, error)
        }
        try write("a lease") { database in
            try database.execute(
                sql: "INSERT INTO leases (id, process, purpose, createdAt) VALUES (?, ?, ?, ?)",
                arguments: [
                    id.text, ProcessInfo.processInfo.processIdentifier, purpose, Self.now(),
                ])
        }
        return Lease(id: id, lock: lock, store: self)
    }

    private func lockNewFile(_ path: String) throws(StoreError) -> OwnedDescriptor {
        do throws(Errno) {
            let file = try OwnedDescriptor(opening: path, [.readWrite, .create, .exclusive])
            _ = try DescriptorIO.lock(file.rawValue, .exclusive)
            return file
        } catch {
            throw Self.cannotLease(path, error)
        }
    }

    private static func cannotLease(_ path: String, _ error: Errno) -> StoreError {
        StoreError(.inputOutput, "could not take a lease on the store", path: path, cause: error)
    }

    func insertLeasedTree(_ tree: Tree, lease: LeaseID) throws(StoreError) {
        try write("a lease on a tree") { database in
            let isThere =
                try tree.directory.id == Tree.empty.directory.id
                || (Bool.fetchOne(
                    database, sql: "SELECT EXISTS (SELECT 1 FROM directories WHERE id = ?)",
                    arguments: [tree.directory.id.digest.data]) ?? false)
            guard isThere else {
                throw StoreError(.notFound, "the tree \(tree.id) is no longer in the store")
            }
            try database.execute(
                sql: "INSERT OR IGNORE INTO leasedTrees (lease, tree) VALUES (?, ?)",
                arguments: [lease.text, tree.data])
        }
    }

    /// Whether the lease's process still has it. One whose lock can be taken has lost its process.
    func isLive(_ id: LeaseID) -> Bool {
        guard let lock = try? OwnedDescriptor(opening: layout.leaseLock(id), .readWrite)
        else { return false }  // no file: a row or a work directory that was left
        // A lease is locked right after its file is made: an unlocked new file may be about to be.
        guard let status = try? FileStatus(of: lock.rawValue),
            FileTimestamp.now().seconds - status.changeTime.seconds > 2
                || (try? hasRow(id)) == true
        else { return true }
        return !((try? DescriptorIO.lock(lock.rawValue, .exclusive, waits: false)) ?? false)
    }

    private func hasRow(_ id: LeaseID) throws(StoreError) -> Bool {
        try read("a lease") { database in
            try Bool.fetchOne(
                database, sql: "SELECT EXISTS (SELECT 1 FROM leases WHERE id = ?)",
                arguments: [id.text]) ?? false
        }
    }

    /// Removes the lease's traces; what cannot be removed now, the collector will.
    func removeLease(_ id: LeaseID) {
        try? HostDirectory.removeAll(layout.leaseWork(id))
        _ = try? write("the end of a lease") { database in
            try database.execute(sql: "DELETE FROM leases WHERE id = ?", arguments: [id.text])
        }
        try? HostDirectory.unlink(layout.leaseLock(id))
    }

    /// Wall-clock nanoseconds since 1970.
    package static func now() -> Int64 {
        let time = FileTimestamp.now()
        return time.seconds * 1_000_000_000 + Int64(time.nanoseconds)
    }
}
