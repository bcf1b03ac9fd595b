import FileTree
import Foundation
import ImageSpec
import LinuxIO
import Synchronization
import Testing

@testable import Store

struct CacheMountTests {
    private func write(_ text: String, to path: String) throws {
        try text.write(toFile: path, atomically: false, encoding: .utf8)
    }

    private func read(_ path: String) throws -> String {
        try String(contentsOfFile: path, encoding: .utf8)
    }

    @Test(arguments: [
        ("go", "go"), ("/root/.cache", "%2Froot%2F.cache"), (".", "%2E"), ("..", "%2E."),
        ("a b~@=", "a%20b%7E%40%3D"), ("", "%"), ("ä", "%C3%A4"),
    ])
    func `any text is an id, and two are never one name`(_ id: String, _ name: String) {
        #expect(CacheMountName(id: id).text == name)
    }

    @Test func `long ids have names that fit, with what tells them apart`() {
        let long = String(repeating: "/", count: 4000)
        let (one, two) = (CacheMountName(id: long), CacheMountName(id: long + "x"))
        #expect(one.text.utf8.count < 200)
        #expect(one != two)
        #expect(CacheMountName(id: "a", seed: Digest(of: [1]), instance: 2).text.hasPrefix("a@"))
        #expect(CacheMountName(id: "a", instance: 2).text == "a~2")
    }

    @Test func `what is written stays, and the owner and the mode are those of the first`() throws {
        try withStore { store in
            var request = CacheMountRequest(id: "x", permissions: 0o700, userID: 12, groupID: 13)
            let first = try store.holdCacheMount(request)
            try write("kept", to: first.path + "/f")
            let status = try FileStatus(ofPath: first.path)
            #expect(status.mode & 0o7777 == 0o700)
            #expect(status.userID == 12 && status.groupID == 13)
            first.end()
            request.permissions = 0o755
            let second = try store.holdCacheMount(request)
            #expect(try read(second.path + "/f") == "kept")
            #expect(try FileStatus(ofPath: second.path).mode & 0o7777 == 0o700)
            #expect(try store.cacheMounts().map(\.isInUse) == [true])
            second.end()
            #expect(try store.cacheMounts().map(\.isInUse) == [false])
            #expect(try store.cacheMounts().map(\.id) == ["x"])
        }
    }

    @Test func `shared ones are had by many, private ones by one each`() throws {
        try withStore { store in
            let shared = CacheMountRequest(id: "s")
            let (one, two) = (try store.holdCacheMount(shared), try store.holdCacheMount(shared))
            #expect(one.path == two.path)
            let own = CacheMountRequest(id: "p", sharing: .private)
            let (three, four) = (try store.holdCacheMount(own), try store.holdCacheMount(own))
            #expect(three.name.text == "p" && four.name.text == "p~1")
            three.end()
            // The first that is free, with what was left in it.
            #expect(try store.holdCacheMount(own).name.text == "p")
        }
    }

    @Test(.timeLimit(.minutes(30)))
    func `a locked one is waited for, and the waiting is told once`() throws {
        try withStore { store in
            let locked = CacheMountRequest(id: "l", sharing: .locked)
            let held = try store.holdCacheMount(locked)
            let told = Atomic(0)
            let failures = Mutex<[String]>([])
            let thread = Thread {
                do {
                    let hold = try store.holdCacheMount(locked) {
                        told.add(1, ordering: .relaxed)
                        held.end()
                    }
                    hold.end()
                } catch {
                    failures.withLock { $0.append("\(error)") }
                }
                told.add(100, ordering: .releasing)
            }
            thread.start()
            while told.load(ordering: .acquiring) < 100 { usleep(1000) }
            #expect(told.load(ordering: .acquiring) == 101)
            #expect(failures.withLock { $0 } == [])
        }
    }

