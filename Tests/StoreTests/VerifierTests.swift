import FileTree
import ImageSpec
import LinuxIO
import Store
import Testing

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

    @Test func `a stray file is told and not serious`() throws {
        try withImage { store, _ in
            try HostDirectory.replaceFile(store.layout.objectDirectory(7) + "/stray", with: [1])
            let problems = try Verifier(store).run().problems
            #expect(problems.map(\.kind) == [.strayFile])
            #expect(problems.allSatisfy { !$0.isSerious })
        }
    }
}
