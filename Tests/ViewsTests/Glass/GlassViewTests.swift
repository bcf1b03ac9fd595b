import FileTree
import ImageSpec
import LinuxIO
import Store
import Testing
import VirtualFS

@testable import Views

/// Read-only views and the gallery, called as the driver does.
@Suite struct GlassViewTests {
    /// A store with one image for each set of files.
    private func withImages(
        _ images: [String: [String: String]], _ body: (Store) throws -> Void
    ) throws {
        let root = try TemporaryPath.make("vitrine-glass")
        defer { try? HostDirectory.removeAll(root) }
        let store = try Store(root: root + "/store")
        let lease = try store.lease("test")
        for (name, files) in images.sorted(by: { $0.key < $1.key }) {
            let ingest = try store.ingest(lease)
            let directories = PendingDirectories(base: store)
            let editor = TreeEditor(base: .empty, directories: directories)
            for (path, text) in files {
                let content = try ingest.insert(Array(text.utf8))
                try editor.put(
                    Node(attributes: NodeAttributes(permissions: 0o644), content: .file(content)),
                    at: try TreePath(cleaning: Array(path.utf8)))
            }
            let tree = try editor.finish()
            let layer = LayerRecord(
                parent: nil, diffID: DiffID(tree.id.digest), tree: tree, recipe: nil,
                tarSizeBytes: 1024)
            try store.insert(layer, directories: directories, lease: lease)
            var config = ImageConfig(platform: .host)
            config.diffIDs = [layer.diffID]
            config.author = name
            _ = try store.insertImage(
                config: config.encoded, manifest: Array("{\"of\":\"\(config.imageID)\"}".utf8),
                chainID: layer.chainID, layerCount: 1, createdAt: 0,
                names: [try Reference(parsing: name)])
        }
        lease.end()
        try body(store)
    }

    private func gallery(_ store: Store) throws -> GlassView {
        let context = GalleryContext(store: store) { try $0.settings.document() }
        return try GlassView(
            .directory(GalleryRoot(context)), store: store, source: context.changes)
    }

    private func find(_ path: String, in view: GlassView) throws -> Entry {
        var entry: Entry?
        for name in path.split(separator: "/") {
            let parent = entry?.attributes.inode ?? .root
            guard case .found(let next) = try view.lookup(Array(name.utf8), in: parent) else {
                throw FileSystemError.notFound
            }
            entry = next
        }
        return try #require(entry)
    }

    /// The names of a directory, read a few at a time.
    private func names(
        _ inode: InodeNumber, in view: GlassView, capacity: Int = 4096,
        between: (Int) throws -> Void = { _ in }
    ) throws -> [String] {
        var (result, offset, round): ([String], UInt64, Int) = ([], 0, 0)
        while true {
            var listing = DirectoryListing(
                capacityBytes: capacity, overheadBytes: 24, wantsAttributes: false)
            try view.readDirectory(inode, handle: nil, offset: offset, into: &listing)
            guard let last = listing.items.last else { return result }
            result += listing.items.map { String(decoding: $0.name, as: UTF8.self) }
            offset = last.nextOffset
            round += 1
            try between(round)
        }
    }

