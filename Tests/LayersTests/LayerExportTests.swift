import FileTree
import ImageSpec
import Store
import Testing

@testable import Layers

/// Layers that are made here: canonical tars.
@Suite struct LayerExportTests {
    @Test("a change of nothing is Docker's empty layer")
    func empty() throws {
        try withStore { store, _ in
            let found = try LayerExport(store).canonicalDigest(from: .empty, to: .empty)
            #expect(found.tarSizeBytes == 1024)
            #expect(
                "\(found.diffID)"
                    == "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef")
        }
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var old: [TarEntry]
        var layer: [TarEntry]
        /// The members of the canonical tar, in order.
        var members: [String]
        init(_ name: String, _ old: [TarEntry], _ layer: [TarEntry], _ members: [String]) {
            testDescription = name
            self.old = old
            self.layer = layer
            self.members = members
        }
    }

    @Test(
        "a canonical tar holds what changed, whiteouts before their siblings",
        arguments: [
            Case("added", [], [.file("b"), .file("a/x")], ["a/", "a/x", "b"]),
            Case(
                "order is by name, not by path", [], [.file("a/x"), .file("a.b")],
                ["a/", "a/x", "a.b"]),
            Case(
                "deleted", [.file("d/a"), .file("d/z"), .file("b")],
                [.file("d/.wh.z"), .file("d/0"), .file(".wh.b"), .file("c")],
                [".wh.b", "c", "d/", "d/.wh.z", "d/0"]),
            Case(
                "a deleted directory is one whiteout", [.file("d/a/b"), .file("d/a/c")],
                [.file("d/.wh.a")], ["d/", "d/.wh.a"]),
            Case("a directory replaced by a file", [.file("d/a")], [.file("d")], ["d"]),
            Case("a file replaced by a directory", [.file("d")], [.file("d/x")], ["d/", "d/x"]),
            Case(
                "a changed directory is an entry of its own", [.file("d/a")],
                [.directory("d", mode: 0o700)], ["d/"]),
            Case("the root's change", [.file("a")], [.directory("./", mode: 0o700)], ["./"]),
            Case(
                "a new link brings its group", [.file("a"), .file("b")], [.hardLink("c", to: "a")],
                ["a", "c@a"]),
            Case(
                "a changed group is written whole", [.file("d/a"), .hardLink("z", to: "d/a")],
                [.file("d/a", mode: 0o600), .hardLink("z", to: "d/a", mode: 0o600)],
                ["d/", "d/a", "z@d/a"]),
            Case(
                "a group that lost a name to another file",
                [.file("a"), .hardLink("b", to: "a"), .hardLink("c", to: "a")],
                [.file("b", mode: 0o600)],
                ["b"]),
        ])
    func members(_ example: Case) throws {
        try withStore { store, lease in
            let records = try store.importLayers(
                [try LayerFixture.tar(example.old), try LayerFixture.tar(example.layer)],
                lease: lease)
            var sink = ArraySink()
            try LayerExport(store).writeCanonical(
                from: records[0].tree, to: records[1].tree, sink: &sink)
            let (recording, ending) = try TarRecording.read(sink.bytes)
            #expect(ending == .marker)
            let names = recording.entries.map {
                $0.pathText + ($0.kind == .hardLink ? "@" + $0.linkText : "")
            }
            #expect(names == example.members)
            let again = try store.importLayers(
                [try LayerFixture.tar(example.old), sink.bytes], lease: lease)
            #expect(again[1].tree.id == records[1].tree.id)
        }
    }

    @Test("what a layer cannot express is refused by name")
    func inexpressible() throws {
        try withStore { store, _ in
            let directories = PendingDirectories(base: store)
            let editor = TreeEditor(base: .empty, directories: directories)
            let file = Node(attributes: NodeAttributes(permissions: 0o644), content: .file(.empty))
            try editor.put(file, at: TreePath([try EntryName(Array(".wh.x".utf8))]))
            let whiteout = #expect(throws: LayerError.self) {
                try LayerExport(store, directories: directories)
                    .canonicalDigest(from: .empty, to: editor.finish())
            }
            #expect(whiteout?.code == .inexpressible)
        }
    }

    @Test("a socket is left out of a layer")
    func socket() throws {
        try withStore { store, _ in
            let directories = PendingDirectories(base: store)
            let editor = TreeEditor(base: .empty, directories: directories)
            try editor.put(
                Node(attributes: NodeAttributes(permissions: 0o644), content: .socket),
                at: TreePath([try EntryName(Array("s".utf8))]))
            let tree = try editor.finish()
            let found = try LayerExport(store, directories: directories)
                .canonicalDigest(from: .empty, to: tree)
            #expect(found.tarSizeBytes == 1024)
        }
    }

    @Test("what a socket replaced is whited out")
    func socketReplaces() throws {
        try withStore { store, lease in
            let entries: [TarEntry] = [.file("f"), .directory("d"), .file("d/x"), .file("k")]
            let base = try #require(
                try store.importLayers([LayerFixture.tar(entries)], lease: lease).last)
            let directories = PendingDirectories(base: store)
            let editor = TreeEditor(base: base.tree, directories: directories)
            let socket = Node(
                attributes: NodeAttributes(permissions: 0o644), content: .socket)
            for name in ["f", "d", "new"] {
                try editor.put(socket, at: TreePath([try EntryName(Array(name.utf8))]))
            }
            let changed = try editor.finish()
            var sink = ArraySink()
            try LayerExport(store, directories: directories)
                .writeCanonical(from: base.tree, to: changed, sink: &sink)
            let applied = try store.importLayers(
                [LayerFixture.tar(entries), sink.bytes], lease: lease)
            let tree = try #require(applied.last).tree
            #expect(try LayerImportTests.paths(of: tree, in: store) == ["k"])
            // A socket that was there before is in no layer.
            var again = socket
            again.attributes.userID = 1
            let second = TreeEditor(base: changed, directories: directories)
            try second.put(again, at: TreePath([try EntryName(Array("f".utf8))]))
            let found = try LayerExport(store, directories: directories)
                .canonicalDigest(from: changed, to: second.finish())
            #expect(found.tarSizeBytes == 1024)
        }
    }

    @Test("device numbers beyond seven octal digits come back")
    func largeDeviceNumbers() throws {
        try withStore { store, lease in
            let numbers: [(UInt32, UInt32)] = [
                (1 << 21 - 1, 1 << 21), (.max, .max), (0, 1 << 24),
            ]
            let entries = numbers.enumerated().map { index, number in
                TarEntry(
                    path: Array("n\(index)".utf8), kind: .blockDevice, mode: 0o600,
                    deviceMajor: number.0, deviceMinor: number.1)
            }
            let layer = try #require(
                try store.importLayers([LayerFixture.tar(entries)], lease: lease).last)
            let found = try store.directory(layer.tree.directory.id).entries.map(\.node.content)
            #expect(
                found
                    == numbers.map {
                        .blockDevice(DeviceNumber(major: $0.0, minor: $0.1))
                    })
        }
    }

    @Test("a layer whose parent is missing is not taken for one on nothing")
    func missingParent() throws {
        try withStore { store, lease in
            let parent = ChainID(Digest(of: [1]))
            let layer = LayerRecord(
                parent: parent, diffID: DiffID(Digest(of: [2])), tree: .empty, recipe: nil,
                tarSizeBytes: 1024)
            var sink = ArraySink()
            let error = #expect(throws: StoreError.self) {
                try LayerExport(store).write(layer, to: &sink)
            }
            #expect(error?.code == .corrupt)
        }
    }

    @Test("the layer of any change, applied, gives the changed tree", arguments: 0..<8)
    func property(seed: UInt64) throws {
        try withStore { store, lease in
            var random = LayerRandom(seed: seed)
            let ingest = try store.ingest(lease)
            for _ in 0..<25 {
                let directories = PendingDirectories(base: store)
                let old = try RandomTree.make(.empty, 40, ingest, directories, &random)
                let base = Bool.random(using: &random) ? old : .empty
                let new = try RandomTree.make(base, 15, ingest, directories, &random)
                var sink = ArraySink()
                try LayerExport(store, directories: directories)
                    .writeCanonical(from: old, to: new, sink: &sink)
                let applied = try LayerImport(ingest: ingest, directories: directories)
                    .read(ArraySource(sink.bytes), onto: old)
                guard applied.tree.id == new.id else {
                    let found = try TreeListing.lines(of: applied.tree, in: directories)
                    let wanted = try TreeListing.lines(of: new, in: directories)
                    #expect(found == wanted, "seed \(seed)")
                    return
                }
                // The same in another order of making: the tar depends on the trees alone.
                var again = ArraySink()
                try LayerExport(store, directories: directories)
                    .writeCanonical(from: old, to: applied.tree, sink: &again)
                #expect(again.bytes == sink.bytes)
            }
        }
    }

    @Test("two stores make the same layer of the same change")
    func reproducible() throws {
        let layers = [LayerImportTests.base, [.file("new"), .file(".wh.f"), .file("d/a")]]
        let tars = try layers.map(LayerFixture.tar)
        var found: [DiffID] = []
        for order in [tars, tars] {
            try withStore { store, lease in
                let records = try store.importLayers(order, lease: lease)
                let canonical = try LayerExport(store)
                    .canonicalDigest(from: records[0].tree, to: records[1].tree)
                found.append(canonical.diffID)
                // Stored as a layer without a recipe, it is written as promised.
                let record = LayerRecord(
                    parent: records[0].chainID, diffID: canonical.diffID, tree: records[1].tree,
                    recipe: nil, tarSizeBytes: canonical.tarSizeBytes)
                try store.insert(
                    record, directories: PendingDirectories(base: store), lease: lease)
                let tar = try store.tar(of: record)
                #expect(DiffID(Digest(of: tar)) == canonical.diffID)
                #expect(UInt64(tar.count) == canonical.tarSizeBytes)
            }
        }
        #expect(found[0] == found[1])
        #expect(
            "\(found[0])"
                == "sha256:197f9002a8306cd4e2893b9a90393f6046308f5cae45ef5275b8694343100f8e")
    }
}

