import Testing

@testable import ImageSpec

private let digest = "sha256:" + String(repeating: "ab", count: 32)

@Suite struct ManifestTests {
    private let manifest =
        #"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","#
        + #""config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"\#(digest)","size":7},"#
        + #""layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+zstd","digest":"\#(digest)","#
        + #""size":9,"urls":["https://x/y"],"annotations":{"a":"b"},"data":"aGk="}],"#
        + #""annotations":{"k":"v"},"subject":{"x":1}}"#

    @Test func `a manifest is written back byte for byte`() throws {
        let value = try ImageManifest(bytes: Array(manifest.utf8))
        #expect(String(decoding: value.encoded, as: UTF8.self) == manifest)
        #expect(value.config.mediaType.kind == .config)
        #expect(value.layers[0].mediaType.kind == .layer(.zstd))
        #expect(value.layers[0].sizeBytes == 9)
        #expect(value.layers[0].extras["data"] == "aGk=")
        #expect(value.extras["subject"]?["x"] == 1)
    }

    @Test(
        arguments: [
            (#"{"schemaVersion":1}"#, ImageSpecError.Code.unsupportedVersion),
            (#"{}"#, .unsupportedVersion),
            (#"{"schemaVersion":2}"#, .missingField),
            (#"{"schemaVersion":2,"config":{"digest":"x","size":1}}"#, .invalidDigest),
            (#"{"schemaVersion":2,"config":{"digest":"\#(digest)"}}"#, .missingField),
            (#"{"schemaVersion":2,"config":{"digest":"\#(digest)","size":-1}}"#, .wrongType),
            (#"{"schemaVersion":2,"config":{"digest":"\#(digest)","size":1}}"#, .missingField),
            (#"{"schemaVersion":2,"config":{"digest":"\#(digest)","size":1e3}}"#, .wrongType),
        ] as [(String, ImageSpecError.Code)])
    func `a malformed manifest is refused`(_ text: String, _ code: ImageSpecError.Code) throws {
        let error = try #require(throws: ImageSpecError.self) {
            try ImageManifest(bytes: Array(text.utf8))
        }
        #expect(error.code == code)
    }

    @Test func `an index is read as it was written`() throws {
        func entry(_ size: Int64, _ platform: String?, attestation: Bool = false) throws
            -> Descriptor
        {
            Descriptor(
                mediaType: .ociManifest, digest: try #require(Digest(digest)), sizeBytes: size,
                annotations: attestation
                    ? ["vnd.docker.reference.type": "attestation-manifest"] : [:],
                platform: try platform.map { try Platform.parse($0) })
        }
        let index = ImageIndex(manifests: [
            try entry(1, "linux/386"), try entry(2, "linux/amd64"), try entry(3, "linux/arm/v6"),
            try entry(4, "unknown/unknown", attestation: true), try entry(5, "linux/amd64"),
        ])
        #expect(try ImageIndex(bytes: index.encoded) == index)
        #expect(index.manifests.map(\.isAttestation) == [false, false, false, true, false])
    }

    @Test(arguments: [
        (MediaType.ociLayer, MediaType.Kind.layer(.none)),
        (.ociLayerGzip, .layer(.gzip)), (.ociLayerZstd, .layer(.zstd)),
        (.dockerLayer, .layer(.none)),
        (MediaType("application/vnd.docker.image.rootfs.diff.tar.gzip"), .layer(.gzip)),
        (MediaType("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"), .layer(.gzip)),
        (
            MediaType("application/vnd.oci.image.layer.nondistributable.v1.tar+zstd"),
            .layer(.zstd)
        ),
        (.ociIndex, .index), (.dockerManifestList, .index),
        (.dockerManifest, .manifest), (.dockerConfig, .config),
        (MediaType("application/vnd.in-toto+json"), .other), (MediaType(""), .other),
        (MediaType("application/vnd.oci.image.layer.v1.tar+lz4"), .other),
    ])
    func `a media type says what the blob is`(_ type: MediaType, _ kind: MediaType.Kind) {
        #expect(type.kind == kind)
    }

    @Test func `the files of a Docker archive are read and written`() throws {
        let text =
            #"[{"Config":"c.json","RepoTags":["a:1"],"Layers":["l/layer.tar"]},"#
            + #"{"Config":"d.json","RepoTags":null,"Layers":[],"Parent":"p"}]"# + "\n"
        let images = try DockerArchive.images(manifest: Array(text.utf8))
        #expect(images.map(\.repoTags) == [["a:1"], []])
        #expect(images[0].layerPaths == ["l/layer.tar"])
        #expect(String(decoding: DockerArchive.manifest(of: images), as: UTF8.self) == text)
        let repositories = DockerArchive.repositories([
            (try Reference(parsing: "b:2"), "t2"), (try Reference(parsing: "a:1"), "t1"),
            (try Reference(parsing: "b:1"), "t1"),
        ])
        let expected = #"{"a":{"1":"t1"},"b":{"1":"t1","2":"t2"}}"# + "\n"
        #expect(String(decoding: repositories, as: UTF8.self) == expected)
        #expect(throws: ImageSpecError.self) {
            try DockerArchive.images(manifest: Array("{}".utf8))
        }
    }
}
