internal import ImageSpec

/// The files of an OCI image layout (OCI image-spec, image-layout.md).
enum OCILayout {
    /// Says that a directory is a layout, and of which version.
    static let markerPath = "oci-layout"
    static let marker = Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8)
    static let indexPath = "index.json"
    static let blobsPath = "blobs/sha256"

    static func blobPath(_ digest: Digest) -> String { "\(blobsPath)/\(digest.hex)" }
}
