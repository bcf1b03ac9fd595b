/// The media type of a blob (OCI image-spec, media-types.md; Docker Image Manifest V2, Schema 2).
package struct MediaType: RawRepresentable, Hashable, Sendable {
    package let rawValue: String
    package init(rawValue: String) { self.rawValue = rawValue }
    package init(_ rawValue: String) { self.rawValue = rawValue }

    package static let ociIndex = Self("application/vnd.oci.image.index.v1+json")
    package static let ociManifest = Self("application/vnd.oci.image.manifest.v1+json")
    package static let ociConfig = Self("application/vnd.oci.image.config.v1+json")
    package static let ociLayer = Self("application/vnd.oci.image.layer.v1.tar")
    package static let ociLayerGzip = Self("application/vnd.oci.image.layer.v1.tar+gzip")
    package static let ociLayerZstd = Self("application/vnd.oci.image.layer.v1.tar+zstd")
    package static let ociLayerNondistributable =
        Self("application/vnd.oci.image.layer.nondistributable.v1.tar")

    package static let dockerManifestList =
        Self("application/vnd.docker.distribution.manifest.list.v2+json")
    package static let dockerManifest = Self("application/vnd.docker.distribution.manifest.v2+json")
    package static let dockerManifestV1 =
        Self("application/vnd.docker.distribution.manifest.v1+json")
    package static let dockerManifestV1Signed =
        Self("application/vnd.docker.distribution.manifest.v1+prettyjws")
    package static let dockerConfig = Self("application/vnd.docker.container.image.v1+json")
    package static let dockerLayer = Self("application/vnd.docker.image.rootfs.diff.tar")
}

extension MediaType: CustomStringConvertible {
    package var description: String { rawValue }
}

extension MediaType {
    /// What the blob is.
    package enum Kind: Hashable, Sendable {
        case index, manifest, config
        case layer(Compression)
        case other
    }

    /// How a layer's tar is packed.
    package enum Compression: String, Hashable, Sendable { case none, gzip, zstd }

    package var kind: Kind {
        switch self {
        case .ociIndex, .dockerManifestList: .index
        case .ociManifest, .dockerManifest: .manifest
        case .ociConfig, .dockerConfig: .config
        default: layerCompression.map(Kind.layer) ?? .other
        }
    }

    private static let layerPrefixes = [
        ociLayer.rawValue, ociLayerNondistributable.rawValue, dockerLayer.rawValue,
        "application/vnd.docker.image.rootfs.foreign.diff.tar",
    ]

    /// The packing of a layer; nil for what is no layer in a known packing.
    package var layerCompression: Compression? {
        for prefix in Self.layerPrefixes where rawValue.hasPrefix(prefix) {
            switch rawValue.dropFirst(prefix.count) {
            case "": return Compression.none
            case "+gzip", ".gzip": return .gzip
            case "+zstd", ".zstd": return .zstd
            default: return nil
            }
        }
        return nil
    }

    /// The type of an OCI layer in that packing.
    package static func ociLayer(_ compression: Compression) -> MediaType {
        switch compression {
        case .none: .ociLayer
        case .gzip: .ociLayerGzip
        case .zstd: .ociLayerZstd
        }
    }
}
