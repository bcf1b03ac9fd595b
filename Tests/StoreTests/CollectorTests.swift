import FileTree
import ImageSpec
import LinuxIO
import Store
import Testing

@Suite struct CollectorTests {
    @Test func `what an image refers to stays, the rest goes when its lease ends`() throws {
        try withStore { store in
            let lease = try store.lease("test")
            let kept = try store.insertImage(
                ["a": "kept", "d/b": "too"], name: "kept", lease: lease)
            let gone = try store.insertImage(
                ["a": "gone", "d/b": "too"], name: "gone", lease: lease)
            try store.removeImage(gone.id)
            let during = try Collector(store).run()
            #expect(during.objects == 0, "a live lease protects what is newer than it")
            lease.end()
            let after = try Collector(store).run()
            #expect(after.objects == 1)
            #expect(after.layers == 1)
            #expect(after.directories > 0)
            #expect(try Verifier(store).run().problems == [])
            #expect(try store.image(kept.id) != nil)
            #expect(try store.objectCount() == 2)
        }
    }

    @Test func `a dry run removes nothing`() throws {
        try withStore { store in
            let lease = try store.lease("test")
            let image = try store.insertImage(["a": "x"], name: nil, lease: lease)
            try store.removeImage(image.id)
            lease.end()
            #expect(try Collector(store).run(dryRun: true).objects == 1)
            #expect(try store.objectCount() == 1)
            #expect(try Collector(store).run().objects == 1)
        }
    }

    @Test func `a leased tree stays though nothing else refers to it`() throws {
        try withStore { store in
            let maker = try store.lease("maker")
            let layer = try store.insertLayer(["a": "x"], lease: maker)
            let holder = try store.lease("holder")
            try holder.hold(layer.tree)
            maker.end()
            _ = try Collector(store).run()
            #expect(try store.node(at: TreePath(cleaning: [0x61]), in: layer.tree) != nil)
            #expect(try store.objectCount() == 1)
            holder.end()
            _ = try Collector(store).run()
            #expect(try store.objectCount() == 0)
        }
    }

    @Test func `a leased layer without an image keeps its parents and its recipe`() throws {
        try withStore { store in
            let maker = try store.lease("maker")
            let bottom = try store.insertLayer(["a": "x"], lease: maker)
            let recipe = try store.ingest(maker).insert(Array("the recipe".utf8))
            let directories = PendingDirectories(base: store)
            let editor = TreeEditor(base: bottom.tree, directories: directories)
            try editor.remove(TreePath(cleaning: [0x61]))
            let tree = try editor.finish()
            let top = LayerRecord(
                parent: bottom.chainID, diffID: DiffID(tree.id.digest), tree: tree, recipe: recipe,
                tarSizeBytes: 1024)
            try store.insert(top, directories: directories, lease: maker)
            let holder = try store.lease("holder")
            try holder.hold(tree)
            maker.end()
            _ = try Collector(store).run()
            #expect(try store.layers(upTo: top.chainID).count == 2)
            #expect(HostDirectory.exists(store.layout.object(recipe.digest)))
            #expect(try Verifier(store).run().problems == [])
            holder.end()
            _ = try Collector(store).run()
            #expect(try store.layer(bottom.chainID) == nil)
            #expect(try store.objectCount() == 0)
        }
    }

    @Test func `holding a tree that was collected is an error`() throws {
        try withStore { store in
            let maker = try store.lease("maker")
            let layer = try store.insertLayer(["a": "x"], lease: maker)
            maker.end()
            _ = try Collector(store).run()
            let lease = try store.lease("late")
            #expect { try lease.hold(layer.tree) } throws: {
                ($0 as? StoreError)?.code == .notFound
            }
        }
    }

    @Test func `a lease's work directory and row go with it`() throws {
        try withStore { store in
            let lease = try store.lease("test")
            let path = lease.workDirectory
            try HostDirectory.replaceFile(lease.newWorkPath("x"), with: [1])
            #expect(HostDirectory.exists(path))
            lease.end()
            #expect(!HostDirectory.exists(path))
        }
    }

    @Test func `cache entries keep their trees until they are removed`() throws {
        try withStore { store in
            let lease = try store.lease("test")
            let layer = try store.insertLayer(["a": "x"], lease: lease)
            let entry = CacheRecord(
                key: CacheKey(Digest(of: [1])), instruction: "RUN x", inputs: "",
                parentTree: .empty,
                tree: layer.tree, layer: layer.diffID, layerTarSizeBytes: 1)
            try store.insert(entry, directories: PendingDirectories(base: store))
            lease.end()
            _ = try Collector(store).run()
            #expect(try store.useCacheEntry(entry.key)?.tree == layer.tree)
            #expect(try store.objectCount() == 1)
            #expect(try store.removeCacheEntry(entry.key))
            _ = try Collector(store).run()
            #expect(try store.objectCount() == 0)
        }
    }
}
