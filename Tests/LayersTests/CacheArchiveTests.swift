import FileTree
import Foundation
import ImageSpec
import LinuxIO
import Store
import Testing

@testable import Layers

@Suite("Exported caches")
struct CacheArchiveTests {
    /// A store with an entry that adds a file to a base of one layer, and its export.
    private func withExport(_ body: (Store, CacheRecord, URL) throws -> Void) throws {
        try withFastDirectory { directory in
            let store = try Store(root: directory.appendingPathComponent("one").path)
            let lease = try store.lease("test")
            defer { lease.end() }
            let base = try Self.base(store, lease)
            let directories = PendingDirectories(base: store)
            let editor = TreeEditor(base: base, directories: directories)
            let content = try store.ingest(lease).insert(Array("new".utf8))
            try editor.put(
                Node(attributes: NodeAttributes(permissions: 0o640), content: .file(content)),
                at: try TreePath(cleaning: Array("new".utf8)))
            let inputs = "RUN v1\nparent \(base.id)\nargument x\n"
            let entry = CacheRecord(
                key: CacheKey(Digest(of: Array(inputs.utf8))), instruction: "RUN x",
                inputs: inputs, parentTree: base, tree: try editor.finish(), layer: nil,
                layerTarSizeBytes: 0, createdAt: 1_777_000_000_000_000_007)
            try store.insertImported(entry, directories: directories, lease: lease)
            let place = directory.appendingPathComponent("cache")
            try CacheExport(store).write([entry], to: place.path)
            try body(store, entry, place)
        }
    }

    private static func base(_ store: Store, _ lease: Lease) throws -> Tree {
        let directories = PendingDirectories(base: store)
        let editor = TreeEditor(base: .empty, directories: directories)
        let content = try store.ingest(lease).insert(Array("base".utf8))
        try editor.put(
            Node(attributes: NodeAttributes(permissions: 0o644), content: .file(content)),
            at: try TreePath(cleaning: Array("base".utf8)))
        let tree = try editor.finish()
        let layer = LayerRecord(
            parent: nil, diffID: DiffID(tree.id.digest), tree: tree, recipe: nil,
            tarSizeBytes: 1024)
        try store.insert(layer, directories: directories, lease: lease)
        return tree
    }

    private func read(_ place: URL, hasBase: Bool = true) throws -> (CacheImport.Report, Store) {
        let root = place.deletingLastPathComponent().appendingPathComponent(
            "two-\(UInt64.random(in: .min ... .max))")
        let store = try Store(root: root.path)
        let lease = try store.lease("test")
        defer { lease.end() }
        if hasBase { _ = try Self.base(store, lease) }
        return (try CacheImport(store, lease: lease).read(place.path), store)
    }

    /// Writes another config, with the manifest and index that it needs.
    private func replaceConfig(_ place: URL, _ change: (inout String) -> Void) throws {
        let manifest = try CacheImport.manifest(in: place.path)
        let blobs = place.appendingPathComponent("blobs/sha256")
        var text = try String(
            contentsOf: blobs.appendingPathComponent(manifest.config.digest.hex), encoding: .utf8)
        change(&text)
        func put(_ bytes: [UInt8], _ type: MediaType) throws -> Descriptor {
            let digest = Digest(of: bytes)
            try Data(bytes).write(to: blobs.appendingPathComponent(digest.hex))
            return Descriptor(mediaType: type, digest: digest, sizeBytes: Int64(bytes.count))
        }
        var changed = manifest
        changed.config = try put(Array(text.utf8), CacheDocument.mediaType)
        let index = ImageIndex(manifests: [try put(changed.encoded, .ociManifest)])
        try Data(index.encoded).write(to: place.appendingPathComponent("index.json"))
    }

    @Test func `an entry arrives as it was`() throws {
        try withExport { _, entry, place in
            let (report, store) = try read(place)
            #expect(report == CacheImport.Report(imported: 1))
            var found = try #require(try store.cacheEntry(entry.key))
            #expect(found.layer != nil)
            found.layer = nil
            found.layerTarSizeBytes = 0
            found.lastUsedAt = entry.lastUsedAt
            #expect(found == entry)
            #expect(try Verifier(store).run().problems == [])
        }
    }

    @Test func `without the base image an entry is passed over`() throws {
        try withExport { _, _, place in
            let (report, _) = try read(place, hasBase: false)
            #expect(report == CacheImport.Report(unfounded: 1))
        }
    }

    @Test func `what the store has is not read again`() throws {
        try withExport { store, _, place in
            let lease = try store.lease("test")
            defer { lease.end() }
            let report = try CacheImport(store, lease: lease).read(place.path)
            #expect(report == CacheImport.Report(present: 1))
        }
    }

    @Test func `a second export replaces the first and leaves nothing of it`() throws {
        try withExport { store, entry, place in
            try CacheExport(store).write([entry], to: place.path)
            try CacheExport(store).write([], to: place.path)
            let blobs = try FileManager.default.contentsOfDirectory(
                atPath: place.path + "/blobs/sha256")
            #expect(blobs.count == 2)
            #expect(try read(place).0 == CacheImport.Report())
        }
    }

    @Test(arguments: [
        ("argument x", "argument y"), ("\"version\":1", "\"version\":2"),
        ("\"layer\":0", "\"layer\":1"), ("\"layer\":0", "\"layer\":-1"),
        ("\"instruction\"", "\"other\""), ("{", "["),
    ])
    func `a config that says something else is refused`(_ old: String, _ new: String) throws {
        try withExport { _, _, place in
            try replaceConfig(place) { text in
                if let range = text.range(of: old) { text.replaceSubrange(range, with: new) }
            }
            do {
                _ = try read(place)
                Issue.record("it was taken")
            } catch {
                #expect((error as? LayerError)?.code == .invalidArchive, "\(error)")
            }
        }
    }

    @Test func `a layer that gives another tree is left out`() throws {
        try withExport { _, entry, place in
            try replaceConfig(place) { text in
                text = text.replacingOccurrences(
                    of: "\"tree\":\"\(entry.tree.id)\"",
                    with: "\"tree\":\"\(Digest(of: [1]))\"")
            }
            let (report, store) = try read(place)
            #expect(report.failures.count == 1)
            #expect(try store.cacheEntries() == [])
        }
    }

    @Test func `a layer of another content is left out`() throws {
        try withExport { _, _, place in
            let layer = try #require(try CacheImport.manifest(in: place.path).layers.first)
            let url = place.appendingPathComponent("blobs/sha256/\(layer.digest.hex)")
            var data = try Data(contentsOf: url)
            data[600] ^= 1
            try data.write(to: url)
            #expect(try read(place).0.failures.count == 1)
            try FileManager.default.removeItem(at: url)
            #expect(try read(place).0.failures.count == 1)
            try FileManager.default.createSymbolicLink(
                atPath: url.path, withDestinationPath: "/dev/zero")
            #expect(try read(place).0.failures.count == 1)
        }
    }

    @Test func `a directory that is no exported cache is told and not written to`() throws {
        try withExport { store, entry, place in
            let other = place.deletingLastPathComponent().appendingPathComponent("other")
            try FileManager.default.createDirectory(
                at: other, withIntermediateDirectories: true)
            do {
                _ = try read(other)
                Issue.record("it was taken")
            } catch {
                #expect((error as? LayerError)?.code == .notFound)
            }
            try Data("x".utf8).write(to: other.appendingPathComponent("file"))
            #expect(throws: LayerError.self) {
                try CacheExport(store).write([entry], to: other.path)
            }
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: other.path) == ["file"])
        }
    }
}
