import Foundation
import ImageSpec
import Store
import Testing

@testable import Layers

/// Archives that are broken or mean harm: a clear error, and a store as it was.
@Suite struct ArchiveHostileTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var code: LayerError.Code
        var path: String?
        var archive: @Sendable () throws -> [UInt8]

        init(
            _ name: String, _ code: LayerError.Code, path: String? = nil,
            _ archive: @escaping @Sendable () throws -> [UInt8]
        ) {
            testDescription = name
            self.code = code
            self.path = path
            self.archive = archive
        }
    }

    static let layers = ArchiveLoadTests.layers

    /// A Docker archive of which one file has other bytes, or none.
    static func docker(
        _ path: String, _ change: (inout [UInt8]) -> Void = { _ in }, keeps: Bool = true
    ) throws -> [UInt8] {
        var archive = ArchiveFixture.docker(layers, tags: ["demo:1"])
        guard let place = archive.files.firstIndex(where: { $0.path.hasSuffix(path) }) else {
            throw CocoaError(.fileNoSuchFile)
        }
        change(&archive.files[place].bytes)
        if !keeps { archive.files.remove(at: place) }
        return try archive.tar
    }

    /// An OCI archive whose top index is `index` of what was added.
    static func oci(
        _ index: (inout ArchiveFixture) throws -> [Descriptor]
    ) throws -> [UInt8] {
        var archive = ArchiveFixture()
        archive.addIndex(try index(&archive))
        return try archive.tar
    }

    static let docker: [Case] = [
        Case("nothing", .invalidArchive) { [] },
        Case("text", .invalidArchive) { [UInt8](repeating: 0x61, count: 2000) },
        Case("an empty tar", .invalidArchive) { TarWriter.endMarker },
        Case("a root file system", .invalidArchive) { layers[0] },
        Case("a tar without its end", .invalidArchive) {
            Array(try docker("manifest.json").dropLast(1024))
        },
        Case("no layer", .invalidArchive, path: "layer1/layer.tar") {
            try docker("layer1/layer.tar", keeps: false)
        },
        Case("no config", .invalidArchive) { try docker(".json", keeps: false) },
        Case("a layer with other content", .digestMismatch, path: "layer2/layer.tar") {
            try docker("layer2/layer.tar") {
                $0[0] ^= 1; fixChecksum(&$0)
            }
        },
        Case("a layer that is cut short", .digestMismatch, path: "layer0/layer.tar") {
            try docker("layer0/layer.tar") { $0.removeLast(1600) }
        },
        Case("a layer that is no tar", .invalidArchive, path: "layer0/layer.tar") {
            try docker("layer0/layer.tar") { $0 = [UInt8](repeating: 7, count: 1000) }
        },
        Case("a damaged gzip layer", .invalidArchive, path: "layer0/layer.tar") {
            try docker("layer0/layer.tar") { bytes in
                guard var packed = try? ArchiveFixture.compressed(bytes, .gzip) else { return }
                for index in 20..<40 { packed[index] = 0xFF }
                bytes = packed
            }
        },
        Case("a manifest that is no JSON", .invalidArchive, path: "manifest.json") {
            try docker("manifest.json") { $0.removeLast(5) }
        },
        Case("a manifest of another form", .invalidArchive, path: "manifest.json") {
            try docker("manifest.json") { $0 = Array(#"{"Config":1}"#.utf8) }
        },
        Case("a manifest without images", .notFound) {
            try docker("manifest.json") { $0 = Array("[]".utf8) }
        },
        Case("a manifest with too few layers", .invalidArchive) {
            try docker("manifest.json") { bytes in
                let text = String(decoding: bytes, as: UTF8.self)
                bytes = Array(text.replacing(#""layer0/layer.tar","#, with: "").utf8)
            }
        },
        Case("a manifest with a name that is none", .invalidArchive, path: "manifest.json") {
            try docker("manifest.json") { bytes in
                let text = String(decoding: bytes, as: UTF8.self)
                bytes = Array(text.replacing("demo:1", with: "-demo-").utf8)
            }
        },
        Case("a config of another digest", .digestMismatch) {
            try docker(".json") { $0.append(0x20) }
        },
        Case("Docker's oldest archives", .invalidArchive) {
            var archive = ArchiveFixture()
            archive.add("repositories", Array("{}".utf8))
            return try archive.tar
        },
        Case("links in a circle", .invalidArchive, path: "manifest.json") {
            try LayerFixture.tar([
                .symbolicLink("manifest.json", to: "a"), .symbolicLink("a", to: "./manifest.json"),
            ])
        },
        Case("a link out of the archive", .invalidArchive) {
            try LayerFixture.tar([.symbolicLink("manifest.json", to: "../../../../etc/passwd")])
        },
        Case("names that leave the archive", .invalidArchive) {
            try LayerFixture.tar([.file("../manifest.json"), .file("../index.json")])
        },
    ]

    static let oci: [Case] = [
        Case("an empty index", .notFound) { try oci { _ in [] } },
        Case("a manifest that is missing", .invalidArchive) {
            try oci { _ in
                [Descriptor(mediaType: .ociManifest, digest: Digest(of: [1]), sizeBytes: 1)]
            }
        },
        Case("a manifest of another size", .digestMismatch) {
            try oci { archive in
                var image = try archive.addImage(layers)
                image.sizeBytes += 1
                return [image]
            }
        },
        Case("a manifest of another digest", .digestMismatch) {
            var archive = ArchiveFixture()
            let image = try archive.addImage(layers)
            archive.addIndex([image])
            let place = archive.files.firstIndex { $0.path.hasSuffix(image.digest.hex) } ?? 0
            archive.files[place].bytes[0] = 0x20
            return try archive.tar
        },
        Case("a layer of another digest", .digestMismatch) {
            var archive = ArchiveFixture()
            archive.addIndex([try archive.addImage(layers)])
            let hex = Digest(of: layers[2]).hex
            let place = archive.files.firstIndex { $0.path.hasSuffix(hex) } ?? 0
            archive.files[place].bytes[0] ^= 1
            fixChecksum(&archive.files[place].bytes)
            return try archive.tar
        },
        Case("a config whose diffIDs are not its layers'", .digestMismatch) {
            try oci { archive in
                let config = ArchiveFixture.config([layers[0], layers[2]])
                let manifest = ImageManifest(
                    config: archive.addBlob(config.encoded, .ociConfig),
                    layers: [layers[0], layers[1]].map { archive.addBlob($0, .ociLayer) })
                return [archive.addBlob(manifest.encoded, .ociManifest)]
            }
        },
        Case("more layers than diffIDs", .invalidArchive) {
            try oci { archive in
                let config = ArchiveFixture.config([layers[0]])
                let manifest = ImageManifest(
                    config: archive.addBlob(config.encoded, .ociConfig),
                    layers: [layers[0], layers[1]].map { archive.addBlob($0, .ociLayer) })
                return [archive.addBlob(manifest.encoded, .ociManifest)]
            }
        },
        Case("an encrypted layer", .unsupported) {
            try oci {
                [
                    try $0.addImage(
                        layers,
                        mediaType: MediaType(
                            "application/vnd.oci.image.layer.v1.tar+gzip+encrypted"))
                ]
            }
        },
        Case("a layer of an unknown type", .unsupported) {
            try oci { [try $0.addImage(layers, mediaType: MediaType("application/x-squashfs"))] }
        },
        Case("a manifest of schema 1", .unsupported) {
            try oci { [$0.addBlob(Array("{}".utf8), .dockerManifestV1Signed)] }
        },
        Case("an artifact", .unsupported) {
            try oci { archive in
                let manifest = ImageManifest(
                    config: archive.addBlob(
                        Array("{}".utf8), MediaType("application/vnd.oci.empty.v1+json")),
                    layers: [])
                return [archive.addBlob(manifest.encoded, .ociManifest)]
            }
        },
        Case("indexes nested too deep", .invalidArchive) {
            try oci { archive in
                var descriptor = try archive.addImage(layers)
                for _ in 0..<10 {
                    descriptor = archive.addBlob(
                        ImageIndex(manifests: [descriptor]).encoded, .ociIndex)
                }
                return [descriptor]
            }
        },
        Case("a digest of another algorithm", .invalidArchive, path: "index.json") {
            var archive = ArchiveFixture()
            archive.add(
                "index.json",
                Array(
                    #"{"schemaVersion":2,"manifests":[{"mediaType":"x","size":1,"digest":"sha512:00"}]}"#
                        .utf8))
            return try archive.tar
        },
    ]

    /// Makes the first header valid again after a change of its name.
    static func fixChecksum(_ bytes: inout [UInt8]) {
        var block = Array(bytes.prefix(512))
        TarFixture.setChecksum(&block)
        bytes.replaceSubrange(0..<512, with: block)
    }

    @Test("a broken archive is refused and changes nothing", arguments: docker + oci)
    func refused(_ example: Case) throws {
        try withStore { store, lease in
            let kept = ArchiveFixture.docker(
                [try LayerFixture.tar([.file("kept")])], tags: ["kept", "demo:1"])
            _ = try ImageLoader(store, lease: lease).load(try kept.tar)
            let before = try StoreState(store)
            let archive = try example.archive()
            let error = #expect(throws: LayerError.self) {
                try ImageLoader(store, lease: lease).load(archive)
            }
            #expect(error?.code == example.code, "\(error.map(String.init(describing:)) ?? "")")
            if let path = example.path { #expect(error?.path == Array(path.utf8)) }
            #expect(try StoreState(store) == before)
        }
    }

    @Test(
        "an endless device that is no archive is refused at its first block",
        arguments: ["/dev/zero", "/dev/urandom"])
    func devices(_ path: String) throws {
        try withStore { store, lease in
            var copied: UInt64 = 0
            let loader = ImageLoader(store, lease: lease) { copied = max(copied, $0.doneBytes) }
            let error = #expect(throws: LayerError.self) { try loader.load(.path(path)) }
            #expect(error?.code == .invalidArchive)
            #expect(copied == 0)
        }
    }

    @Test("an empty input is called so, and a cut one says where", arguments: [false, true])
    func emptyAndCut(throughPipe: Bool) throws {
        let archive = try ArchiveFixture.docker([Self.layers[0]], tags: []).tar
        try withStore { store, lease in
            let loader = ImageLoader(store, lease: lease)
            func message(_ bytes: [UInt8]) -> String {
                let error = #expect(throws: LayerError.self) {
                    try loader.load(bytes, throughPipe: throughPipe)
                }
                return error.map(String.init(describing:)) ?? ""
            }
            #expect(message([]).hasSuffix("it is empty"))
            #expect(message(Array(archive.prefix(515))).contains("at byte 515"))
            #expect(message(Array(archive.prefix(1024 + 700))).contains("at byte 1724"))
        }
    }

    @Test("of two members of one name the later counts, and names that leave are passed over")
    func harmless() throws {
        try withStore { store, lease in
            var archive = ArchiveFixture.docker(Self.layers, tags: ["demo:1"])
            archive.files.insert(("manifest.json", Array("nonsense".utf8)), at: 0)
            archive.add("../../manifest.json", Array("nonsense".utf8))
            archive.add("a/../../../index.json", Array("nonsense".utf8))
            let images = try ImageLoader(store, lease: lease).load(try archive.tar)
            try ArchiveLoadTests.check(images, store)
        }
    }

    @Test("one broken image of an archive keeps the others out")
    func allOrNothing() throws {
        try withStore { store, lease in
            var archive = ArchiveFixture()
            let good = try archive.addImage([Self.layers[0]])
            let bad = try archive.addImage([Self.layers[1], Self.layers[2]])
            archive.addIndex([good, bad])
            let hex = Digest(of: Self.layers[2]).hex
            let place = try #require(archive.files.firstIndex { $0.path.hasSuffix(hex) })
            archive.files[place].bytes[0] ^= 1
            Self.fixChecksum(&archive.files[place].bytes)
            #expect(throws: LayerError.self) {
                try ImageLoader(store, lease: lease).load(try archive.tar)
            }
            #expect(try store.images() == [])
        }
    }

    @Test("an archive with too many members is refused")
    func members() throws {
        var fixture = try LayerFixture()
        for index in 0..<200 { try fixture.add(.file("f\(index)"), []) }
        var options = LoadOptions()
        options.limits.members = 100
        try withStore { store, lease in
            let error = #expect(throws: LayerError.self) {
                try ImageLoader(store, lease: lease, options: options).load(fixture.tar)
            }
            #expect(error?.code == .tooLarge)
        }
    }

    /// 10,000 entries with one config of 4 MiB took 40 GB.
    @Test("a config that a list names often is read and kept once")
    func repeatedConfig() throws {
        let config = ArchiveFixture.config([]).encoded
        var archive = ArchiveFixture()
        archive.add("c.json", config)
        archive.add("copy.json", config)
        archive.add(
            "manifest.json",
            DockerArchive.manifest(
                of: (0..<5000).map {
                    DockerArchiveImage(
                        configPath: $0 % 2 == 0 ? "c.json" : "copy.json",
                        repoTags: ["a:\($0 / 4)"], layerPaths: [])
                }))
        var options = LoadOptions()
        options.limits.documentBytes = 2 * config.count
        try withStore { store, lease in
            let loader = ImageLoader(store, lease: lease, options: options)
            let loaded = try loader.load(archive.tar)
            #expect(loaded.count == 1)
            #expect(loaded.first?.names.count == 1250)
        }
        options.limits.documentBytes -= 1
        try withStore { store, lease in
            let error = #expect(throws: LayerError.self) {
                try ImageLoader(store, lease: lease, options: options).load(archive.tar)
            }
            #expect(error?.code == .tooLarge)
        }
    }

    @Test("a manifest that an index lists often is read once, within the limits")
    func repeatedManifest() throws {
        var archive = ArchiveFixture()
        let image = try archive.addImage([])
        let manifests = (0..<3000).map { index in
            var descriptor = image
            descriptor.annotations = ["io.containerd.image.name": "docker.io/library/a:\(index)"]
            return descriptor
        }
        archive.addIndex(manifests)
        var options = LoadOptions()
        options.limits.documentBytes = 4096
        try withStore { store, lease in
            let loader = ImageLoader(store, lease: lease, options: options)
            let loaded = try loader.load(archive.tar)
            #expect(loaded.map(\.names.count) == [3000])
        }
        options.limits.documents = 2999
        try withStore { store, lease in
            let error = #expect(throws: LayerError.self) {
                try ImageLoader(store, lease: lease, options: options).load(archive.tar)
            }
            #expect(error?.code == .tooLarge)
        }
    }

    @Test("an archive cut anywhere is refused and changes nothing", arguments: [false, true])
    func truncation(isCompressed: Bool) throws {
        let layers = [try LayerFixture.tar([.file("f"), .directory("d")])]
        var bytes = try ArchiveFixture.docker(layers, tags: ["demo:1"]).tar
        if isCompressed { bytes = try ArchiveFixture.compressed(bytes, .gzip) }
        let step = isCompressed ? 61 : 512
        try withStore { store, lease in
            let before = try StoreState(store)
            for cut in stride(from: 0, to: bytes.count, by: step) {
                for length in [cut - 1, cut, cut + 1] where (0..<bytes.count).contains(length) {
                    // The second zero block of the end says nothing new.
                    if !isCompressed, length == bytes.count - 512 { continue }
                    #expect(throws: (any Error).self, "\(length) of \(bytes.count) bytes") {
                        try ImageLoader(store, lease: lease).load(Array(bytes.prefix(length)))
                    }
                }
            }
            #expect(try StoreState(store) == before)
            #expect(try ImageLoader(store, lease: lease).load(bytes).count == 1)
        }
    }
}
