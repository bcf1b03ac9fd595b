import FileTree
import Foundation
import ImageSpec
import Store
import Testing

@testable import Layers

/// What layers mean (OCI image-spec, layer.md), and that each comes back bit for bit.
@Suite struct LayerImportTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        /// Bottom first.
        var layers: [[TarEntry]]
        /// The paths of the tree at the end, with `/` behind directories and `=` before the first
        /// name of a link group.
        var paths: [String]

        init(_ name: String, _ layers: [[TarEntry]], _ paths: [String]) {
            testDescription = name
            self.layers = layers
            self.paths = paths
        }
    }

    static let base: [TarEntry] = [
        .directory("d"), .file("d/a"), .file("d/b"), .directory("d/sub"), .file("d/sub/x"),
        .file("f"), .hardLink("g", to: "f"), .symbolicLink("s", to: "d"),
    ]

    static let cases = [
        Case(
            "one of everything", [base],
            ["d/", "d/a", "d/b", "d/sub/", "d/sub/x", "f=f", "g=f", "s"]),
        Case(
            "a whiteout removes what lower layers brought",
            [base, [.file(".wh.f"), .file("d/.wh.sub")]], ["d/", "d/a", "d/b", "g", "s"]),
        Case(
            "a whiteout leaves what its own layer brought before it",
            [base, [.file("f"), .file(".wh.f")]],
            ["d/", "d/a", "d/b", "d/sub/", "d/sub/x", "f", "g", "s"]),
        Case(
            "a whiteout leaves what its own layer brings after it",
            [base, [.file("d/.wh.sub"), .file("d/sub/new")]],
            ["d/", "d/a", "d/b", "d/sub/", "d/sub/new", "f=f", "g=f", "s"]),
        Case(
            "a whiteout of what its layer put into a lower directory leaves that alone",
            [base, [.file("d/sub/new"), .file("d/.wh.sub")]],
            ["d/", "d/a", "d/b", "d/sub/", "d/sub/new", "f=f", "g=f", "s"]),
        Case(
            "a whiteout of what is not there does nothing",
            [base, [.file("d/.wh.no"), .file("no/.wh.x")]],
            ["d/", "d/a", "d/b", "d/sub/", "d/sub/x", "f=f", "g=f", "s"]),
        Case(
            "a whiteout that is a hard link counts as one",
            [base, [.file("w"), .hardLink("d/.wh.a", to: "w")]],
            ["d/", "d/b", "d/sub/", "d/sub/x", "f=f", "g=f", "s", "w"]),
        Case(
            "AUFS's own files are passed over",
            [[.directory(".wh..wh.plnk"), .file(".wh..wh.aufs"), .file("f")]], ["f"]),
        Case(
            "what AUFS kept under numbers is linked to, and no part of the tree",
            [
                [
                    .directory(".wh..wh.plnk"), .file(".wh..wh.plnk/12.34"),
                    .file(".wh..wh.plnk/12.35"), .hardLink("a", to: ".wh..wh.plnk/12.34"),
                    .directory("d"), .file("d/.wh..wh.orph/x"),
                    .hardLink("d/b", to: "./.wh..wh.plnk/12.34"),
                    .hardLink("c", to: ".wh..wh.plnk/12.35"),
                ]
            ], ["a=a", "c", "d/", "d/b=a"]),
        Case(
            "an opaque directory hides lower entries, first in its directory",
            [base, [.directory("d"), .file("d/.wh..wh..opq"), .file("d/new")]],
            ["d/", "d/new", "f=f", "g=f", "s"]),
        Case(
            "an opaque directory hides lower entries, last in its directory",
            [base, [.directory("d"), .file("d/new"), .file("d/sub/y"), .file("d/.wh..wh..opq")]],
            ["d/", "d/new", "d/sub/", "d/sub/y", "f=f", "g=f", "s"]),
        Case("the root can be opaque", [base, [.file("new"), .file(".wh..wh..opq")]], ["new"]),
        Case(
            "a hard link to an earlier layer makes a group with it",
            [base, [.hardLink("d/h", to: "d/a")]],
            ["d/", "d/a=d/a", "d/b", "d/h=d/a", "d/sub/", "d/sub/x", "f=f", "g=f", "s"]),
        Case(
            "a new file under one name leaves the others of the group",
            [base, [.file("f")]], ["d/", "d/a", "d/b", "d/sub/", "d/sub/x", "f", "g", "s"]),
        Case(
            "a hard link to a file that its layer replaced links the new one",
            [base, [.file("d/a"), .hardLink("h", to: "d/a")]],
            ["d/", "d/a=d/a", "d/b", "d/sub/", "d/sub/x", "f=f", "g=f", "h=d/a", "s"]),
        Case(
            "a hard link to a symbolic link links the link itself",
            [base, [.hardLink("t", to: "s")]],
            ["d/", "d/a", "d/b", "d/sub/", "d/sub/x", "f=f", "g=f", "s=s", "t=s"]),
        Case(
            "a file takes a directory's place", [base, [.file("d")]], ["d", "f=f", "g=f", "s"]),
        Case(
            "a directory takes a file's place", [base, [.directory("f"), .file("f/in")]],
            ["d/", "d/a", "d/b", "d/sub/", "d/sub/x", "f/", "f/in", "g", "s"]),
        Case(
            "an entry below a lower file or link makes it a directory",
            [base, [.file("f/in"), .file("s/in")]],
            ["d/", "d/a", "d/b", "d/sub/", "d/sub/x", "f/", "f/in", "g", "s/", "s/in"]),
        Case(
            "an entry below a symbolic link of its own layer goes where that leads",
            [[.directory("real"), .symbolicLink("l", to: "real"), .file("l/in")]],
            ["l", "real/", "real/in"]),
        Case(
            "a symbolic link of the layer leads nowhere outside the root",
            [[.symbolicLink("l", to: "../../../etc"), .file("l/in")]], ["etc/", "etc/in", "l"]),
        Case(
            "parents that no entry declares are made", [[.file("p/q/r")]], ["p/", "p/q/", "p/q/r"]),
        Case(
            "the later of two entries of one name wins",
            [
                [
                    .file("a"), .symbolicLink("a", to: "x"), .directory("b"), .file("b/in"),
                    .directory("b"),
                ]
            ],
            ["a", "b/", "b/in"]),
        Case(
            "names are cleaned below the root",
            [
                [
                    .file("./a"), .file("/b"), .file("c//d"), .file("e/./f"), .file("e/../g"),
                    .directory("./"),
                ]
            ],
            ["a", "b", "c/", "c/d", "e/", "e/f", "g"]),
    ]

    @Test("layers mean what the specification says", arguments: cases)
    func meaning(_ example: Case) throws {
        try withStore { store, lease in
            let tars = try example.layers.map(LayerFixture.tar)
            let records = try store.importLayers(tars, lease: lease)
            let tree = try #require(records.last?.tree)
            #expect(try Self.paths(of: tree, in: store) == example.paths)
            for (record, tar) in zip(records, tars) {
                #expect(record.diffID == DiffID(Digest(of: tar)))
                #expect(record.tarSizeBytes == UInt64(tar.count))
                #expect(try store.tar(of: record) == tar)
            }
            // The whole as one canonical layer means the same.
            var sink = ArraySink()
            try LayerExport(store).writeRootFileSystem(tree, to: &sink)
            let again = try store.importLayers([sink.bytes], lease: lease)
            #expect(again.last?.tree.id == tree.id)
        }
    }

    @Test("a whiteout of the longest name is longer than a name, in layers read and made here")
    func longWhiteouts() throws {
        let name = String(repeating: "n", count: 255)
        let base = try LayerFixture.tar([.file("d/\(name)"), .file(name), .file("f")])
        let whiteouts: [TarEntry] = [.file(".wh.\(name)"), .directory("./d//.wh.\(name)/")]
        try withStore { store, lease in
            let records = try store.importLayers(
                [base, try LayerFixture.tar(whiteouts)], lease: lease)
            #expect(try Self.paths(of: records[1].tree, in: store) == ["d/", "f"])
            var sink = ArraySink()
            try LayerExport(store).writeCanonical(
                from: records[0].tree, to: records[1].tree, sink: &sink)
            #expect(
                try store.importLayers([base, sink.bytes], lease: lease)[1].tree.id
                    == records[1].tree.id)
            let tooLong = try LayerFixture.tar([.file(".wh.n\(name)")])
            let error = #expect(throws: LayerError.self) {
                try store.importLayers([tooLong], lease: lease)
            }
            #expect((error?.cause as? FileTreeError)?.code == .nameTooLong)
        }
    }

    static func paths(of tree: Tree, in store: Store) throws -> [String] {
        try store.listing(of: tree).map { line in
            let words = line.split(separator: " ")
            let group = words.last?.split(separator: "@").last.map(String.init) ?? ""
            return String(words[0]) + (words[1] == "dir" ? "/" : "")
                + (words.last?.hasPrefix("links=") == true ? "=\(group)" : "")
        }
    }

    @Test("a directory over a directory gives it its attributes")
    func directoryAttributes() throws {
        try withStore { store, lease in
            var second = TarEntry.directory("d", mode: 0o1750)
            second.uid = 7
            second.gid = 2_147_483_648
            second.modified = TarTime(seconds: -5, nanoseconds: 250)
            let records = try store.importLayers(
                [try LayerFixture.tar(Self.base), try LayerFixture.tar([second])], lease: lease)
            let lines = try store.listing(of: try #require(records.last?.tree))
            #expect(lines.first == "d dir 1750 7:2147483648 -5+250ns")
            #expect(lines.count == 8)
        }
    }

    @Test("a hard link's own mode, owner and time are set on the file, as engines do")
    func linkAttributes() throws {
        func link(_ path: String, _ target: String, mode: UInt16, uid: UInt32) -> TarEntry {
            var entry = TarEntry.hardLink(path, to: target)
            entry.mode = mode
            entry.uid = uid
            return entry
        }
        var caps = TarEntry.file("d/caps")
        caps.attributes = [TarAttribute(name: Array("user.x".utf8), value: [0x79])]
        let first: [TarEntry] = [caps, .file("f"), .symbolicLink("s", to: "f")]
        let second = [
            link("d/h", "f", mode: 0o4755, uid: 3), link("d/i", "d/caps", mode: 0o600, uid: 4),
            link("d/j", "f", mode: 0o700, uid: 0), link("t", "s", mode: 0o700, uid: 5),
        ]
        try withStore { store, lease in
            let records = try store.importLayers(
                [try LayerFixture.tar(first), try LayerFixture.tar(second)], lease: lease)
            let words = try store.listing(of: try #require(records.last?.tree))
                .map { $0.split(separator: " ").map(String.init) }
            let shown = words.map { ([$0[0]] + $0[2...3] + $0[5...]).joined(separator: " ") }
            #expect(
                shown == [
                    "d 755 0:0", "d/caps 600 4:0 user.x=y links=2@d/caps",
                    "d/h 700 0:0 links=3@d/h",
                    "d/i 600 4:0 user.x=y links=2@d/caps", "d/j 700 0:0 links=3@d/h",
                    "f 700 0:0 links=3@d/h", "s 777 5:0 links=2@s", "t 777 5:0 links=2@s",
                ])
            #expect(try store.listing(of: records[0].tree).count == 4)
        }
    }

    @Test("the root's own attributes come from its entry")
    func root() throws {
        try withStore { store, lease in
            var entry = TarEntry.directory("./", mode: 0o700)
            entry.modified = TarTime(seconds: 77)
            let records = try store.importLayers([try LayerFixture.tar([entry])], lease: lease)
            let tree = try #require(records.last?.tree)
            #expect(try TreeListing.lines(of: tree, in: store, root: true) == [". dir 700 0:0 77"])
        }
    }

    struct Refused: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var entries: [TarEntry]
        var code: FileTreeError.Code?
        init(_ name: String, _ entries: [TarEntry], _ code: FileTreeError.Code?) {
            testDescription = name
            self.entries = entries
            self.code = code
        }
    }

    @Test(
        "entries that no tree can hold are refused with their path",
        arguments: [
            Refused("a name that leaves the root", [.file("../x")], .escapesRoot),
            Refused("a name that leaves the root midway", [.file("a/../../x")], .escapesRoot),
            Refused("a link to outside", [.hardLink("x", to: "../../etc/passwd")], .escapesRoot),
            Refused("a link to nothing", [.hardLink("x", to: "y")], .notFound),
            Refused(
                "a link to a directory", [.directory("d"), .hardLink("x", to: "d")], .isDirectory),
            Refused("a whiteout without a name", [.file(".wh.")], .invalidWhiteout),
            Refused("a long name", [.file(String(repeating: "n", count: 256))], .nameTooLong),
            Refused(
                "links in a circle",
                [.symbolicLink("a", to: "b"), .symbolicLink("b", to: "a"), .file("a/x")],
                .symbolicLinkLoop),
            Refused(
                "a deep path", [.file(String(repeating: "d/", count: 2050) + "x")], .tooDeep),
            Refused("an empty link", [.symbolicLink("l", to: "")], nil),
            Refused(
                "a link of 4096 bytes",
                [.symbolicLink("l", to: String(repeating: "t", count: 4096))],
                nil),
        ])
    func refused(_ example: Refused) throws {
        try withStore { store, lease in
            let tar = try LayerFixture.tar(example.entries)
            let error = #expect(throws: LayerError.self) {
                try store.importLayers([tar], lease: lease)
            }
            #expect(error?.code == .invalidEntry)
            #expect(error?.path == example.entries.last?.path)
            let cause = error?.cause as? any Error
            #expect((cause as? FileTreeError)?.code == example.code)
        }
    }

    @Test("a layer of nothing changes nothing")
    func empty() throws {
        try withStore { store, lease in
            let records = try store.importLayers([TarWriter.endMarker, []], lease: lease)
            #expect(records.map(\.tree.id) == [Tree.empty.id, Tree.empty.id])
            #expect(
                records.map { "\($0.diffID)" } == [
                    "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef",
                    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                ])
            #expect(try store.tar(of: records[1]) == [])
        }
    }

    @Test("a layer that is not what was promised is refused")
    func expectations() throws {
        try withStore { store, lease in
            let tar = try LayerFixture.tar(Self.base)
            let digest = Digest(of: tar)
            let other = Digest(of: [1])
            let ingest = try store.ingest(lease)
            for (expecting, isFine) in [
                (
                    LayerExpectation(
                        diffID: DiffID(digest), blobDigest: digest, blobSizeBytes: Int64(tar.count)),
                    true
                ),
                (LayerExpectation(diffID: DiffID(other)), false),
                (LayerExpectation(blobDigest: other), false),
                (LayerExpectation(blobSizeBytes: 3), false),
            ] {
                let reader = LayerImport(
                    ingest: ingest, directories: PendingDirectories(base: store))
                do {
                    _ = try reader.read(ArraySource(tar), onto: .empty, expecting: expecting)
                    #expect(isFine)
                } catch let error as LayerError {
                    #expect(!isFine && error.code == .digestMismatch)
                }
            }
        }
    }

    @Test("entries are applied in the layer's order, however long their contents take")
    func order() throws {
        var layer = try LayerFixture()
        let large = (0..<(3 << 20)).map { UInt8(truncatingIfNeeded: $0 / 7) }
        for index in 0..<1500 {
            try layer.add(.file("f\(index)"))
            if index % 500 == 0 {
                try layer.add(.file("large\(index)"), large + [UInt8(index / 500)])
            }
            // Replaces the one before.
            if index % 3 == 0 { try layer.add(.file("again"), Array("\(index)".utf8)) }
            if index % 7 == 0 { try layer.add(.hardLink("l\(index)", to: "again")) }
        }
        try withStore { store, lease in
            let record = try #require(try store.importLayers([layer.tar], lease: lease).last)
            #expect(try store.tar(of: record) == layer.tar)
            func file(_ name: String) throws -> FileContent? {
                let path = TreePath([try EntryName(name.utf8)])
                guard case .file(let content)? = try store.node(at: path, in: record.tree)?.content
                else { return nil }
                return content
            }
            #expect(try file("again")?.digest == Digest(of: Array("1497".utf8)))
            #expect(try file("l700")?.digest == Digest(of: Array("699".utf8)))
            #expect(try file("large1000")?.digest == Digest(of: large + [2]))
            #expect(try file("f1499")?.digest == Digest(of: Array("f1499".utf8)))
        }
    }

    @Test("what a writer cannot store is the import's error")
    func unwritable() throws {
        var layer = try LayerFixture()
        for index in 0..<200 {
            try layer.add(.file("f\(index)"), [UInt8](repeating: UInt8(index), count: 50_000))
        }
        try layer.add(.file("large"), [UInt8](repeating: 1, count: 20 << 20))
        try withStore { store, lease in
            let work = URL(fileURLWithPath: lease.newWorkPath("x")).deletingLastPathComponent()
            let error = #expect(throws: StoreError.self) {
                _ = try LayerImport(
                    ingest: try store.ingest(lease), directories: PendingDirectories(base: store)
                ).read(ArraySource(layer.tar), onto: .empty) { _ in
                    try? FileManager.default.removeItem(at: work)
                }
            }
            #expect(error?.code == .inputOutput)
        }
    }

    @Test("of two errors the one that stands first in the tar is told")
    func firstError() throws {
        var bytes = try LayerFixture([.file("a"), .file("../out")]).bytes
        bytes += [UInt8](repeating: 7, count: 512)
        try withStore { store, lease in
            let error = #expect(throws: LayerError.self) {
                try store.importLayers([bytes], lease: lease)
            }
            #expect(error?.code == .invalidEntry && error?.path == Array("../out".utf8))
        }
    }

    @Test("what a layer keeps in memory is limited")
    func metadata() throws {
        var layer = try LayerFixture()
        for index in 0..<10 { try layer.add(.file("f\(index)"), []) }
        var entry = TarEntry.file("x")
        entry.attributes = [TarAttribute(name: Array("user.a".utf8), value: [1, 2, 3, 4])]
        try layer.add(entry, [])
        try layer.add(.symbolicLink("l", to: "target"))
        // Ten names of two bytes, a name with an attribute, a link.
        let bytes = 10 * 2 + 1 + 10 + 1 + 6
        func read(_ entries: Int, _ bytes: Int) throws {
            var limits = ArchiveLimits()
            limits.layerEntries = entries
            limits.layerMetadataBytes = bytes
            try withStore { store, lease in
                _ = try LayerImport(
                    ingest: try store.ingest(lease), directories: PendingDirectories(base: store),
                    limits: limits
                ).read(ArraySource(layer.tar), onto: .empty)
            }
        }
        try read(12, bytes)
        for (entries, bytes) in [(11, bytes), (12, bytes - 1)] {
            let error = #expect(throws: LayerError.self) { try read(entries, bytes) }
            #expect(error?.code == .tooLarge)
        }
    }

    @Test("an entry below a whiteout's name is refused")
    func belowWhiteout() throws {
        try withStore { store, lease in
            for entries: [TarEntry] in [
                [.file("d/.wh.a/f")], [.symbolicLink("l", to: ".wh.a"), .file("l/f")],
            ] {
                let error = #expect(throws: LayerError.self) {
                    try store.importLayers([LayerFixture.tar(entries)], lease: lease)
                }
                #expect(error?.code == .invalidEntry)
            }
        }
    }

    @Test("a link of a layer cannot make a tree deeper than a path may be")
    func depth() throws {
        let half = Array(repeating: "d", count: 1500).joined(separator: "/")
        try withStore { store, lease in
            let error = #expect(throws: LayerError.self) {
                try store.importLayers(
                    [
                        LayerFixture.tar([
                            .directory(half), .symbolicLink("l", to: half), .file("l/\(half)/f"),
                        ])
                    ], lease: lease)
            }
            #expect((error?.cause as? FileTreeError)?.code == .tooDeep)
        }
    }

    @Test("streams that grow beyond the limits are refused")
    func bombs() throws {
        try withStore { store, lease in
            var limits = ArchiveLimits()
            limits.ratioGraceBytes = 1 << 20
            limits.uncompressedBytes = 64 << 20
            limits.holeBytes = 1 << 30
            func read(_ bytes: [UInt8]) throws {
                let ingest = try store.ingest(lease)
                _ = try LayerImport(
                    ingest: ingest, directories: PendingDirectories(base: store), limits: limits
                ).read(ArraySource(bytes), onto: .empty)
            }
            var zeros = try LayerFixture()
            try zeros.add(.file("zeros"), [UInt8](repeating: 0, count: 8 << 20))
            try read(zeros.tar)
            let holder = ArraySink()
            var writer = try CompressingWriter(
                holder, settings: CompressionSettings(.gzip, level: 9))
            try writer.write(zeros.tar.span)
            _ = try writer.finish()
            #expect(throws: LayerError.self) { try read(holder.bytes) }
            limits.ratio = 2000
            try read(holder.bytes)
            limits.uncompressedBytes = 4 << 20
            #expect(throws: LayerError.self) { try read(holder.bytes) }

            // A sparse file of a tebibyte that has no data.
            var records = TarFixture.record("GNU.sparse.major", "1")
            records += TarFixture.record("GNU.sparse.minor", "0")
            records += TarFixture.record("GNU.sparse.name", "huge")
            records += TarFixture.record("GNU.sparse.realsize", "1099511627776")
            var sparse = TarFixture()
            sparse.add("x", type: "x", body: records)
            var map = Array("0\n".utf8)
            map += [UInt8](repeating: 0, count: 512 - map.count)
            sparse.add("huge", body: map)
            sparse.addEnd()
            let error = #expect(throws: LayerError.self) { try read(sparse.bytes) }
            #expect(error?.code == .tooLarge && error?.path == Array("huge".utf8))
        }
    }
}
