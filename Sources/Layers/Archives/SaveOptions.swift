package import ImageSpec
package import Store

/// An image to be saved and the names it is saved under.
package struct ImageToSave: Hashable, Sendable {
    package var image: ImageRecord
    /// Without digests. None saves the image by its ID alone.
    package var names: [Reference]
    /// Of its manifest, besides those that it has.
    package var annotations: [String: String] = [:]
    /// Of what names its manifest in the index.
    package var descriptorAnnotations: [String: String] = [:]

    /// As an index of several lists it.
    package var platform: Platform?

    package init(_ image: ImageRecord, names: [Reference] = []) {
        self.image = image
        self.names = names
    }
}

/// The index of images for several platforms, which are saved under its names.
package struct IndexToSave: Hashable, Sendable {
    package var names: [Reference]
    package var annotations: [String: String]
    /// Of what names it in the archive's index.
    package var descriptorAnnotations: [String: String]

    package init(
        names: [Reference], annotations: [String: String] = [:],
        descriptorAnnotations: [String: String] = [:]
    ) {
        self.names = names
        self.annotations = annotations
        self.descriptorAnnotations = descriptorAnnotations
    }
}

/// The form of an image archive.
package enum ImageArchiveFormat: String, Hashable, Sendable, CaseIterable {
    /// What `docker load` and `podman load` read; an OCI layout too, as Docker writes since 25.
    case docker = "docker-archive"
    case oci = "oci-archive"
}

/// Where an archive is written.
package enum ArchiveTarget: Hashable, Sendable {
    /// A file that appears when it is complete, in place of one that was there.
    case path(String)
    /// An open file, pipe or socket; borrowed.
    case descriptor(Int32)
}

/// How an archive is written.
package struct SaveOptions: Hashable, Sendable {
    /// Of the layers inside an image archive.
    package var layerCompression: MediaType.Compression
    /// The format's own scale; nil is its default.
    package var level: Int?

    package init(layerCompression: MediaType.Compression = .none, level: Int? = nil) {
        self.layerCompression = layerCompression
        self.level = level
    }

    var settings: CompressionSettings {
        let compression: Compression =
            switch layerCompression {
            case .none: .none
            case .gzip: .gzip
            case .zstd: .zstd
            }
        // zstd's own threads: their number changes nothing of the stream.
        return CompressionSettings(compression, level: level, threads: 2)
    }
}
