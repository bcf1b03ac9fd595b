import FileTree
import Foundation
import GRDB
import ImageSpec
import LinuxIO
import Testing

@testable import Store

@Suite struct StoreTests {
    @Test func `equal contents are one object`() throws {
        try withStore { store in
            let lease = try store.lease("test")
            let ingest = try store.ingest(lease)
            let one = try ingest.insert(Array("same".utf8))
            let writer = try ingest.writer()
            unsafe Array("same".utf8).withUnsafeBytes { try? unsafe writer.append($0) }
            #expect(try writer.finish() == one)
            #expect(try store.objectCount() == 1)
            #expect(try ingest.insert([]) == .empty)
            #expect(try store.objectCount() == 1)
        }
    }

    @Test func `a layer that is repaired gets back its directories and its recipe`() throws {
        try withStore { store in
            let lease = try store.lease("test")
            let layer = try store.insertLayer(["d/a": "1"], lease: lease)
            let recipe = try store.ingest(lease).insert(Array("recipe".utf8))
            try store.write("damage") { database in
                try database.execute(sql: "UPDATE directories SET encoding = x'01'")
            }
            let directories = PendingDirectories(base: NoDirectories())
            let editor = TreeEditor(base: .empty, directories: directories)
            try editor.put(
                Node(
                    attributes: NodeAttributes(permissions: 0o644),
                    content: .file(try store.ingest(lease).insert(Array("1".utf8)))),
                at: try TreePath(cleaning: Array("d/a".utf8)))
            var repaired = layer
            repaired.tree = try editor.finish()
            repaired.recipe = recipe
            #expect(repaired.tree.id == layer.tree.id)
            try store.insert(repaired, directories: directories, lease: lease)
            #expect(try store.layer(layer.chainID)?.recipe == nil)
            try store.insert(repaired, directories: directories, lease: lease, isRepair: true)
            #expect(try store.layer(layer.chainID)?.recipe == recipe)
            #expect(try Verifier(store).run().problems == [])
        }
    }

    @Test func `an adopted file is moved, hashed and read-only`() throws {
        try withStore { store in
            let lease = try store.lease("test")
            let ingest = try store.ingest(lease)
            let path = lease.newWorkPath("file")
            try HostDirectory.replaceFile(path, with: Array("content".utf8))
            let content = try ingest.adopt(path)
            #expect(content.digest == Digest(of: Array("content".utf8)))
            #expect(!HostDirectory.exists(path))
            let status = try FileStatus(ofPath: store.layout.object(content.digest))
            #expect(status.mode & 0o777 == 0o444)
        }
    }

    @Test func `holes are hashed as zeros and take no room`() throws {
        try withStore { store in
            let lease = try store.lease("test")
            let writer = try store.ingest(lease).writer()
            try writer.appendHole(1 << 20)
            unsafe [UInt8]("x".utf8).withUnsafeBytes { try? unsafe writer.append($0) }
            let content = try writer.finish()
            var bytes = [UInt8](repeating: 0, count: 1 << 20)
            bytes.append(UInt8(ascii: "x"))
            #expect(content.digest == Digest(of: bytes))
            let status = try FileStatus(ofPath: store.layout.object(content.digest))
            #expect(status.blocks * 512 < 1 << 20)
        }
    }

    @Test func `a store opened again has its images, names and trees`() throws {
        try withStore { store in
            let lease = try store.lease("test")
            let image = try store.insertImage(["etc/a": "1"], name: "app:1", lease: lease)
            let again = try Store(root: store.layout.root)
            #expect(try again.image(named: Reference(parsing: "app:1")) == image)
            let tree = try again.tree(of: image)
            #expect(try again.node(at: TreePath(cleaning: Array("etc/a".utf8)), in: tree) != nil)
            #expect(try Verifier(again).run().problems == [])
        }
    }

    @Test func `a name moves from image to image`() throws {
        try withStore { store in
            let lease = try store.lease("test")
            let one = try store.insertImage(["a": "1"], name: "app", lease: lease)
            let two = try store.insertImage(["a": "2"], name: "app", lease: lease)
            #expect(one.id != two.id)
            #expect(try store.image(named: Reference(parsing: "app"))?.id == two.id)
            #expect(try store.images().count == 2)
            #expect(try store.removeName(Reference(parsing: "app:latest"))?.image == two.id)
            #expect(try store.removeName(Reference(parsing: "app:latest")) == nil)
        }
    }