    @Test func `who waits can be told to stop`() throws {
        struct Stop: Error {}
        try withStore { store in
            let locked = CacheMountRequest(id: "l", sharing: .locked)
            let held = try store.holdCacheMount(locked)
            #expect(throws: Stop.self) {
                _ = try store.holdCacheMount(CacheMountRequest(id: "l")) { throw Stop() }
            }
            held.end()
        }
    }

    @Test func `many at once make one directory`() throws {
        try withStore { store in
            let failures = inParallel(8) { number in
                let hold = try store.holdCacheMount(CacheMountRequest(id: "m"))
                try "\(number)".write(
                    toFile: hold.path + "/\(number)", atomically: false, encoding: .utf8)
                hold.end()
            }
            #expect(failures == [])
            let names = try HostDirectory.names(
                ofPath: store.layout.cacheMountData(CacheMountName(id: "m")))
            #expect(names.count == 8)
        }
    }

    @Test func `one at a time have a locked one`() throws {
        try withStore { store in
            let inside = Atomic(0)
            let failures = inParallel(6) { _ in
                let hold = try store.holdCacheMount(
                    CacheMountRequest(id: "m", sharing: .locked))
                if inside.add(1, ordering: .relaxed).newValue != 1 {
                    throw StoreError(.inUse, "two at once")
                }
                usleep(2000)
                inside.subtract(1, ordering: .relaxed)
                hold.end()
            }
            #expect(failures == [])
        }
    }

    @Test func `a new one has what it is given, links, modes and attributes among it`() throws {
        try withStore { store in
            let lease = try store.lease("test")
            defer { lease.end() }
            let directories = PendingDirectories(base: store)
            let editor = TreeEditor(base: .empty, directories: directories)
            let content = try store.ingest(lease).insert(Array("content".utf8))
            try editor.put(
                Node(
                    attributes: NodeAttributes(
                        permissions: 0o4751, userID: 3, groupID: 4,
                        modificationTime: NodeTime(seconds: 9, nanoseconds: 5),
                        extendedAttributes: ExtendedAttributes([
                            .init(name: Array("user.x".utf8), value: [1, 2])
                        ])),
                    content: .file(content)), at: try TreePath(cleaning: Array("a/f".utf8)))
            try editor.link(
                try TreePath(cleaning: Array("a/f".utf8)), at: try TreePath(cleaning: [0x67]))
            try editor.put(
                Node(
                    attributes: NodeAttributes(permissions: 0o777),
                    content: .symbolicLink(target: Array("/etc/passwd".utf8))),
                at: try TreePath(cleaning: Array("l".utf8)))
            let tree = try editor.finish()
            let seed = CacheMountRequest.Seed(
                tree: tree, directories: directories, digest: tree.id.digest)
            let hold = try store.holdCacheMount(CacheMountRequest(id: "x", seed: seed))
            #expect(hold.name.text == "x@" + tree.id.digest.short)
            let status = try FileStatus(ofPath: hold.path + "/a/f")
            #expect(status.mode & 0o7777 == 0o4751 && status.userID == 3 && status.groupID == 4)
            #expect(status.modificationTime == FileTimestamp(seconds: 9, nanoseconds: 5))
            #expect(try FileStatus(ofPath: hold.path + "/g").inode == status.inode)
            #expect(try HostDirectory.readLink(hold.path + "/l") == "/etc/passwd")
            #expect(try read(hold.path + "/g") == "content")
            let file = try OwnedDescriptor(opening: hold.path + "/g", .readOnly)
            #expect(
                try HostAttributes.value(of: Array("user.x".utf8), on: file.rawValue) == [1, 2])
            // The object of the store is not the cache's file.
            #expect(
                try FileStatus(ofPath: store.layout.object(content.digest)).inode != status.inode)
        }
    }

    @Test func `one in use is neither removed nor replaced`() throws {
        try withStore { store in
            let hold = try store.holdCacheMount(CacheMountRequest(id: "x"))
            let operations: [() throws -> Void] = [
                { try store.removeCacheMount(CacheMountName(id: "x")) },
                {
                    _ = try store.replaceCacheMount(id: "x", with: .empty, directories: store)
                },
            ]
            for operation in operations {
                #expect {
                    try operation()
                } throws: {
                    ($0 as? StoreError)?.code == .inUse
                }
            }
            try write("1", to: hold.path + "/f")
            hold.end()
            try store.removeCacheMount(CacheMountName(id: "x"))
            #expect(try HostDirectory.names(ofPath: store.layout.cacheMounts).isEmpty)
            #expect {
                try store.removeCacheMount(CacheMountName(id: "x"))
            } throws: {
                ($0 as? StoreError)?.code == .notFound
            }
        }
    }

    @Test func `making and removing at once leaves each whole or not there`() throws {
        try withStore { store in
            let name = CacheMountName(id: "x")
            let failures = inParallel(6) { number in
                for _ in 0..<30 {
                    if number % 2 == 0 {
                        let hold = try store.holdCacheMount(CacheMountRequest(id: "x"))
                        try "1".write(
                            toFile: hold.path + "/\(number)", atomically: false, encoding: .utf8)
                        hold.end()
                    } else {
                        do {
                            try store.removeCacheMount(name)
                        } catch let error as StoreError
                            where error.code == .inUse || error.code == .notFound
                        {}
                    }
                }
            }
            #expect(failures == [])
        }
    }

    @Test func `a collection leaves caches alone`() throws {
        try withStore { store in
            let hold = try store.holdCacheMount(CacheMountRequest(id: "x"))
            try write("1", to: hold.path + "/f")
            hold.end()
            _ = try Collector(store).run()
            #expect(try read(store.layout.cacheMountData(CacheMountName(id: "x")) + "/f") == "1")
        }
    }
}
