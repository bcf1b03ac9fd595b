package import ImageSpec
package import Layers

/// Where a build's result goes (`--output`).
package struct BuildOutput: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// The store.
        case image
        /// An archive of the image.
        case archive(ImageArchiveFormat, ArchiveTarget)
        /// An OCI layout, which may be there.
        case layout(directory: String)
        /// The files as a tar.
        case tar(ArchiveTarget)
        /// The files in a directory of the host, which may be there.
        case directory(String)
    }

    package var kind: Kind
    /// The names of the image there; none takes the build's tags.
    package var names: [Reference]
    /// Of the layers of an archive or layout.
    package var compression: MediaType.Compression
    /// How hard that tries, on the format's own scale; nil is its default.
    package var compressionLevel: Int?
    /// Of the image there, besides those of the build.
    package var annotations: [ImageAnnotation] = []
    /// Whether the files of each platform get a directory of their own; nil where nobody says so: those
    /// of several do.
    package var splitsPlatforms: Bool?

    package init(
        _ kind: Kind, names: [Reference] = [], compression: MediaType.Compression = .none
    ) {
        self.kind = kind
        self.names = names
        self.compression = compression
    }

    /// Whether it needs no more than the files.
    package var takesFilesOnly: Bool {
        switch kind {
        case .tar, .directory: true
        case .image, .archive, .layout: false
        }
    }

    /// As progress shows it.
    var label: String {
        switch kind {
        case .image: "exporting to image"
        case .archive(.docker, _): "exporting to docker archive"
        case .archive(.oci, _): "exporting to oci archive"
        case .layout: "exporting to oci layout"
        case .tar: "exporting to tar"
        case .directory: "exporting to directory"
        }
    }
}
