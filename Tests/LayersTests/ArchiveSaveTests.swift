import FileTree
import Foundation
import ImageSpec
import Store
import Testing

@testable import Layers

/// Images saved in every form, and loaded again.
@Suite struct ArchiveSaveTests {
    /// A store with two images that share a layer, and a third without layers.
    static func withImages(
        _ body: (Store, Lease, [ImageToSave]) throws -> Void
    ) throws {
        try withStore { store, lease in
            let loader = ImageLoader(store, lease: lease)
            var images: [ImageToSave] = []
            for (layers, tags) in [
                (ArchiveLoadTests.layers, ["demo:1", "ghcr.io/x/y:z"]),
                ([ArchiveLoadTests.layers[0]], ["base"]), ([], []),
            ] {
                let loaded = try loader.load(
                    try ArchiveFixture.docker(layers, tags: tags).tar)
                images += loaded.map { ImageToSave($0.record, names: $0.names) }
            }
            try body(store, lease, images)
        }
    }

    static func save(
        _ images: [ImageToSave], _ format: ImageArchiveFormat, _ store: Store, _ lease: Lease,
        _ compression: MediaType.Compression = .none
    ) throws -> [UInt8] {
        try withFastDirectory { directory in
            let url = directory.appendingPathComponent("archive")
            try ImageSaver(
                store, lease: lease, options: SaveOptions(layerCompression: compression)
            ).save(images, as: format, to: .path(url.path))
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["archive"])
            return [UInt8](try Data(contentsOf: url))
        }
    }

    @Test(
        "what is saved loads as the same images, and twice the same bytes",
        arguments: ImageArchiveFormat.allCases, [MediaType.Compression.none, .gzip, .zstd])
    func roundTrip(format: ImageArchiveFormat, compression: MediaType.Compression) throws {
        try Self.withImages { store, lease, images in
            let saved = try Self.save(images, format, store, lease, compression)
            #expect(try Self.save(images, format, store, lease, compression) == saved)
            try withStore { other, lease in
                let loaded = try ImageLoader(other, lease: lease).load(saved)
                #expect(loaded.map(\.id) == images.map(\.image.id))
                #expect(loaded.map(\.names) == images.map(\.names))
                #expect(try Verifier(other).run().problems == [])
                let again = loaded.map { ImageToSave($0.record, names: $0.names) }
                #expect(try Self.save(again, format, other, lease, compression) == saved)
            }
        }
    }

    @Test("an archive has each blob once and the documents first")
    func members() throws {
        try Self.withImages { store, lease, images in
            let saved = try Self.save(images, .docker, store, lease)
            let (recording, ending) = try TarRecording.read(saved)
            #expect(ending == .marker)
            let paths = recording.entries.map(\.pathText)
            #expect(
                Array(paths.prefix(6)) == [
                    "oci-layout", "index.json", "manifest.json", "repositories", "blobs/",
                    "blobs/sha256/",
                ])
            #expect(Set(paths).count == paths.count)
            // Three layers, three configs, three manifests.
            #expect(paths.count == 6 + 9)
            for (entry, body) in zip(recording.entries, recording.bodies)
            where entry.pathText.hasPrefix("blobs/sha256/") && entry.kind == .regular {
                #expect(entry.pathText.hasSuffix(Digest(of: body).hex))
            }
            let manifest = String(decoding: recording.bodies[2], as: UTF8.self)
            #expect(manifest.contains(#""RepoTags":["demo:1","ghcr.io/x/y:z"]"#))
        }
    }

    @Test("one image of a chosen name is saved alone")
    func single() throws {
        try Self.withImages { store, lease, images in
            let item = ImageToSave(images[0].image, names: [images[0].names[1]])
            let saved = try Self.save([item], .oci, store, lease)
            try withStore { other, lease in
                let loaded = try ImageLoader(other, lease: lease).load(saved)
                #expect(loaded.map { $0.names.map(\.familiarName) } == [["ghcr.io/x/y:z"]])
            }
        }
    }

    @Test("images are added to a layout, and take names over")
    func layout() throws {
        try Self.withImages { store, lease, images in
            try withFastDirectory { directory in
                let path = directory.appendingPathComponent("layout").path
                let saver = ImageSaver(store, lease: lease)
                try saver.saveLayout([images[0]], to: path)
                try saver.saveLayout([images[1]], to: path)
                try saver.saveLayout([images[1], images[2]], to: path)
                try saver.saveLayout(
                    [ImageToSave(images[1].image, names: [images[0].names[0]])], to: path)
                try withStore { other, lease in
                    let loaded = try ImageLoader(other, lease: lease).load(.path(path))
                    #expect(Set(loaded.map(\.id)) == Set(images.map(\.image.id)))
                    let names = try other.names().map {
                        "\($0.reference) \($0.image == images[1].image.id)"
                    }
                    #expect(names == ["base:latest true", "demo:1 true", "ghcr.io/x/y:z false"])
                }
                let index = try ImageIndex(
                    bytes: [UInt8](
                        try Data(contentsOf: URL(fileURLWithPath: path + "/index.json"))))
                #expect(index.manifests.count == 4)
                let leftovers = try FileManager.default.subpathsOfDirectory(atPath: path)
                    .filter { $0.hasSuffix(".tmp") }
                #expect(leftovers == [])
            }
        }
    }

    @Test("a directory with other things in it is not made a layout")
    func notALayout() throws {
        try Self.withImages { store, lease, images in
            try withFastDirectory { directory in
                try Data([1]).write(to: directory.appendingPathComponent("mine"))
                let error = #expect(throws: LayerError.self) {
                    try ImageSaver(store, lease: lease).saveLayout(images, to: directory.path)
                }
                #expect(error?.code == .inputOutput)
                #expect(
                    try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["mine"])
            }
        }
    }

    @Test("a layout whose first save was interrupted is saved to again")
    func interruptedLayout() throws {
        try Self.withImages { store, lease, images in
            try withFastDirectory { directory in
                let path = directory.appendingPathComponent("layout").path
                let saver = ImageSaver(store, lease: lease)
                // A file of the first layer is lost.
                let content = store.layout.object(Digest(of: Array("d/a".utf8)))
                let bytes = try Data(contentsOf: URL(fileURLWithPath: content))
                try FileManager.default.removeItem(atPath: content)
                #expect(throws: (any Error).self) { try saver.saveLayout(images, to: path) }
                #expect(FileManager.default.fileExists(atPath: path + "/oci-layout"))
                #expect(!FileManager.default.fileExists(atPath: path + "/index.json"))
                try bytes.write(to: URL(fileURLWithPath: content))
                try saver.saveLayout(images, to: path)
                try withStore { other, lease in
                    let loaded = try ImageLoader(other, lease: lease).load(.path(path))
                    #expect(loaded.count == 3)
                }
            }
        }
    }

    @Test("a save follows symbolic links to files and leaves them")
    func symbolicLinks() throws {
        try Self.withImages { store, lease, images in
            try withFastDirectory { directory in
                let manager = FileManager.default
                func place(_ name: String) -> String {
                    directory.appendingPathComponent(name).path
                }
                try manager.createDirectory(atPath: place("d"), withIntermediateDirectories: false)
                try Data([1]).write(to: URL(fileURLWithPath: place("d/there")))
                for (name, target) in [
                    ("latest", "d/there"), ("new", "d/later"), ("twice", "latest"),
                ] {
                    try manager.createSymbolicLink(
                        atPath: place(name), withDestinationPath: target)
                    try ImageSaver(store, lease: lease)
                        .save(images, as: .oci, to: .path(place(name)))
                    #expect(try manager.destinationOfSymbolicLink(atPath: place(name)) == target)
                    #expect(try Data(contentsOf: URL(fileURLWithPath: place(name))).count > 1024)
                }
                #expect(try manager.contentsOfDirectory(atPath: place("d")).count == 2)
            }
        }
    }

    /// As root, it put a file in the place of /dev/stdout.
    @Test("a save to what /proc holds writes to the file behind it")
    func openFile() throws {
        try Self.withImages { store, lease, images in
            try withFastDirectory { directory in
                let url = directory.appendingPathComponent("out")
                try Data(repeating: 7, count: 1 << 20).write(to: url)
                let file = try FileHandle(forUpdating: url)
                let link = directory.appendingPathComponent("link").path
                let open = "/proc/self/fd/\(file.fileDescriptor)"
                try FileManager.default.createSymbolicLink(
                    atPath: link, withDestinationPath: open)
                for path in [open, link] {
                    try ImageSaver(store, lease: lease)
                        .save([images[1]], as: .oci, to: .path(path))
                    // The open file is the one that was written to.
                    try file.seek(toOffset: 0)
                    let written = [UInt8](try file.readToEnd() ?? Data())
                    #expect(written == (try Self.save([images[1]], .oci, store, lease)))
                }
                #expect(
                    try FileManager.default.destinationOfSymbolicLink(atPath: link) == open)
                try file.close()
            }
        }
    }

    @Test("a save that is killed leaves nothing: its file has no name until it is complete")
    func unnamed() throws {
        try withFastDirectory { directory in
            let path = directory.appendingPathComponent("archive").path
            let names = { try FileManager.default.contentsOfDirectory(atPath: directory.path) }
            for text in ["first", "second"] {
                let before = try names()
                try ArchiveTarget.path(path).write { descriptor in
                    var sink = FileDescriptorSink(descriptor)
                    try sink.write(Array(text.utf8).span)
                    #expect(try names() == before)
                }
                #expect(try names() == ["archive"])
                #expect(try String(contentsOfFile: path, encoding: .utf8) == text)
            }
        }
    }

    @Test("a save that fails leaves the file that was there")
    func failure() throws {
        try Self.withImages { store, lease, images in
            try withFastDirectory { directory in
                let url = directory.appendingPathComponent("archive")
                try Data([1, 2, 3]).write(to: url)
                // A file of the first layer is lost.
                let content = Digest(of: Array("d/a".utf8))
                try FileManager.default.removeItem(atPath: store.layout.object(content))
                #expect(throws: (any Error).self) {
                    try ImageSaver(store, lease: lease)
                        .save(images, as: .docker, to: .path(url.path))
                }
                #expect(try Data(contentsOf: url) == Data([1, 2, 3]))
                #expect(
                    try FileManager.default.contentsOfDirectory(atPath: directory.path)
                        == ["archive"])
            }
        }
    }

    @Test(
        "a root file system is saved as one tar",
        arguments: [MediaType.Compression.none, .gzip, .zstd])
    func rootFileSystem(compression: MediaType.Compression) throws {
        try Self.withImages { store, lease, images in
            try withFastDirectory { directory in
                let url = directory.appendingPathComponent("rootfs")
                let tree = try store.tree(of: images[0].image)
                try ImageSaver(
                    store, lease: lease, options: SaveOptions(layerCompression: compression)
                ).saveRootFileSystem(tree, to: .path(url.path))
                let bytes = [UInt8](try Data(contentsOf: url))
                #expect(Compression.detect(bytes.span).rawValue == compression.rawValue)
                let imported = try RootFileSystemImport(
                    store, lease: lease, options: ImportOptions(created: .epoch)
                ).run(.path(url.path))
                #expect(try store.tree(of: imported.record).id == tree.id)
            }
        }
    }

    @Test("a file that an archive takes the place of gives it its permissions")
    func permissions() throws {
        try Self.withImages { store, lease, images in
            try withFastDirectory { directory in
                let path = directory.appendingPathComponent("out").path
                let files = FileManager.default
                #expect(files.createFile(atPath: path, contents: nil))
                try files.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
                try ImageSaver(store, lease: lease).save(images, as: .oci, to: .path(path))
                let found = try files.attributesOfItem(atPath: path)
                #expect(found[.posixPermissions] as? Int == 0o600)
            }
        }
    }

    @Test("an archive goes through a pipe")
    func pipe() throws {
        try Self.withImages { store, lease, images in
            let expected = try Self.save(images, .docker, store, lease)
            try withFastDirectory { directory in
                let url = directory.appendingPathComponent("out")
                try Data().write(to: url)
                let process = Process()
                process.executableURL = URL(fileURLWithPath: "/bin/cat")
                let pipe = Pipe()
                process.standardInput = pipe
                process.standardOutput = try FileHandle(forWritingTo: url)
                try process.run()
                try ImageSaver(store, lease: lease).save(
                    images, as: .docker,
                    to: .descriptor(pipe.fileHandleForWriting.fileDescriptor))
                try pipe.fileHandleForWriting.close()
                process.waitUntilExit()
                #expect([UInt8](try Data(contentsOf: url)) == expected)
            }
        }
    }
}
