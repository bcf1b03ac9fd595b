import FileTree
import Foundation
import ImageSpec
import Store
import Testing

@testable import Layers

/// Root file systems made images.
@Suite struct ArchiveImportTests {
    static func run(
        _ input: ArchiveInput, _ store: Store, _ lease: Lease,
        configure: (inout ImageConfig) throws -> Void = { _ in }
    ) throws -> LoadedImage {
        let created = try #require(Timestamp("2024-05-06T07:08:09Z"))
        return try RootFileSystemImport(
            store, lease: lease,
            options: ImportOptions(
                created: created, message: "a root", names: [try Reference(parsing: "imported")])
        ).run(input, configure: configure)
    }

    @Test("a tar becomes an image of one layer", arguments: Compression.allCases)
    func tar(compression: Compression) throws {
        guard [.none, .gzip, .zstd].contains(compression) else { return }
        let tar = try LayerFixture.tar(LayerImportTests.base)
        try withFastDirectory { directory in
            let url = directory.appendingPathComponent("rootfs")
            try Data(try ArchiveFixture.compressed(tar, compression)).write(to: url)
            try withStore { store, lease in
                let image = try Self.run(.path(url.path), store, lease) {
                    $0.config.command = ["/bin/sh"]
                }
                let config = try store.config(of: image.id).config
                #expect(config.diffIDs == [DiffID(Digest(of: tar))])
                #expect(config.config.command == ["/bin/sh"])
                #expect(config.created?.description == "2024-05-06T07:08:09Z")
                #expect(config.history.map(\.comment) == ["a root"])
                #expect(config.platform == .host)
                let named = try store.image(named: try Reference(parsing: "imported:latest"))
                #expect(named?.id == image.id)
                #expect(try Verifier(store).run().problems == [])
            }
        }
    }

    @Test("an import that fails changes nothing")
    func failures() throws {
        let tar = try LayerFixture.tar(LayerImportTests.base)
        try withStore { store, lease in
            let before = try StoreState(store)
            for bytes in [
                [], Array("no archive".utf8), Array(tar.dropLast(1024)), Array(tar.dropLast(1030)),
                Array(try ArchiveFixture.compressed(tar, .gzip).dropLast(9)),
            ] {
                try withFastDirectory { directory in
                    let url = directory.appendingPathComponent("rootfs")
                    try Data(bytes).write(to: url)
                    let error = #expect(throws: LayerError.self) {
                        try Self.run(.path(url.path), store, lease)
                    }
                    #expect(error?.code == .invalidArchive)
                    #expect(error?.path == Array(url.path.utf8))
                }
            }
            let missing = #expect(throws: LayerError.self) {
                try Self.run(.path("/no/such/file"), store, lease)
            }
            #expect(missing?.code == .inputOutput)
            #expect(throws: CocoaError.self) {
                try withFastDirectory { directory in
                    let url = directory.appendingPathComponent("rootfs")
                    try Data(tar).write(to: url)
                    _ = try Self.run(.path(url.path), store, lease) { _ in
                        throw CocoaError(.featureUnsupported)
                    }
                }
            }
            #expect(try StoreState(store) == before)
        }
    }

    @Test("a directory is read with all that a layer carries")
    func directory() throws {
        try TarTool.withDirectory { directory in
            try TarTool.shell(RecipeTests.script + "\ntouch -d @5 tree tree/sub", in: directory)
            let path = directory.appendingPathComponent("tree").path
            try TarTool.run(
                "python3",
                ["-c", "import socket; socket.socket(socket.AF_UNIX).bind('tree/sock')"],
                in: directory)
            try TarTool.run(
                "tar", ["-cf", "out.tar", "--format=pax", "--exclude=./sock", "-C", "tree", "."],
                in: directory)
            try withStore { store, lease in
                let image = try Self.run(.path(path), store, lease)
                let tar = try Self.run(
                    .path(directory.appendingPathComponent("out.tar").path), store, lease)
                let found = try store.tree(of: image.record)
                #expect(
                    try store.listing(of: found)
                        == store.listing(of: try store.tree(of: tar.record)))
                #expect(found.id == (try store.tree(of: tar.record)).id)
                #expect(image.warnings.map(\.path) == [Array("sock".utf8)])
                // Twice the same layer, and one that is what it says.
                #expect(
                    try Self.run(.path(path), store, lease).record.chainID == image.record.chainID)
                let layer = try #require(try store.layers(upTo: image.record.chainID).first)
                #expect(layer.recipe == nil)
                #expect(DiffID(Digest(of: try store.tar(of: layer))) == layer.diffID)
                #expect(try Verifier(store).run().problems == [])
            }
        }
    }

    @Test("attributes that mean the same on every host travel", .enabled(if: getuid() == 0))
    func attributes() throws {
        try TarTool.withDirectory { directory in
            try TarTool.shell(
                """
                mkdir tree; echo x > tree/caps; echo x > tree/user; mkdir tree/acl
                setfattr -n user.note -v hello tree/user
                setfattr -n trusted.mine -v no tree/user
                setcap cap_net_raw+ep tree/caps
                setfacl -m u:7:rwx -d -m u:8:r tree/acl
                mknod tree/null c 1 3; mknod tree/block b 300 70000; chown 12:34 tree/null
                mkfifo -m 600 tree/pipe; setfacl -m u:7:rw tree/pipe; setfacl -m u:8:r tree/block
                """, in: directory)
            try withStore { store, lease in
                let image = try Self.run(
                    .path(directory.appendingPathComponent("tree").path), store, lease)
                let lines = try store.listing(of: try store.tree(of: image.record))
                let words = lines.map { $0.split(separator: " ").map(String.init) }
                #expect(words.map { $0[0] } == ["acl", "block", "caps", "null", "pipe", "user"])
                #expect(words[0].count == 7)
                #expect(words[0][5].hasPrefix("system.posix_acl_access=\\2\\0\\0\\0"))
                #expect(words[0][6].hasPrefix("system.posix_acl_default=\\2\\0\\0\\0"))
                #expect(words[1][1] == "block(300,70000)")
                #expect(words[2][5].hasPrefix("security.capability=\\1\\0\\0\\2\\0\\20"))
                #expect(words[3][1] == "char(1,3)" && words[3][3] == "12:34")
                #expect(words[3].count == 5)
                #expect(words[4][5].hasPrefix("system.posix_acl_access=\\2\\0\\0\\0"))
                #expect(words[1][5].hasPrefix("system.posix_acl_access=\\2\\0\\0\\0"))
                #expect(words[5].dropFirst(5) == ["user.note=hello"])
            }
        }
    }
}
