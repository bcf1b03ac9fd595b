internal import ImageSpec

/// An image of an archive whose documents were read and verified, and whose layers were not.
struct PlannedImage: Sendable {
    struct Layer: Sendable {
        let diffID: DiffID
        /// Where the layer stands in the archive, for messages.
        let path: String
        /// Nil when the archive lacks it, which does no harm where the store has the layer.
        let file: FileRange?
        /// Of the blob as it comes; nil when the archive does not say.
        let digest: Digest?
        let sizeBytes: Int64?
        /// Where else the layer might be had.
        let urls: [String]
    }

    let configBytes: [UInt8]
    let config: ImageConfig
    /// Bottom first, one for each diffID of the config.
    let layers: [Layer]
    var names: [Reference]

    var id: ImageID { ImageID(Digest(of: configBytes)) }
}
