import FileTree
import GRDB
import Glibc
import ImageSpec
import LinuxIO
import Synchronization
import Testing

@testable import Store

@Suite struct LeaseTests {
    /// What a process leaves that was killed.
    private func leaveDeadLease(_ store: Store) throws -> LeaseID {
        let id = LeaseID(number: .random(in: .min ... .max))
        _ = try OwnedDescriptor(opening: store.layout.leaseLock(id), [.writeOnly, .create])
        try HostDirectory.makeAll(store.layout.leaseWork(id) + "/d")
        try HostDirectory.makeAll(store.layout.bundles(id))
        try HostDirectory.makeAll(store.layout.runtimeState(id) + "/.cache")
        try HostDirectory.replaceFile(store.layout.leaseWork(id) + "/d/file", with: [1])
        try store.write("a lease") { database in
            try database.execute(
                sql: "INSERT INTO leases VALUES (?, 1, 'test', 0)", arguments: [id.text])
        }
        return id
    }

    private func traces(_ id: LeaseID, _ store: Store) throws -> [String] {
        try [store.layout.leaseLock(id), store.layout.leaseWork(id), store.layout.leaseRun(id)]
            .filter(HostDirectory.exists)
            + store.read("leases") { database in
                try String.fetchAll(
                    database, sql: "SELECT id FROM leases WHERE id = ?", arguments: [id.text])
            }
    }

    @Test func `nothing stays of a dead lease, and its build is interrupted`() throws {
        try withStore { store in
            let id = try leaveDeadLease(store)
            try store.save(BuildRecord(id: "b", title: "", lease: id))
            let ended = Mutex<[LeaseID]>([])
            let report = try Collector(store) { id in ended.withLock { $0.append(id) } }.run()
            #expect(report.deadLeases == 1)
            #expect(ended.withLock { $0 } == [id])
            #expect(try traces(id, store) == [])
            #expect(try store.builds().map(\.status) == [.interrupted])
        }
    }

    /// Where its directory cannot be made, or its row not be written, as on a full disk.
    @Test(arguments: [true, false])
    func `nothing stays of a lease that could not be taken`(isDirectory: Bool) throws {
        try withStore { store in
            let before = try HostDirectory.names(ofPath: store.layout.locks)
            if isDirectory {
                try HostDirectory.removeAll(store.layout.work)
            } else {
                try store.write("no leases") { database in
                    try database.execute(sql: "DROP TABLE leases")
                }
            }
            #expect(throws: StoreError.self) { try store.lease("test") }
            #expect(try HostDirectory.names(ofPath: store.layout.locks) == before)
            if !isDirectory { #expect(try HostDirectory.names(ofPath: store.layout.work) == []) }
        }
    }

    @Test func `a dry run leaves dead leases`() throws {
        try withStore { store in
            let id = try leaveDeadLease(store)
            #expect(try Collector(store).run(dryRun: true).deadLeases == 1)
            #expect(try traces(id, store).count == 4)
        }
    }

    @Test func `a lease whose container cannot be ended is kept for the next time`() throws {
        try withStore { store in
            let id = try leaveDeadLease(store)
            let failing = Collector(store) { _ in throw StoreError(.inUse, "it lives") }
            let report = try failing.run()
            #expect(report.deadLeases == 0)
            #expect(report.failures.count == 1)
            #expect(try traces(id, store).count == 4)
            try HostDirectory.make(store.layout.runtimeState(id) + "/container")
            #expect(try Collector(store).run().failures.count == 1)
            #expect(try traces(id, store).count == 4)
            try HostDirectory.removeEmpty(store.layout.runtimeState(id) + "/container")
            #expect(try Collector(store).run().deadLeases == 1)
            #expect(try traces(id, store) == [])
        }
    }

    @Test(.enabled(if: geteuid() == 0, "mounting needs root"))
    func `what is mounted in a work directory is not emptied, and the lease stays`() throws {
        try withStore { store in
            let id = try leaveDeadLease(store)
            let mountPoint = store.layout.leaseWork(id) + "/d"
            try #require(unsafe mount("none", mountPoint, "tmpfs", 0, nil) == 0)
            try HostDirectory.replaceFile(mountPoint + "/precious", with: [1])
            let report = try Collector(store).run()
            let isThere = HostDirectory.exists(mountPoint + "/precious")
            _ = unsafe umount2(mountPoint, Int32(MNT_DETACH))
            #expect(report.failures.count == 1)
            #expect(isThere)
            #expect(try traces(id, store).count == 4)
            #expect(try Collector(store).run().deadLeases == 1)
            #expect(try traces(id, store) == [])
        }
    }

    @Test func `a lock that cannot be looked at is not a dead lease`() throws {
        try withStore { store in
            let id = LeaseID(number: 7)
            let path = store.layout.leaseLock(id)
            try #require(unsafe symlink(path, path) == 0)
            try HostDirectory.make(store.layout.leaseWork(id))
            #expect { try Collector(store).run() } throws: {
                (($0 as? StoreError)?.cause as? Errno) == .symbolicLinkLoop
            }
            #expect(HostDirectory.exists(store.layout.leaseWork(id)))
        }
    }

    @Test func `a lease that begins during collections is not taken for a dead one`() throws {
        try withStore { store in
            let isDone = Flag()
            let failures = inParallel(3) { [self] number in
                guard number == 0 else {
                    let other = try Store(root: store.layout.root)
                    while !isDone.value.load(ordering: .relaxed) {
                        _ = try other.removeDeadLeases { _ in }
                    }
                    return
                }
                defer { isDone.value.store(true, ordering: .relaxed) }
                for _ in 0..<600 {
                    let lease = try store.lease("test")
                    try HostDirectory.replaceFile(
                        lease.newWorkPath("x"), with: [1], durability: .deferred)
                    guard try store.isLive(lease.id), try traces(lease.id, store).count == 3 else {
                        throw StoreError(.inUse, "a lease that lives was removed")
                    }
                    lease.end()
                }
            }
            #expect(failures == [])
        }
    }

    private final class Flag: Sendable {
        let value = Atomic(false)
    }

    @Test func `two who ask at once whether a lease lives do not see each other`() throws {
        try withStore { store in
            let id = try leaveDeadLease(store)
            let other = try OwnedDescriptor(opening: store.layout.leaseLock(id), .readOnly)
            _ = try DescriptorIO.lock(other.rawValue, .shared)
            #expect(try !store.isLive(id))
        }
    }
}