/// SplitMix64: the same seed gives the same trees on every machine.
struct LayerRandom: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}

/// Trees of few names, so that everything meets everything.
enum RandomTree {
    private static let names = ["a", "a.b", "b", "c", "\u{E9}"]

    static func make(
        _ base: Tree, _ edits: Int, _ ingest: ObjectIngest, _ directories: PendingDirectories,
        _ random: inout LayerRandom
    ) throws -> Tree {
        let editor = TreeEditor(base: base, directories: directories)
        var made: [TreePath] = []
        for _ in 0..<edits {
            var path = TreePath()
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let name = names.randomElement(using: &random) ?? "a"
                path = path.appending(try EntryName(Array(name.utf8)))
            }
            let attributes = NodeAttributes(
                permissions: UInt16.random(in: 0...0o7777, using: &random),
                userID: UInt32.random(in: 0...2, using: &random),
                modificationTime: NodeTime(
                    seconds: Int64.random(in: -2...2, using: &random),
                    nanoseconds: UInt32.random(in: 0...1, using: &random)),
                extendedAttributes: Bool.random(using: &random)
                    ? .none
                    : ExtendedAttributes([.init(name: Array("user.x".utf8), value: [0, 10])]))
            switch Int.random(in: 0..<8, using: &random) {
            case 0: try editor.remove(path)
            case 1: try editor.putDirectory(attributes, at: path)
            case 2:
                try editor.put(
                    Node(attributes: attributes, content: .symbolicLink(target: [0x61])), at: path)
            case 3:
                try editor.put(
                    Node(
                        attributes: attributes,
                        content: .characterDevice(DeviceNumber(major: 1, minor: 300))), at: path)
            case 4, 5:
                guard let target = made.randomElement(using: &random),
                    let node = try editor.node(at: target), !node.isDirectory,
                    !path.names.starts(with: target.names)
                else { continue }
                try editor.link(target, at: path)
            default:
                let length = Int.random(in: 0...2, using: &random) * 700
                let content = try ingest.insert([UInt8](repeating: 0x78, count: length))
                try editor.put(Node(attributes: attributes, content: .file(content)), at: path)
            }
            made.append(path)
        }
        return try editor.finish()
    }
}
