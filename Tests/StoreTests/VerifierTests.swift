import FileTree
import GRDB
import ImageSpec
import LinuxIO
import Testing

@testable import Store

@Suite struct VerifierTests {
    private func withImage(_ body: (Store, FileContent) throws -> Void) throws {
        try withStore { store in
            let lease = try store.lease("test")
            let image = try store.insertImage(["a": "content"], name: "app", lease: lease)
            let tree = try store.tree(of: image)
            let node = try store.node(at: TreePath(cleaning: [0x61]), in: tree)
            guard case .file(let content)? = node?.content else {
                Issue.record("the file is there")
                return
            }
            try body(store, content)
        }
    }

    @Test func `a missing object is found`() throws {
        try withImage { store, content in
            try HostDirectory.unlink(store.layout.object(content.digest))
            #expect(try Verifier(store).run().problems.map(\.kind) == [.missingObject])
        }
    }

    @Test func `an object with other content of the same size is found only by reading`() throws {
        try withImage { store, content in
            let path = store.layout.object(content.digest)
            try HostDirectory.unlink(path)
            try HostDirectory.replaceFile(path, with: Array("CONTENT".utf8))
            #expect(try Verifier(store).run(readsContent: false).problems == [])
            #expect(try Verifier(store).run().problems.map(\.kind) == [.corruptObject])
        }
    }

    @Test func `a shortened object is found`() throws {
        try withImage { store, content in
            let path = store.layout.object(content.digest)
            try HostDirectory.unlink(path)
            try HostDirectory.replaceFile(path, with: Array("con".utf8))
            #expect(
                try Verifier(store).run(readsContent: false).problems.map(\.kind)
                    == [.corruptObject])
        }
    }

    @Test func `a missing config breaks its image`() throws {
        try withImage { store, _ in
            let image = try #require(try store.images().first)
            try HostDirectory.unlink(store.layout.blob(image.id.digest))
            let kinds = try Verifier(store).run().problems.map(\.kind)
            #expect(kinds == [.missingBlob, .brokenImage])
        }
    }

    @Test(arguments: ["stale", "damaged", "missing"])
    func `an index that is not the names' is told, and a collection mends it`(
        _ damage: String
    ) throws {
        try withImage { store, _ in
            switch damage {
            case "stale":
                try store.write("a name behind the index's back") { database in
                    try database.execute(
                        sql: "UPDATE names SET reference = 'docker.io/library/b:1'")
                }
            case "damaged": try HostDirectory.replaceFile(store.layout.index, with: [0x7B])
            default: try HostDirectory.unlink(store.layout.index)
            }
            let problems = try Verifier(store).run().problems
            #expect(problems.map(\.kind) == [.staleIndex])
            #expect(problems.allSatisfy { !$0.isSerious })
            _ = try Collector(store).run(dryRun: true)
            #expect(try Verifier(store).run().problems.map(\.kind) == [.staleIndex])
            _ = try Collector(store).run()
            #expect(try Verifier(store).run().problems == [])
        }
    }

    @Test func `a stray file is told and not serious`() throws {
        try withImage { store, _ in
            try HostDirectory.replaceFile(store.layout.objectDirectory(7) + "/stray", with: [1])
            let problems = try Verifier(store).run().problems
            #expect(problems.map(\.kind) == [.strayFile])
            #expect(problems.allSatisfy { !$0.isSerious })
        }
    }

    @Test func `a damaged object is found though nothing refers to it`() throws {
        try withImage { store, _ in
            let lease = try store.lease("test")
            let content = try store.ingest(lease).insert(Array("unused".utf8))
            #expect(try Verifier(store).run().problems == [])
            let path = store.layout.object(content.digest)
            try HostDirectory.unlink(path)
            try HostDirectory.replaceFile(path, with: Array("UNUSED".utf8))
            #expect(try Verifier(store).run().problems.map(\.kind) == [.corruptObject])
        }
    }

    @Test func `the tree before a cached step is looked at as well`() throws {
        try withImage { store, _ in
            let lease = try store.lease("test")
            let layer = try store.insertLayer(["b": "other"], lease: lease)
            try store.record(store.entry(1, parent: layer.tree, tree: .empty), lease: lease)
            lease.end()
            _ = try Collector(store).run()
            #expect(try Verifier(store).run().problems == [])
            try store.write("a loss") { database in
                try database.execute(
                    sql: "DELETE FROM directories WHERE id = ?",
                    arguments: [layer.tree.directory.id.digest.data])
            }
            #expect(try Verifier(store).run().problems.map(\.kind) == [.missingDirectory])
        }
    }

    @Test func `rows with damaged keys and trees are told`() throws {
        try withImage { store, _ in
            let lease = try store.lease("test")
            try store.record(store.entry(1, tree: .empty), lease: lease)
            try store.write("damage") { database in
                try database.execute(sql: "INSERT INTO directories VALUES (x'01', x'02')")
                try database.execute(sql: "UPDATE cache SET parentTree = x'03'")
                try database.execute(sql: "UPDATE buildSteps SET tree = x'04'")
            }
            #expect(
                try Verifier(store).run(readsContent: false).problems.map(\.kind)
                    == [.corruptDirectory, .brokenCacheEntry, .brokenBuild])
        }
    }

    @Test func `what is left of a collection that was cut off is no loss`() throws {
        try withStore { store in
            let lease = try store.lease("test")
            let layer = try store.insertLayer(["a": "x"], lease: lease)
            lease.end()
            // Directories that nothing refers to may lack their objects.
            let objects = Marker()
            try store.read("all", objects.mark)
            #expect(objects.objects.isEmpty)
            guard
                case .file(let content)? = try store.node(
                    at: TreePath(cleaning: [0x61]), in: layer.tree)?.content
            else {
                Issue.record("the file is there")
                return
            }
            try HostDirectory.unlink(store.layout.object(content.digest))
            #expect(try Verifier(store).run().problems == [])
        }
    }
}
