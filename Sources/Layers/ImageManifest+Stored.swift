package import ImageSpec
package import Store

extension ImageManifest {
    /// The manifest of a stored image: its layers as uncompressed tars, each named by its diffID.
    /// The same image has the same manifest in every store.
    package static func uncompressed(
        config: [UInt8], layers: [LayerRecord]
    ) -> ImageManifest {
        ImageManifest(
            config: Descriptor(
                mediaType: .ociConfig, digest: Digest(of: config), sizeBytes: Int64(config.count)),
            layers: layers.map {
                Descriptor(
                    mediaType: .ociLayer, digest: $0.diffID.digest,
                    sizeBytes: Int64(clamping: $0.tarSizeBytes))
            })
    }
}

extension Timestamp {
    /// Nanoseconds since 1970; Go's zero time is 0, and what 64 bits cannot hold (before 1677 and
    /// after 2262) is the nearest that they can.
    package var clampedNanoseconds: Int64 {
        if isZero { return 0 }
        let (scaled, overflow) = unixSeconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return unixSeconds < 0 ? .min : .max }
        let (sum, over) = scaled.addingReportingOverflow(Int64(nanoseconds))
        return over ? .max : sum
    }
}