    @Test func `one file at one place has one number in every image, two files never`() throws {
        let shared = ["a/same": "x", "a/twin": "x", "b": "1"]
        try withImages(["one:1": shared, "two:1": shared.merging(["b": "2"]) { $1 }]) { store in
            let view = try gallery(store)
            func number(_ path: String) throws -> UInt64 {
                try find("images/" + path, in: view).attributes.serialNumber
            }
            #expect(try number("one:1/rootfs/a/same") == number("two:1/rootfs/a/same"))
            #expect(try number("one:1/rootfs/a/same") != number("one:1/rootfs/a/twin"))
            #expect(try number("one:1/rootfs/b") != number("two:1/rootfs/b"))
            // Equal directories are one to programs, and two to the kernel.
            let directories = try ["one:1", "two:1"].map {
                try find("images/\($0)/rootfs/a", in: view).attributes
            }
            #expect(Set(directories.map(\.serialNumber)).count == 1)
            #expect(Set(directories.map(\.inode)).count == 2)
            // The same after every mount, by any process.
            let again = try gallery(Store(root: store.layout.root))
            #expect(
                try find("images/one:1/rootfs/b", in: again).attributes.serialNumber
                    == number("one:1/rootfs/b"))
        }
    }

    @Test func `numbers of another store say nothing about this one's`() throws {
        var numbers: Set<UInt64> = []
        for _ in 0..<2 {
            try withImages(["a:1": ["f": "x"]]) { store in
                let view = try gallery(store)
                let entry = try find("images/a:1/rootfs/f", in: view)
                numbers.insert(entry.attributes.serialNumber)
            }
        }
        #expect(numbers.count == 2)
    }

    @Test func `names that come and go while a directory is read neither hide nor repeat others`()
        throws
    {
        let names = (0..<40).map { "image\($0):1" }
        try withImages(Dictionary(uniqueKeysWithValues: names.map { ($0, ["f": $0]) })) { store in
            let view = try gallery(store)
            let images = try find("images", in: view).attributes.inode
            var removed: Set<String> = []
            let seen = try self.names(images, in: view, capacity: 256) { round in
                let name = "image\(round):1"
                let reference = try Reference(parsing: name)
                guard let image = try store.image(named: reference) else { return }
                _ = try store.removeImage(image.id)
                removed.insert(name)
            }
            #expect(Set(seen).count == seen.count)
            #expect(Set(names).subtracting(removed).isSubset(of: seen))
            #expect(!removed.isEmpty)
        }
    }

    @Test func `a removed image is gone, not broken`() throws {
        try withImages(["a:1": ["d/f": "x"]]) { store in
            let view = try gallery(store)
            let directory = try find("images/a:1/rootfs/d", in: view).attributes.inode
            let file = try find("images/a:1/rootfs/d/f", in: view).attributes.inode
            let image = try #require(try store.image(named: Reference(parsing: "a:1")))
            _ = try store.removeImage(image.id)
            _ = try Collector(store).run()
            #expect(throws: FileSystemError.notFound) { try find("images/a:1", in: view) }
            #expect(throws: FileSystemError.stale) {
                try view.read(file, handle: nil, offset: 0, size: 1) { _ in }
            }
            // A process that read the directory before the collection has it in memory; another has not.
            let other = try gallery(Store(root: store.layout.root))
            #expect(throws: FileSystemError.notFound) { try find("images/a:1/rootfs", in: other) }
            #expect(try names(directory, in: view).sorted() == [".", "..", "f"])
        }
    }

    @Test func `what was removed is gone in all that is made up, and nothing is logged as broken`()
        throws
    {
        try withImages(["a:1": ["d/f": "x"]]) { store in
            let view = try gallery(store)
            let places = ["images/a:1", "images/a:1/layers", "images/a:1/steps"]
            let held = try places.map { try find($0, in: view).attributes.inode }
            let image = try #require(try store.image(named: Reference(parsing: "a:1")))
            _ = try store.removeImage(image.id)
            _ = try Collector(store).run()
            for inode in held {
                #expect(throws: FileSystemError.stale) { try names(inode, in: view) }
            }
            for name in ["rootfs", "history", "config.json", "manifest.json"] {
                #expect(throws: FileSystemError.stale) {
                    try view.lookup(Array(name.utf8), in: held[0])
                }
            }
        }
    }

    @Test func `a build's status is that of now, also when its process was killed`() throws {
        try withImages([:]) { store in
            let view = try gallery(store)
            func status(_ id: String) throws -> String {
                let inode = try find("builds/\(id)/status", in: view).attributes.inode
                var text: [UInt8] = []
                try view.read(inode, handle: nil, offset: 0, size: 4096) { source in
                    if case .bytes(let bytes) = source { text = Array(bytes) }
                }
                return String(decoding: text, as: UTF8.self)
            }
            let (lease, other) = (try store.lease("build"), try store.lease("build"))
            var build = BuildRecord(id: "b", title: "t", lease: lease.id, startedAt: 1)
            try store.save(build)
            try store.save(BuildRecord(id: "c", title: "t", lease: other.id, startedAt: 1))
            let directory = try find("builds/b", in: view).attributes.inode
            #expect(try status("b") == "t\nrunning\n")
            #expect(try status("c") == "t\nrunning\n")
            (build.status, build.endedAt) = (.done, 2)
            try store.save(build)
            #expect(try status("b") == "t\ndone\n")
            // Who was inside sees it, too.
            #expect(try find("builds/b", in: view).attributes.inode == directory)
            other.end()
            #expect(try status("c") == "t\ninterrupted\n")
            try store.forgetEndedBuilds()
            #expect(throws: FileSystemError.stale) { try names(directory, in: view) }
            lease.end()
        }
    }

    @Test func `a moved name leads to its new image at once, whoever moved it`() throws {
        try withImages(["a:1": ["f": "1"], "b:1": ["f": "2"]]) { store in
            let view = try gallery(store)
            let other = try Store(root: store.layout.root)
            func number(_ path: String) throws -> UInt64 {
                try find(path, in: view).attributes.serialNumber
            }
            let (first, second) = try (number("images/a:1/rootfs/f"), number("images/b:1/rootfs/f"))
            #expect(first != second)
            let name = try Reference(parsing: "a:1")
            let images = try [name, Reference(parsing: "b:1")].map {
                try #require(try store.image(named: $0)).id
            }
            for (id, wanted) in [(images[1], second), (images[0], first), (images[1], second)] {
                try other.setName(name, to: id)
                #expect(try number("images/a:1/rootfs/f") == wanted)
                #expect(try number("images/a:1/rootfs/f") == wanted)
            }
            #expect(throws: FileSystemError.notFound) { try find("images/c:1", in: view) }
            try other.setName(Reference(parsing: "c:1"), to: images[0])
            #expect(try number("images/c:1/rootfs/f") == first)
            _ = try other.removeName(Reference(parsing: "c:1"))
            #expect(throws: FileSystemError.notFound) { try find("images/c:1", in: view) }
        }
    }

    @Test func `an image may be called like a registry`() throws {
        try withImages([
            "localhost:5000": ["f": "image"], "localhost:5000/app:1": ["f": "app"],
        ]) { store in
            let view = try gallery(store)
            let images = try find("images", in: view).attributes.inode
            #expect(try names(images, in: view).sorted() == [".", "..", "localhost:5000"])
            for path in ["rootfs/f", "app:1/rootfs/f"] {
                #expect(try find("images/localhost:5000/" + path, in: view).attributes.mode != 0)
            }
        }
    }

    @Test func `lookups agree with listings`() throws {
        try withImages(["a:1": ["d/f": "x"], "ghcr.io/o/b:2": ["g": "y"]]) { store in
            let view = try gallery(store)
            func check(_ inode: InodeNumber, depth: Int) throws {
                for name in try names(inode, in: view) where name != "." && name != ".." {
                    guard case .found(let entry) = try view.lookup(Array(name.utf8), in: inode)
                    else {
                        Issue.record("\(name) is listed and not found")
                        continue
                    }
                    if entry.attributes.type == .directory && depth < 8 {
                        try check(entry.attributes.inode, depth: depth + 1)
                    }
                }
                #expect(try view.lookup(Array("no such name".utf8), in: inode).isAbsent)
            }
            try check(.root, depth: 0)
        }
    }

    @Test func `what the kernel forgets takes no memory`() throws {
        try withImages(["a:1": ["d/f": "x"]]) { store in
            let view = try gallery(store)
            var known: [(inode: InodeNumber, count: UInt64)] = []
            for path in ["images", "images/a:1", "images/a:1/rootfs", "images/a:1/rootfs/d/f"] {
                // Looking a path up counts each directory on the way.
                for depth in 1...path.split(separator: "/").count {
                    let part = path.split(separator: "/").prefix(depth).joined(separator: "/")
                    known.append((try find(part, in: view).attributes.inode, 1))
                    known += try (1..<depth).map { depth in
                        let above = path.split(separator: "/").prefix(depth).joined(separator: "/")
                        return (try find(above, in: view).attributes.inode, UInt64(depth + 1))
                    }
                }
            }
            view.forget(known.map { ($0.inode, 1_000) })
            #expect(known.allSatisfy { view.table.find($0.inode) == nil })
        }
    }
}

extension LookupResult {
    fileprivate var isAbsent: Bool {
        if case .absent = self { return true }
        return false
    }
}
