import FileTree
import Foundation
import ImageSpec
import LinuxIO
import Store
import Testing

@testable import Layers

/// Layers of other archivers, kept as recipes and put together again.
@Suite struct RecipeTests {
    /// One of everything that needs no privilege; sizes around the blocks' borders.
    static let script = """
        mkdir -p tree/sub "tree/$(printf 'l%.0s' $(seq 120))/deep"
        for size in 0 1 511 512 513 10240 1048576 1048577; do
          head -c $size /dev/zero | tr '\\0' "x" > tree/size$size
        done
        printf hello > tree/hello; ln tree/hello tree/sub/hard; ln -s hello tree/link
        ln -s "$(printf 't%.0s' $(seq 200))" tree/longlink; mkfifo tree/fifo
        printf raw > "$(printf 'tree/\\377\\n')"
        truncate -s 3M tree/sparse; printf mid | dd of=tree/sparse bs=1 seek=1500000 conv=notrunc
        touch -d @1700000000.123456789 tree/hello; touch -d @-1.5 tree/size0
        chmod 6755 tree/hello; chmod 1777 tree/sub
        """

    static let archives: [(name: String, command: String)] = [
        ("gnu", "tar -cf out.tar --format=gnu tree"),
        ("gnu sparse", "tar -cSf out.tar --format=gnu tree"),
        ("pax", "tar -cf out.tar --format=pax tree"),
        ("pax sparse 0.0", "tar -cSf out.tar --format=pax --sparse-version=0.0 tree"),
        ("pax sparse 0.1", "tar -cSf out.tar --format=pax --sparse-version=0.1 tree"),
        ("pax sparse 1.0", "tar -cSf out.tar --format=pax --sparse-version=1.0 tree"),
        ("dot names", "tar -C tree -cf out.tar ."),
        ("blocking factor", "tar -cf out.tar -b 1000 tree"),
        ("appended", "tar -cf out.tar tree/hello; tar -rf out.tar tree/hello tree/sub"),
        ("global header", "tar -cf out.tar --format=pax --pax-option='comment=x' tree"),
    ]

    @Test("a layer is rebuilt bit for bit", arguments: archives.map(\.name))
    func rebuilt(name: String) throws {
        let command = try #require(Self.archives.first { $0.name == name }?.command)
        try TarTool.withDirectory { directory in
            try TarTool.shell(Self.script + "\n" + command, in: directory)
            let tar = [UInt8](try Data(contentsOf: directory.appendingPathComponent("out.tar")))
            try withStore { store, lease in
                let record = try #require(try store.importLayers([tar], lease: lease).first)
                #expect(record.diffID == DiffID(Digest(of: tar)))
                #expect(try store.tar(of: record) == tar)
                // Only what no object holds is in the recipe.
                #expect(try #require(record.recipe).sizeBytes < 40_000)
                #expect(try Verifier(store).run().problems == [])
                try Self.roundTrip(record.tree, store, lease)
            }
        }
    }

    /// Layers in which a body is no file's content in the end.
    static let hiding: [[(TarEntry, String)]] = [
        [(.file("a"), "one"), (.file("a"), "two")],
        [(.file("a"), "one"), (.symbolicLink("a", to: "b"), "")],
        [(.file("a"), "one"), (.directory("a"), ""), (.file("a/b"), "two")],
        [(.directory("a"), ""), (.file("a/b"), "one"), (.file("a"), "two")],
        [(.file(".wh.x"), "a whiteout with a body"), (.file("y"), "two")],
    ]

    @Test("what a later entry hides stays for the layer's tar", arguments: hiding.indices)
    func hiddenContents(index: Int) throws {
        var fixture = try LayerFixture()
        for (entry, body) in Self.hiding[index] { try fixture.add(entry, Array(body.utf8)) }
        try withFastDirectory { directory in
            let url = directory.appendingPathComponent("rootfs.tar")
            try Data(fixture.tar).write(to: url)
            try withStore { store, lease in
                let own = try store.lease("import")
                let image = try ArchiveImportTests.run(.path(url.path), store, own)
                own.end()
                lease.end()
                _ = try Collector(store).run()
                #expect(try Verifier(store).run().problems == [])
                let layer = try #require(try store.layers(upTo: image.record.chainID).last)
                #expect(try store.tar(of: layer) == fixture.tar)
                // And goes with it.
                _ = try store.removeImage(image.id)
                _ = try Collector(store).run()
                #expect(try Verifier(store).run().objects == 0)
            }
        }
    }

    /// The canonical tar of a tree means the tree, here and in another store.
    private static func roundTrip(_ tree: Tree, _ store: Store, _ lease: Lease) throws {
        var sink = ArraySink()
        try LayerExport(store).writeRootFileSystem(tree, to: &sink)
        let here = try store.importLayers([sink.bytes], lease: lease)
        #expect(here.first?.tree.id == tree.id)
        try withStore { other, lease in
            let there = try other.importLayers([sink.bytes], lease: lease)
            let found = try #require(there.first)
            #expect(found.tree.id == tree.id)
            let canonical = try LayerExport(other).canonicalDigest(from: .empty, to: found.tree)
            #expect(canonical.diffID == DiffID(Digest(of: sink.bytes)))
        }
    }

