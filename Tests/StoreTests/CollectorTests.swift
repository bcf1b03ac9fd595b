import FileTree
import ImageSpec
import LinuxIO
import Synchronization
import Testing

@testable import Store

@Suite struct CollectorTests {
    @Test func `what an image refers to stays, the rest goes when its lease ends`() throws {
        try withStore { store in
            let lease = try store.lease("test")
            let kept = try store.insertImage(
                ["a": "kept", "d/b": "too"], name: "kept", lease: lease)
            let gone = try store.insertImage(
                ["a": "gone", "d/b": "too"], name: "gone", lease: lease)
            _ = try store.removeImage(gone.id)
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
            _ = try store.removeImage(image.id)
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
            let entry = store.entry(1, tree: layer.tree, layer: layer.diffID)
            try store.record(entry, lease: lease)
            try store.save(BuildRecord(id: "build", title: "", lease: lease.id, status: .done))
            lease.end()
            _ = try Collector(store).run()
            #expect(try store.cacheEntry(entry.key)?.tree == layer.tree)
            #expect(try store.objectCount() == 1)
            #expect(try store.removeCacheEntry(entry.key))
            try store.forgetEndedBuilds()
            _ = try Collector(store).run()
            #expect(try store.objectCount() == 0)
        }
    }

    // MARK: - Beside others

    @Test func `a lease that stores nothing holds no garbage`() throws {
        try withStore { store in
            let mount = try store.lease("mount")
            let build = try store.lease("build")
            let layer = try store.insertLayer(["a": "x"], lease: build)
            build.end()
            try #require(try store.layer(layer.chainID) != nil)
            #expect(try Collector(store).run().objects == 1)
            mount.end()
        }
    }

    @Test func `what an ingest finds is kept from a collection that began before`() throws {
        try withStore { store in
            let first = try store.lease("first")
            let content = try store.ingest(first).insert(Array("x".utf8))
            first.end()
            let second = try store.lease("second")
            #expect(try store.ingest(second).insert(Array("x".utf8)) == content)
            #expect(try Collector(store).run().objects == 0)
            second.end()
            #expect(try Collector(store).run().objects == 1)
        }
    }

    @Test func `a second look finds what was added since the first`() throws {
        try withStore { store in
            let lease = try store.lease("test")
            let layer = try store.insertLayer(["a": "x"], lease: lease)
            lease.end()
            let marker = Marker()
            try store.read("all", marker.mark)
            #expect(marker.directories == [] && marker.layers == [])
            let holder = try store.lease("holder")
            try holder.hold(layer.tree)
            try store.read("all", marker.mark)
            #expect(marker.directories == [layer.tree.directory.id.digest])
            #expect(marker.layers == [layer.chainID.digest])
            #expect(marker.objects.count == 1)
        }
    }

    @Test func `a removed image leaves its blobs to whoever records it again`() throws {
        try withStore { store in
            let lease = try store.lease("test")
            let image = try store.insertImage(["a": "x"], name: "app", lease: lease)
            let path = store.layout.blob(image.id.digest)
            _ = try store.removeImage(image.id)
            #expect(HostDirectory.exists(path))
            #expect(try Collector(store).run().blobs == 2)
            #expect(!HostDirectory.exists(path))
        }
    }

    @Test(.timeLimit(.minutes(30)))
    func `writers and removers of the same things beside collections lose nothing`() throws {
        try withStore { store in
            let writers = 3
            let left = Counter(writers)
            let failures = inParallel(writers + 1) { [self] number in
                let own = try Store(root: store.layout.root)
                if number == writers {
                    while left.value.load(ordering: .relaxed) > 0 { _ = try Collector(own).run() }
                } else {
                    defer { left.value.subtract(1, ordering: .relaxed) }
                    try work(own, number)
                }
            }
            #expect(failures == [])
            #expect(try Verifier(store).run().problems == [])
            #expect(try store.images().count == writers + 1)
            _ = try Collector(store).run()
            #expect(try store.objectCount() == writers + 1)
            #expect(try Verifier(store).run().problems == [])
        }
    }

    private final class Counter: Sendable {
        let value: Atomic<Int>
        init(_ value: Int) { self.value = Atomic(value) }
    }

    /// Records an image of all writers and one of its own, and removes its own all times but the
    /// last.
    private func work(_ store: Store, _ number: Int) throws {
        for round in 1...12 {
            let lease = try store.lease("writer")
            defer { lease.end() }
            _ = try store.insertImage(["a": "shared"], name: "shared", lease: lease)
            let own = try store.insertImage(["a": "\(number)"], name: "own\(number)", lease: lease)
            guard round < 12 else { return }
            _ = try store.removeName(Reference(parsing: "own\(number)"))
            guard try store.image(own.id) == nil else {
                throw StoreError(.inUse, "the image did not go with its name")
            }
        }
    }

    // MARK: - Other files

    @Test func `logs of forgotten builds go`() throws {
        try withStore { store in
            let lease = try store.lease("build")
            try store.save(BuildRecord(id: "kept", title: "", lease: lease.id))
            for id in ["kept", "forgotten"] {
                try HostDirectory.make(store.layout.buildLogs(id))
                try HostDirectory.replaceFile(store.layout.buildLog(id, step: 1), with: [1])
            }
            try HostDirectory.replaceFile(store.layout.mountLog, with: [1])
            #expect(try Collector(store).run().logs == 1)
            #expect(HostDirectory.exists(store.layout.buildLog("kept", step: 1)))
            #expect(HostDirectory.exists(store.layout.mountLog))
            #expect(!HostDirectory.exists(store.layout.buildLogs("forgotten")))
        }
    }

    @Test func `digests of a context go when it was not used for a month`() throws {
        try withStore { store in
            try HostDirectory.make(store.layout.contextCaches)
            try HostDirectory.replaceFile(store.layout.contextCache("ab12"), with: [1])
            _ = try Collector(store).run()
            #expect(HostDirectory.exists(store.layout.contextCache("ab12")))
            var later = FileTimestamp.now()
            later.seconds += 31 * 24 * 3600
            _ = try Collector(store).run(now: later)
            #expect(!HostDirectory.exists(store.layout.contextCache("ab12")))
        }
    }
}
