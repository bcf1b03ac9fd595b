import FileTree
import Foundation
import Synchronization
import Testing
import VirtualFS

@testable import Views

/// Requests from several threads at once.
@Suite
struct WorkingTreeConcurrencyTests {
    private func inThreads(_ count: Int, _ body: @Sendable @escaping (Int) -> Void) {
        DispatchQueue.concurrentPerform(iterations: count) { body($0) }
    }

    @Test func `threads that write to one lower file at once copy it up once`() throws {
        let fixture = try WorkingTreeFixture()
        let client = ViewClient(fixture.tree, umask: 0)
        _ = client.run(.create(path: "f", mode: 0o644, exclusive: true))
        _ = client.run(.write(path: "f", offset: 0, bytes: .init(repeating: 1, count: 300_000)))
        try fixture.remount()
        let tree = fixture.tree
        guard case .found(let entry) = try tree.lookup(Array("f".utf8), in: .root) else { return }
        let identities = Mutex<Set<UInt64>>([])
        inThreads(8) { index in
            let inode = entry.attributes.inode
            guard
                let file = try? tree.open(inode, flags: .readWrite, context: RequestContext()),
                let identity = file.backing?.identity
            else { return }
            identities.withLock { _ = $0.insert(identity) }
            let byte: [UInt8] = [UInt8(index)]
            _ = unsafe byte.withUnsafeBytes {
                try? unsafe tree.write(
                    inode, handle: file.handle, offset: UInt64(index), data: $0, clearSetIDs: false)
            }
            tree.release(inode, handle: file.handle)
        }
        #expect(identities.withLock { $0.count } == 1)
        #expect(fixture.workFileCount == 1)
        let expected = [0, 1, 2, 3, 4, 5, 6, 7] + [UInt8](repeating: 1, count: 299_992)
        #expect(
            ViewClient(tree, umask: 0).run(.read(path: "f")) == .text(ContentDigest.text(expected)))
    }

    @Test func `threads and freezes at once lose nothing`() throws {
        let fixture = try WorkingTreeFixture()
        let tree = fixture.tree
        let done = Atomic<Int>(0)
        let threads = 4
        let freezer = Thread { [ingest = fixture.ingest, directories = fixture.directories] in
            while done.load(ordering: .acquiring) < threads {
                _ = try? tree.freeze(ingest: ingest, directories: directories)
            }
        }
        freezer.start()
        inThreads(threads) { thread in
            let client = ViewClient(tree, umask: 0)
            _ = client.run(.makeDirectory(path: "d\(thread)", mode: 0o755))
            for index in 0..<200 {
                let path = "d\(thread)/f\(index)"
                _ = client.run(.create(path: path, mode: 0o644, exclusive: true))
                _ = client.run(.write(path: path, offset: 0, bytes: [UInt8(index)]))
                if index % 3 == 0 {
                    _ = client.run(.rename(path: path, to: "d\(thread)/g\(index)", flags: 0))
                }
                if index % 3 == 1 { _ = client.run(.link(path: path, to: "l\(thread)-\(index)")) }
                if index % 5 == 0 { _ = client.run(.read(path: path)) }
            }
            done.add(1, ordering: .releasing)
        }
        let final = try fixture.freeze()
        for thread in 0..<threads {
            for index in 0..<200 {
                let path = "d\(thread)/\(index % 3 == 0 ? "g" : "f")\(index)"
                guard case .file(let content)? = try fixture.node(path, in: final)?.content else {
                    Issue.record("\(path) is lost")
                    continue
                }
                #expect(try fixture.content(content) == [UInt8(index)])
            }
        }
        #expect(try TreeComparison.linkGroups(final, fixture).count == threads * 67)
    }
}
