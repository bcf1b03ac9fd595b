internal import FileTree
internal import Foundation
internal import GRDB
internal import ImageSpec
internal import LinuxIO

/// One store directory, opened. Several processes may have it open at once. Thread-safe.
package final class Store: Sendable {
    package let layout: StoreLayout
    let database: StateDatabase
    let directories: DirectoryCache
    /// Identifies the running kernel's boot; see docs/store-layout.md, "Volatile entries".
    package let bootID: String

    /// Opens the store at `root`. A directory that is missing or empty becomes one; a store that an
    /// earlier version made, or that was last used before the last boot, is put in order first.
    /// - Parameter bootID: differs from boot to boot.
    /// - Throws: `cannotOpen`, `unsupportedVersion`.
    package init(root: String, bootID: String = Store.runningBootID()) throws(StoreError) {
        layout = StoreLayout(root: root)
        self.bootID = bootID
        directories = DirectoryCache()
        database = try Self.open(layout)
        try recoverFromEarlierBoot()
        RoomReserve(layout).renew()
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
            // SQLite says of every file that it may not write to that it is read-only.
            let isReadOnly = (try? isOnReadOnlyFileSystem()) == true  // then it is told as it is
            throw StoreError(
                .database, "could not record \(what)", path: layout.database,
                cause: isReadOnly ? Errno.readOnly : error)
        }
    }

    /// Whether nothing of the store can be changed, by nobody.
    func isOnReadOnlyFileSystem() throws(Errno) -> Bool {
        let root = try OwnedDescriptor(opening: layout.root, [.readOnly, .directory])
        return try FileSystemRoom(of: root.rawValue).isReadOnly
    }

    /// A lease for who only reads. On a read-only file system, where no lease can be taken, and
    /// nothing be removed either, it is a lease that holds nothing.
    package func readingLease(_ purpose: String) throws(StoreError) -> Lease {
        do throws(StoreError) {
            return try makeLease(purpose: purpose)
        } catch  where error.isReadOnlyFileSystem {
            return Lease(id: LeaseID(number: .random(in: .min ... .max)), lock: nil, store: self)
        }
    }

    /// A new lease, live until ended or until this process ends.
    package func lease(_ purpose: String) throws(StoreError) -> Lease {
        try makeLease(purpose: purpose)
    }

    /// A way into the object store. From the first one on, the lease keeps the collector from what
    /// is newer.
    /// - Parameter readsPresent: whether objects that are there are read before they are trusted, and
    ///   replaced where they are damaged.
    package func ingest(
        _ lease: Lease, readsPresent: Bool = false
    ) throws(StoreError) -> ObjectIngest {
        try ObjectIngest(store: self, lease: lease, readsPresent: readsPresent)
    }

    /// Wall-clock nanoseconds since 1970.
    package static func now() -> Int64 { FileTimestamp.now().nanosecondsSinceEpoch }
}

extension FileTimestamp {
    package var nanosecondsSinceEpoch: Int64 { seconds * 1_000_000_000 + Int64(nanoseconds) }

    init(nanosecondsSinceEpoch value: Int64) {
        let time = max(0, value)
        self.init(seconds: time / 1_000_000_000, nanoseconds: UInt32(time % 1_000_000_000))
    }
}
