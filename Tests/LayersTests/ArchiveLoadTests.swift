import FileTree
import Foundation
import ImageSpec
import Store
import Testing

@testable import Layers

/// Image archives of every form, loaded.
@Suite struct ArchiveLoadTests {
    static let layers: [[UInt8]] = {
        let entries: [[TarEntry]] = [
            LayerImportTests.base, [.file("new"), .file(".wh.f")], [.hardLink("h", to: "d/a")],
        ]
        // Entries that the other tests hold to be right.
        return entries.compactMap { try? LayerFixture.tar($0) }
    }()
    static let name = "docker.io/library/demo:1"

    static func check(
        _ images: [LoadedImage], _ store: Store, names: [String] = [name],
        layers: [[UInt8]] = layers
    ) throws {
        let image = try #require(images.first)
        #expect(images.count == 1)
        #expect(image.id == ArchiveFixture.config(layers).imageID)
        #expect(image.names.map(\.canonical) == names)
        #expect(image.record.layerCount == layers.count)
        #expect(image.record.createdAt == 1_704_164_645_678_000_000)
        let records = try store.layers(upTo: image.record.chainID)
        #expect(try records.map(store.tar) == layers)
        #expect(try store.config(of: image.id).bytes == ArchiveFixture.config(layers).encoded)
        for name in names {
            let reference = try Reference(parsing: name)
            #expect(try store.image(named: reference)?.id == image.id)
        }
        let problems = try Verifier(store).run().problems
        #expect(problems == [])
    }

    @Test("Docker's archives load, old and compressed", arguments: [false, true])
    func docker(throughPipe: Bool) throws {
        let archive = try ArchiveFixture.docker(Self.layers, tags: ["demo:1"]).tar
        for compression in [Compression.none, .gzip, .zstd] {
            try withStore { store, lease in
                let bytes = try ArchiveFixture.compressed(archive, compression)
                let images = try ImageLoader(store, lease: lease)
                    .load(bytes, throughPipe: throughPipe)
                try Self.check(images, store)
            }
        }
    }

    @Test("archives compressed by xz and bzip2 load", arguments: ["xz", "bzip2"])
    func otherCompressions(tool: String) throws {
        let archive = try ArchiveFixture.docker(Self.layers, tags: ["demo:1"]).tar
        try TarTool.withDirectory { directory in
            let url = directory.appendingPathComponent("archive")
            try Data(archive).write(to: url)
            let bytes = try TarTool.run(tool, ["-c", url.path])
            try withStore { store, lease in
                try Self.check(try ImageLoader(store, lease: lease).load(bytes), store)
            }
        }
    }

    @Test("OCI archives load whatever packs their layers", arguments: Compression.allCases)
    func oci(compression: Compression) throws {
        guard [.none, .gzip, .zstd].contains(compression) else { return }
        var archive = ArchiveFixture()
        // The type that is given may be wrong; the bytes tell.
        var image = try archive.addImage(Self.layers, mediaType: .ociLayerGzip) {
            try ArchiveFixture.compressed($0, compression)
        }
        image.annotations = ["org.opencontainers.image.ref.name": Self.name]
        archive.addIndex([image])
        try withStore { store, lease in
            try Self.check(try ImageLoader(store, lease: lease).load(try archive.tar), store)
        }
        try withFastDirectory { directory in
            try archive.write(to: directory)
            try withStore { store, lease in
                try Self.check(
                    try ImageLoader(store, lease: lease).load(.path(directory.path)), store)
            }
        }
    }

    @Test("a file is read from where its descriptor stands")
    func offset() throws {
        let archive = try ArchiveFixture.docker(Self.layers, tags: ["demo:1"]).tar
        try withFastDirectory { directory in
            let url = directory.appendingPathComponent("archive")
            try Data([UInt8](repeating: 9, count: 777) + archive).write(to: url)
            let file = try FileHandle(forReadingFrom: url)
            try file.seek(toOffset: 777)
            try withStore { store, lease in
                let images = try ImageLoader(store, lease: lease)
                    .load(.descriptor(file.fileDescriptor, name: "-"))
                try Self.check(images, store)
            }
        }
    }