    @Test(
        "Python's archives with devices, attributes and odd times are rebuilt",
        arguments: ["GNU_FORMAT", "PAX_FORMAT"])
    func python(format: String) throws {
        let script = """
            import tarfile, io
            out = tarfile.open("out.tar", "w", format=tarfile.\(format))
            def add(name, type=tarfile.REGTYPE, body=b"", **more):
                info = tarfile.TarInfo(name); info.type = type; info.size = len(body)
                for key, value in more.items(): setattr(info, key, value)
                out.addfile(info, io.BytesIO(body))
            pax = tarfile.\(format) == tarfile.PAX_FORMAT
            add("dev/null", tarfile.CHRTYPE, devmajor=1, devminor=3, mode=0o666)
            add("dev/sda", tarfile.BLKTYPE, devmajor=8, devminor=0, gid=6)
            add("old", body=b"old", mtime=-86400.25 if pax else -86400)
            add("ids", uid=2**31, gid=2**32-2, mode=0o7777)
            add("caps", body=b"caps", pax_headers={
                "SCHILY.xattr.security.capability": "\\1\\0\\0\\2\\0\\x20\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0",
                "SCHILY.xattr.user.%3Dodd": "1", "LIBARCHIVE.xattr.user.b64": "AAEC",
                "SCHILY.acl.access": "user::rw-,user:7:r--,group::r--,mask::r--,other::---"})
            out.close()
            """
        try TarTool.withDirectory { directory in
            try TarTool.run("python3", ["-c", script], in: directory)
            let tar = [UInt8](try Data(contentsOf: directory.appendingPathComponent("out.tar")))
            try withStore { store, lease in
                let record = try #require(try store.importLayers([tar], lease: lease).first)
                #expect(try store.tar(of: record) == tar)
                let lines = try store.listing(of: record.tree)
                #expect(lines.contains("dev/null char(1,3) 666 0:0 0"))
                #expect(lines.contains("dev/sda block(8,0) 644 0:6 0"))
                #expect(
                    lines.contains {
                        $0.hasPrefix("ids ") && $0.hasSuffix(" 7777 2147483648:4294967294 0")
                    })
                let time = format == "PAX_FORMAT" ? "-86401+750000000ns" : "-86400"
                #expect(lines.contains { $0.hasPrefix("old ") && $0.hasSuffix(" " + time) })
                if format == "PAX_FORMAT" {
                    let caps = try #require(lines.first { $0.hasPrefix("caps ") })
                    #expect(caps.contains(" security.capability=\\1\\0\\0\\2\\0\\20"))
                    #expect(caps.contains(" user.=odd=1"))
                    #expect(caps.contains(" user.b64=\\0\\1\\2"))
                    #expect(caps.contains(" system.posix_acl_access=\\2\\0\\0\\0\\1\\0"))
                }
                try Self.roundTrip(record.tree, store, lease)
            }
        }
    }

    @Test("a damaged recipe or a missing file is an error that says so")
    func damaged() throws {
        try withStore { store, lease in
            var layer = try LayerFixture()
            try layer.add(.file("large"), [UInt8](repeating: 7, count: 5000))
            let record = try #require(try store.importLayers([layer.tar], lease: lease).first)
            let recipe = try #require(record.recipe)
            let ingest = try store.ingest(lease)

            func pack(_ bytes: [UInt8]) throws -> FileContent {
                let sink = ArraySink()
                var writer = try CompressingWriter(sink, settings: CompressionSettings(.zstd))
                try writer.write(bytes.span)
                _ = try writer.finish()
                return try ingest.insert(sink.bytes)
            }
            let magic = Array("VRECIPE1".utf8)
            let cases: [[UInt8]] = [
                [], Array("NORECIPE".utf8), magic + [3], magic + [1, 200], magic + [1, 5, 1],
                magic + [2, 1, 2], magic + [2] + recipe.digest.bytes,
                magic + [1] + [UInt8](repeating: 0xFF, count: 12),
                magic + [2] + Digest(of: [7]).bytes + [0, 1],
            ]
            for bytes in cases {
                var broken = record
                broken.recipe = try pack(bytes)
                #expect(throws: (any Error).self) { try store.tar(of: broken) }
            }
            var wrong = record
            wrong.recipe = try pack(magic + [1, 1, 0])
            let error = #expect(throws: LayerError.self) { try store.tar(of: wrong) }
            #expect(error?.code == .digestMismatch)
            let body = Digest(of: [UInt8](repeating: 7, count: 5000))
            try HostDirectory.unlink(store.layout.object(body))
            #expect(throws: (any Error).self) { try store.tar(of: record) }
        }
    }
}