    @Test func `index json lists the names for tools that read OCI layouts`() throws {
        try withStore { store in
            let lease = try store.lease("test")
            let image = try store.insertImage(["a": "1"], name: "app:1", lease: lease)
            let file = try OwnedDescriptor(opening: store.layout.index, .readOnly)
            let index = try ImageIndex(
                bytes: try DescriptorIO.readAll(file.rawValue, limit: 1 << 20))
            #expect(index.manifests.map(\.digest) == [image.manifestDigest])
        }
    }

    @Test func `a directory that is no store and cannot be one is an error`() throws {
        let path = NSTemporaryDirectory() + "vitrine-file-\(UInt64.random(in: .min ... .max))"
        try HostDirectory.replaceFile(path, with: [1])
        defer { try? HostDirectory.unlink(path) }
        #expect { try Store(root: path) } throws: { ($0 as? StoreError)?.code == .cannotOpen }
    }

    @Test func `an image goes with its last name, and stays when it has got another`() throws {
        try withStore { store in
            let lease = try store.lease("test")
            let image = try store.insertImage(["a": "1"], name: "app", lease: lease)
            try store.setName(Reference(parsing: "meanwhile"), to: image.id)
            #expect(
                try store.removeName(Reference(parsing: "app"))
                    == Store.NameRemoval(image: image.id, removedImage: false))
            #expect(
                try store.removeName(Reference(parsing: "meanwhile"))
                    == Store.NameRemoval(image: image.id, removedImage: true))
            #expect(try store.images() == [])
        }
    }

    @Test func `an image with several names is removed by its ID only by force`() throws {
        try withStore { store in
            let lease = try store.lease("test")
            let image = try store.insertImage(["a": "1"], name: "one", lease: lease)
            try store.setName(Reference(parsing: "two"), to: image.id)
            #expect { try store.removeImage(image.id, force: false) } throws: {
                ($0 as? StoreError)?.code == .inUse
            }
            let names = try store.removeImage(image.id).map(\.familiarName)
            #expect(names == ["one:latest", "two:latest"])
            #expect(try store.images() == [])
        }
    }

    @Test func `of several images, all are recorded or none`() throws {
        try withStore { store in
            let lease = try store.lease("load")
            let layer = try store.insertLayer(["a": "1"], lease: lease)
            let good = try store.newImage(on: layer, author: "good", names: ["good"])
            var bad = try store.newImage(on: layer, author: "bad", names: ["bad"])
            bad.chainID = ChainID(Digest(of: [1]))
            #expect { try store.insertImages([good, bad]) } throws: {
                ($0 as? StoreError)?.code == .notFound
            }
            #expect(try store.images() == [])
            let other = try store.newImage(on: layer, author: "other", names: ["other", "more"])
            #expect(try store.insertImages([good, other]).count == 2)
            #expect(try store.names().count == 3)
        }
    }

    @Test func `a chain of layers is read from the bottom up`() throws {
        try withStore { store in
            let lease = try store.lease("test")
            var layers: [LayerRecord] = []
            for number in 0..<130 {
                layers.append(
                    try store.insertLayer(
                        ["\(number)": "x"], parent: layers.last, lease: lease))
            }
            #expect(try store.layers(upTo: layers[129].chainID) == layers)
            #expect(try store.layers(upTo: layers[3].chainID).count == 4)
            #expect(try store.layers(upTo: nil) == [])
            #expect { try store.layers(upTo: ChainID(Digest(of: [1]))) } throws: {
                ($0 as? StoreError)?.code == .corrupt
            }
        }
    }

    @Test func `a long log is written back when an image is recorded`() throws {
        try withStore { store in
            let lease = try store.lease("test")
            let layer = try store.insertLayer(["a": "x"], lease: lease)
            try store.write("much") { database in
                try database.execute(
                    sql: "INSERT INTO directories VALUES (randomblob(32), zeroblob(6000000))")
            }
            let log = { try FileStatus(ofPath: store.layout.databaseLog).sizeBytes }
            #expect(try log() > 4 << 20)
            _ = try store.insertImages([try store.newImage(on: layer, author: "", names: ["app"])])
            #expect(try log() < 1 << 20)
        }
    }

    @Test func `closing a store leaves its log to the next one`() throws {
        try withStoreRoot { root in
            let layout = StoreLayout(root: root)
            for _ in 0..<2 {
                let store = try Store(root: root)
                try store.save(BuildRecord(id: "b", title: "", lease: store.lease("test").id))
            }
            #expect(try FileStatus(ofPath: layout.databaseLog).sizeBytes > 0)
            #expect(try Store(root: root).builds().count == 1)
        }
    }
}