    @Test("layers that are links to others, as old Dockers wrote them")
    func linkedLayers() throws {
        let same = [Self.layers[0], Self.layers[0], Self.layers[0]]
        let config = ArchiveFixture.config(same)
        let configPath = config.imageID.digest.hex + ".json"
        var tar = try LayerFixture()
        try tar.add(.file("./a/layer.tar"), Self.layers[0])
        try tar.add(.symbolicLink("b/layer.tar", to: "../a/layer.tar"))
        try tar.add(.hardLink("c/layer.tar", to: "a/layer.tar"))
        try tar.add(.file(configPath), config.encoded)
        try tar.add(
            .file("manifest.json"),
            DockerArchive.manifest(of: [
                DockerArchiveImage(
                    configPath: configPath, repoTags: ["demo:1"],
                    layerPaths: ["a/layer.tar", "b/layer.tar", "c/layer.tar"])
            ]))
        try withStore { store, lease in
            try Self.check(
                try ImageLoader(store, lease: lease).load(tar.tar), store, layers: same)
        }
    }

    @Test("several images of one archive, with all their names")
    func several() throws {
        let first = ArchiveFixture.docker([Self.layers[0]], tags: ["demo:1", "other/demo:x"])
        let second = ArchiveFixture.config(Self.layers)
        var archive = ArchiveFixture(files: first.files.filter { $0.path != "manifest.json" })
        let firstConfig = ArchiveFixture.config([Self.layers[0]]).imageID.digest.hex + ".json"
        archive.add("second", second.encoded)
        archive.add("l1", Self.layers[1])
        archive.add("l2", try ArchiveFixture.compressed(Self.layers[2], .gzip))
        archive.add(
            "manifest.json",
            DockerArchive.manifest(of: [
                DockerArchiveImage(
                    configPath: firstConfig, repoTags: ["demo:1", "other/demo:x", "demo:1"],
                    layerPaths: ["layer0/layer.tar"]),
                DockerArchiveImage(
                    configPath: "second", repoTags: ["<none>:<none>"],
                    layerPaths: ["layer0/layer.tar", "l1", "l2"]),
            ]))
        try withStore { store, lease in
            let images = try ImageLoader(store, lease: lease).load(try archive.tar)
            #expect(
                images.map { $0.names.map(\.familiarName) } == [["demo:1", "other/demo:x"], []])
            #expect(images[1].id == second.imageID)
            #expect(try store.images().count == 2)
            #expect(try store.names().count == 2)
            let layers = try store.layers(upTo: images[1].record.chainID)
            #expect(layers.first?.chainID == images[0].record.chainID)
        }
        try withStore { store, lease in
            let options = LoadOptions(name: "other/demo:x")
            let images = try ImageLoader(store, lease: lease, options: options)
                .load(try archive.tar)
            #expect(images.map(\.id) == [ArchiveFixture.config([Self.layers[0]]).imageID])
            let missing = LoadOptions(name: "nothing")
            let error = #expect(throws: LayerError.self) {
                try ImageLoader(store, lease: lease, options: missing).load(try archive.tar)
            }
            #expect(error?.code == .notFound)
            #expect(error?.hint == "it has demo:1, other/demo:x")
        }
    }

    @Test("layers that the store has are not read again")
    func knownLayers() throws {
        try withStore { store, lease in
            let loader = ImageLoader(store, lease: lease)
            _ = try loader.load(
                try ArchiveFixture.docker(Array(Self.layers.prefix(2)), tags: []).tar)
            // Their files may even be missing.
            var archive = ArchiveFixture.docker(Self.layers, tags: ["demo:1"])
            archive.files.removeAll { $0.path == "layer0/layer.tar" }
            var steps: [ArchiveProgress.Step] = []
            let images = try ImageLoader(store, lease: lease) {
                if steps.last != $0.step { steps.append($0.step) }
            }.load(try archive.tar)
            try Self.check(images, store)
            let diffID = DiffID(Digest(of: Self.layers[2]))
            #expect(steps == [.layer(3, of: 3, diffID), .recording])
            // The whole of it again changes nothing.
            let before = try StoreState(store)
            _ = try loader.load(try archive.tar)
            let after = try StoreState(store)
            #expect(
                after.names == before.names && after.images.map(\.id) == before.images.map(\.id))
        }
    }

    @Test(
        "what a known layer has lost comes back with the next load",
        arguments: ["lost", "cut", "lengthened", "lost and damaged", "recipe"])
    func lostObjects(_ damage: String) throws {
        // One file is in the tar only, another stands in a lower layer.
        let layers = [
            try LayerFixture.tar([.file("f"), .file("f/x"), .directory("d"), .file("d/y")]),
            try LayerFixture.tar([.file("top"), .file(".wh.f")]),
        ]
        let archive = try ArchiveFixture.docker(layers, tags: ["demo:1"]).tar
        func object(_ path: String) -> Digest { Digest(of: Array(path.utf8)) }
        try withStore { store, lease in
            let loader = ImageLoader(store, lease: lease)
            let image = try #require(try loader.load(archive).first)
            let records = try store.layers(upTo: image.record.chainID)
            func replace(_ digest: Digest, _ text: String?) throws {
                let path = store.layout.object(digest)
                try FileManager.default.removeItem(atPath: path)
                if let text { try Data(text.utf8).write(to: URL(fileURLWithPath: path)) }
            }
            switch damage {
            case "lost": try replace(object("f"), nil)
            case "cut": try replace(object("f/x"), "f")
            case "lengthened": try replace(object("d/y"), "d/y ")
            case "recipe": try replace(try #require(records[1].recipe?.digest), nil)
            default:
                try replace(object("top"), nil)
                try replace(object("d/y"), "D/Y")
                try replace(object("f"), nil)
            }
            try Self.check(try loader.load(archive), store, layers: layers)
        }
    }

    @Test("a layer with lost files that the archive lacks as well is an error")
    func lostForGood() throws {
        try withStore { store, lease in
            let loader = ImageLoader(store, lease: lease)
            var archive = ArchiveFixture.docker([Self.layers[0]], tags: [])
            _ = try loader.load(try archive.tar)
            try FileManager.default.removeItem(
                atPath: store.layout.object(Digest(of: Array("d/a".utf8))))
            archive.files.removeAll { $0.path == "layer0/layer.tar" }
            let error = #expect(throws: LayerError.self) { try loader.load(archive.tar) }
            #expect(error?.code == .invalidArchive)
            #expect(error?.message.contains("lost in the store") == true)
        }
    }

    // MARK: - Platforms

    static let other =
        Platform.host.architecture == "arm64"
        ? Platform(os: "linux", architecture: "amd64")
        : Platform(os: "linux", architecture: "arm64")

    /// An index of two platforms and an attestation inside the layout's index.
    static func multiPlatform() throws -> ArchiveFixture {
        var archive = ArchiveFixture()
        let foreign = try archive.addImage([layers[0]], platform: other)
        let own = try archive.addImage(layers)
        var attestation = archive.addBlob(Array("{}".utf8), .ociManifest)
        attestation.annotations = ["vnd.docker.reference.type": "attestation-manifest"]
        attestation.platform = Platform(os: "unknown", architecture: "unknown")
        let nested = ImageIndex(manifests: [attestation, foreign, own])
        var descriptor = archive.addBlob(nested.encoded, .ociIndex)
        descriptor.annotations = [
            "io.containerd.image.name": name, "org.opencontainers.image.ref.name": "1",
        ]
        archive.addIndex([descriptor])
        return archive
    }

    @Test("of an image for several platforms the host's is taken, or the one that is asked for")
    func platforms() throws {
        let archive = try Self.multiPlatform().tar
        try withStore { store, lease in
            try Self.check(try ImageLoader(store, lease: lease).load(archive), store)
            let options = LoadOptions(platform: Self.other)
            let images = try ImageLoader(store, lease: lease, options: options).load(archive)
            let config = ArchiveFixture.config([Self.layers[0]], platform: Self.other)
            #expect(images.map(\.id) == [config.imageID])
            let missing = LoadOptions(platform: Platform(os: "linux", architecture: "s390x"))
            let error = #expect(throws: LayerError.self) {
                try ImageLoader(store, lease: lease, options: missing).load(archive)
            }
            #expect(error?.code == .notFound)
            #expect(error?.hint?.contains("linux/amd64, linux/arm64") == true)
        }
    }

    @Test("platforms of one name side by side in the top index are one image")
    func flatPlatforms() throws {
        var archive = ArchiveFixture()
        var foreign = try archive.addImage([Self.layers[0]], platform: Self.other)
        var own = try archive.addImage(Self.layers)
        foreign.annotations = ["org.opencontainers.image.ref.name": Self.name]
        own.annotations = foreign.annotations
        archive.addIndex([foreign, own])
        try withStore { store, lease in
            try Self.check(try ImageLoader(store, lease: lease).load(try archive.tar), store)
        }
    }

    @Test("an archive of some platforms, whose index lists more, says which it has")
    func absentPlatforms() throws {
        var archive = ArchiveFixture()
        let foreign = try archive.addImage([Self.layers[0]], platform: Self.other)
        var absent = Descriptor(mediaType: .ociManifest, digest: Digest(of: [1]), sizeBytes: 1)
        absent.platform = .host
        let nested = ImageIndex(manifests: [absent, foreign])
        archive.addIndex([archive.addBlob(nested.encoded, .ociIndex)])
        try withStore { store, lease in
            let options = LoadOptions(platform: .host)
            let error = #expect(throws: LayerError.self) {
                try ImageLoader(store, lease: lease, options: options).load(try archive.tar)
            }
            #expect(error?.code == .notFound)
            #expect(error?.hint?.contains("it has \(Self.other);") == true)
            // Without a wish there is nothing to choose from.
            let config = ArchiveFixture.config([Self.layers[0]], platform: Self.other)
            let images = try ImageLoader(store, lease: lease).load(try archive.tar)
            #expect(images.map(\.id) == [config.imageID])
        }
    }

    @Test("a skopeo directory is called one")
    func skopeoDirectory() throws {
        var archive = ArchiveFixture()
        archive.add("version", Array("Directory Transport Version: 1.1\n".utf8))
        archive.add("manifest.json", Array(#"{"schemaVersion":2}"#.utf8))
        try withFastDirectory { directory in
            try archive.write(to: directory)
            try withStore { store, lease in
                let error = #expect(throws: LayerError.self) {
                    try ImageLoader(store, lease: lease).load(.path(directory.path))
                }
                #expect(error?.code == .unsupported)
                #expect(error?.hint?.contains("dir:\(directory.path) oci-archive:") == true)
            }
        }
    }

    @Test("an image for another platform is loaded where there is no choice")
    func onlyForeign() throws {
        var archive = ArchiveFixture()
        archive.addIndex([try archive.addImage([Self.layers[0]], platform: Self.other)])
        try withStore { store, lease in
            let images = try ImageLoader(store, lease: lease).load(try archive.tar)
            #expect(images.count == 1 && images[0].names == [])
            let options = LoadOptions(platform: .host)
            #expect(throws: LayerError.self) {
                try ImageLoader(store, lease: lease, options: options).load(try archive.tar)
            }
        }
    }

    @Test(
        "names of an index",
        arguments: [
            (["org.opencontainers.image.ref.name": "latest"], nil),
            (["org.opencontainers.image.ref.name": "demo:1"], "docker.io/library/demo:1"),
            (["org.opencontainers.image.ref.name": "ghcr.io/a/b:c"], "ghcr.io/a/b:c"),
            (["org.opencontainers.image.ref.name": "Not A Name:x"], nil),
            (["io.containerd.image.name": "docker.io/library/demo:1"], "docker.io/library/demo:1"),
            (
                [
                    "io.containerd.image.name": "docker.io/library/a:1",
                    "org.opencontainers.image.ref.name": "1",
                ], "docker.io/library/a:1"
            ),
            ([:], nil),
        ] as [([String: String], String?)])
    func names(annotations: [String: String], name: String?) {
        #expect(ArchivedName(annotations).reference?.canonical == name)
    }

    @Test("an image by its tag in a layout")
    func byTag() throws {
        var archive = ArchiveFixture()
        var first = try archive.addImage([Self.layers[0]])
        var second = try archive.addImage(Self.layers)
        first.annotations = ["org.opencontainers.image.ref.name": "one"]
        second.annotations = ["org.opencontainers.image.ref.name": "two"]
        archive.addIndex([first, second])
        try withStore { store, lease in
            let images = try ImageLoader(
                store, lease: lease, options: LoadOptions(name: "two")
            ).load(try archive.tar)
            try Self.check(images, store, names: [])
            // Which of them is which must be told: neither has a name.
            let all = try ImageLoader(store, lease: lease).load(try archive.tar)
            #expect(all.map(\.tags) == [["one"], ["two"]])
        }
    }
}
