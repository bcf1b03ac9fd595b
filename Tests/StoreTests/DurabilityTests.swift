import FileTree
import GRDB
import ImageSpec
import LinuxIO
import Testing

@testable import Store

/// What a kill, and then a power cut, leaves.
@Suite struct DurabilityTests {
    /// How far the recording of an image came.
    enum Progress: CaseIterable {
        case layers, blobs, sync, rows, all
    }

    @Test(arguments: Progress.allCases)
    func `an image killed while it is recorded is there whole after a boot, or not at all`(
        _ progress: Progress
    ) throws {
        try withStore { store in
            let lease = try store.lease("load")
            let layer = try store.insertLayer(["a": "x"], lease: lease)
            let image = try store.newImage(on: layer, author: "", names: ["app"])
            let id = ImageID(Digest(of: image.config))
            switch progress {
            case .layers: break
            case .blobs:
                _ = try store.placeBlob(image.config)
                _ = try store.placeBlob(image.manifest)
            case .sync:
                _ = try store.placeBlob(image.config)
                _ = try store.placeBlob(image.manifest)
                #expect(throws: StoreError.self) {
                    try store.writeDurably("nothing") { _ in throw StoreError(.database, "killed") }
                }
            case .rows:
                _ = try store.placeBlob(image.config)
                let manifest = try store.placeBlob(image.manifest)
                try store.writeDurably("an image") { database in
                    _ = try database.insert(image, id: id, manifest: manifest)
                }
            case .all: _ = try store.insertImages([image])
            }
            let after = try store.afterBoot()
            let isRecorded = progress == .rows || progress == .all
            #expect(try (after.image(named: Reference(parsing: "app")) != nil) == isRecorded)
            #expect(try (after.layer(layer.chainID) != nil) == isRecorded)
            #expect(try Verifier(after).run().problems == [])
            let file = try OwnedDescriptor(opening: after.layout.index, .readOnly)
            let index = try ImageIndex(
                bytes: try DescriptorIO.readAll(file.rawValue, limit: 1 << 20))
            #expect(index.manifests.count == (isRecorded ? 1 : 0))
        }
    }

    @Test func `layers under an image stay, whatever they are marked with`() throws {
        try withStore { store in
            let lease = try store.lease("load")
            _ = try store.insertImage(["a": "x"], name: "app", lease: lease)
            try store.write("a mark") { database in
                try database.execute(sql: "UPDATE layers SET volatileBoot = 'earlier'")
            }
            let after = try store.afterBoot()
            #expect(try after.layers(upTo: after.images()[0].chainID).count == 1)
        }
    }

    @Test func `what another process recorded during the sync is not taken for durable`() throws {
        try withStore { store in
            let lease = try store.lease("build")
            let layer = try store.insertLayer(["a": "x"], lease: lease)
            let before = store.entry(1, tree: layer.tree)
            try store.record(before, lease: lease)
            let entries = try store.read("entries", VolatileEntries.init)
            let other = try Store(root: store.layout.root)
            let during = store.entry(2, tree: layer.tree)
            try other.record(during, build: "other", lease: lease)
            try store.write("durable", entries.noteDurable)
            let after = try store.afterBoot()
            #expect(try after.cacheEntries().map(\.key) == [before.key])
            #expect(try after.builds().map(\.id) == ["build"])
        }
    }

    @Test func `an entry that was replaced during the sync is not taken for durable`() throws {
        try withStore { store in
            let lease = try store.lease("build")
            let one = try store.insertLayer(["a": "1"], lease: lease)
            let two = try store.insertLayer(["a": "2"], lease: lease)
            try store.record(store.entry(1, tree: one.tree), lease: lease)
            let entries = try store.read("entries", VolatileEntries.init)
            try store.record(store.entry(1, tree: two.tree), lease: lease)
            try store.write("durable", entries.noteDurable)
            #expect(try store.afterBoot().cacheEntries() == [])
        }
    }

    @Test func `builds whose steps were cut off go, with what only they held`() throws {
        try withStore { store in
            let lease = try store.lease("build")
            let layer = try store.insertLayer(["a": "x"], lease: lease)
            try store.record(store.entry(1, tree: layer.tree), build: "lost", lease: lease)
            let after = try store.afterBoot()
            #expect(try after.builds() == [])
            #expect(try after.steps(ofBuild: "lost") == [])
            #expect(try Verifier(after).run().problems == [])
        }
    }

    @Test func `a fully cached build is remembered after a boot`() throws {
        try withStore { store in
            let lease = try store.lease("build")
            let layer = try store.insertLayer(["a": "x"], lease: lease)
            let entry = store.entry(1, parent: layer.tree, tree: layer.tree)
            try store.record(entry, build: "first", lease: lease)
            _ = try store.insertImages([
                try store.newImage(on: layer, author: "", names: ["app"])
            ])
            try store.save(BuildRecord(id: "cached", title: "", lease: lease.id))
            let from = BuildStepRecord(
                build: "cached", number: 1, instruction: "FROM app", outcome: .done, key: nil,
                tree: layer.tree, parentTree: layer.tree)
            let step = BuildStepRecord(
                build: "cached", number: 2, instruction: "RUN x", outcome: .cached, key: entry.key,
                tree: entry.tree, parentTree: entry.parentTree)
            try store.record(
                [from, step], directories: PendingDirectories(base: store), lease: lease)
            let after = try store.afterBoot()
            #expect(Set(try after.builds().map(\.id)) == ["first", "cached"])
            #expect(try after.steps(ofBuild: "cached").count == 2)
        }
    }

    // MARK: - Objects

    @Test func `an object that was cut short is stored again`() throws {
        try withStore { store in
            let lease = try store.lease("test")
            let ingest = try store.ingest(lease)
            let content = try ingest.insert(Array("whole".utf8))
            let path = store.layout.object(content.digest)
            try HostDirectory.unlink(path)
            try HostDirectory.replaceFile(path, with: [])
            #expect(try ingest.insert(Array("whole".utf8)) == content)
            #expect(try FileStatus(ofPath: path).sizeBytes == 5)
        }
    }

    @Test func `an object that another ingest put in place stays`() throws {
        try withStore { store in
            let lease = try store.lease("test")
            let ingest = try store.ingest(lease)
            let writer = try ingest.writer()
            unsafe Array("same".utf8).withUnsafeBytes { try? unsafe writer.append($0) }
            let content = try ingest.insert(Array("same".utf8))
            let path = store.layout.object(content.digest)
            let inode = try FileStatus(ofPath: path).inode
            // As if the object had come between the writer's look and its rename.
            let temporary = lease.newWorkPath("object")
            try HostDirectory.replaceFile(temporary, with: Array("same".utf8))
            try ingest.place(temporary, as: content)
            #expect(try writer.finish() == content)
            #expect(try FileStatus(ofPath: path).inode == inode)
            #expect(!HostDirectory.exists(temporary))
        }
    }

    @Test func `after a boot, objects since the last sync stay if they are referred to`() throws {
        try withStore { store in
            let lease = try store.lease("test")
            _ = try store.insertImage(["a": "kept"], name: "app", lease: lease)
            let lost = try store.ingest(lease).insert(Array("lost".utf8))
            // The right size, the wrong content: what a power cut leaves of a file without a sync.
            let path = store.layout.object(lost.digest)
            try HostDirectory.unlink(path)
            try HostDirectory.replaceFile(path, with: [0, 0, 0, 0])
            let after = try store.afterBoot()
            #expect(!HostDirectory.exists(path))
            #expect(try after.objectCount() == 1)
            #expect(try Verifier(after).run().problems == [])
        }
    }

    @Test func `after a boot, objects from before the last sync stay`() throws {
        try withStore { store in
            let lease = try store.lease("test")
            _ = try store.ingest(lease).insert(Array("old".utf8))
            try store.write("the time") { database in
                try database.execute(
                    sql: "UPDATE durability SET synchronizedAt = ?",
                    arguments: [Store.now() + 60_000_000_000])
            }
            #expect(try store.afterBoot().objectCount() == 1)
        }
    }
}
