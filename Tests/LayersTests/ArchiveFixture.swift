import Foundation
import ImageSpec
import Store

@testable import Layers

/// An image archive put together file by file; hostile ones too.
struct ArchiveFixture {
    /// In the order of the archive; a later file of one path does not replace an earlier.
    var files: [(path: String, bytes: [UInt8])] = []

    init(files: [(path: String, bytes: [UInt8])] = []) { self.files = files }

    mutating func add(_ path: String, _ bytes: [UInt8]) { files.append((path, bytes)) }

    /// Adds a blob and returns how it is referred to.
    @discardableResult
    mutating func addBlob(_ bytes: [UInt8], _ mediaType: MediaType) -> Descriptor {
        let digest = Digest(of: bytes)
        let path = "blobs/sha256/\(digest.hex)"
        if !files.contains(where: { $0.path == path }) { add(path, bytes) }
        return Descriptor(mediaType: mediaType, digest: digest, sizeBytes: Int64(bytes.count))
    }

    /// Adds an OCI image with these uncompressed layers, packed by `pack`.
    mutating func addImage(
        _ layers: [[UInt8]], platform: Platform = .host, mediaType: MediaType = .ociLayer,
        pack: ([UInt8]) throws -> [UInt8] = { $0 }
    ) throws -> Descriptor {
        let config = Self.config(layers, platform: platform)
        let manifest = ImageManifest(
            config: addBlob(config.encoded, .ociConfig),
            layers: try layers.map { addBlob(try pack($0), mediaType) })
        var descriptor = addBlob(manifest.encoded, .ociManifest)
        descriptor.platform = platform
        return descriptor
    }

    mutating func addIndex(_ manifests: [Descriptor]) {
        add("oci-layout", Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8))
        add("index.json", ImageIndex(manifests: manifests).encoded)
    }

    static func config(_ layers: [[UInt8]], platform: Platform = .host) -> ImageConfig {
        var config = ImageConfig(platform: platform)
        config.created = Timestamp("2024-01-02T03:04:05.678Z")
        config.diffIDs = layers.map { DiffID(Digest(of: $0)) }
        return config
    }

    /// A `docker save` of one image, in the layout of Docker before 25.
    static func docker(
        _ layers: [[UInt8]], tags: [String], config: ImageConfig? = nil
    ) -> ArchiveFixture {
        var archive = ArchiveFixture()
        let bytes = (config ?? Self.config(layers)).encoded
        let configPath = Digest(of: bytes).hex + ".json"
        var paths: [String] = []
        for (index, layer) in layers.enumerated() {
            let path = "layer\(index)/layer.tar"
            archive.add("layer\(index)/VERSION", Array("1.0".utf8))
            archive.add(path, layer)
            paths.append(path)
        }
        archive.add(configPath, bytes)
        archive.add(
            "manifest.json",
            DockerArchive.manifest(of: [
                DockerArchiveImage(configPath: configPath, repoTags: tags, layerPaths: paths)
            ]))
        return archive
    }

    var tar: [UInt8] {
        get throws {
            var layer = try LayerFixture()
            for file in files { try layer.add(.file(file.path), file.bytes) }
            return layer.tar
        }
    }

    /// Writes the files below a directory.
    func write(to directory: URL) throws {
        for file in files {
            let url = directory.appendingPathComponent(file.path)
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(file.bytes).write(to: url)
        }
    }

    static func compressed(_ bytes: [UInt8], _ compression: Compression) throws -> [UInt8] {
        let sink = ArraySink()
        var writer = try CompressingWriter(sink, settings: CompressionSettings(compression))
        try writer.write(bytes.span)
        _ = try writer.finish()
        return sink.bytes
    }
}

extension ImageLoader {
    /// Loads bytes as a file, or through a pipe.
    func load(_ bytes: [UInt8], throughPipe: Bool = false) throws -> [LoadedImage] {
        try withFastDirectory { directory in
            let url = directory.appendingPathComponent("archive")
            try Data(bytes).write(to: url)
            guard throughPipe else { return try load(.path(url.path)) }
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/bin/cat")
            process.arguments = [url.path]
            let pipe = Pipe()
            process.standardOutput = pipe
            try process.run()
            defer { process.waitUntilExit() }
            return try load(
                .descriptor(pipe.fileHandleForReading.fileDescriptor, name: "-"))
        }
    }
}

/// What of a store must not change when a load fails.
struct StoreState: Equatable {
    var images: [ImageRecord]
    var names: [String]
    var problems: [StoreProblem]

    init(_ store: Store) throws {
        images = try store.images()
        names = try store.names().map { "\($0.reference.canonical) \($0.image)" }
        problems = try Verifier(store).run().problems
    }
}
