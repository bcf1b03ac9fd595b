extension TarEntry {
    /// What it keeps in memory that an archive can make large.
    var metadataBytes: Int {
        attributes.reduce(path.count + linkTarget.count) { $0 + $1.name.count + $1.value.count }
    }
}

/// What the entries of a layer, or of another archive of files, may still take of the limits.
package struct EntryAllowance {
    private let limits: ArchiveLimits
    private var entries = 0
    private var metadataBytes = 0
    private var holeBytes: UInt64 = 0

    package init(_ limits: ArchiveLimits) { self.limits = limits }

    /// - Throws: `tooLarge` when the entry is too much.
    package mutating func take(_ entry: TarEntry) throws(LayerError) {
        entries += 1
        guard entries <= limits.layerEntries else {
            throw LayerError(
                .tooLarge, "there are more than \(limits.layerEntries) entries, the limit",
                path: entry.path)
        }
        metadataBytes += entry.metadataBytes
        guard metadataBytes <= limits.layerMetadataBytes else {
            throw LayerError(
                .tooLarge,
                "the names, link targets and extended attributes of the entries have more than "
                    + "\(limits.layerMetadataBytes) bytes, the limit", path: entry.path)
        }
        guard entry.extents != nil else { return }
        // Both are less than 2^63.
        holeBytes += UInt64(max(0, entry.sizeBytes - entry.storedSizeBytes))
        guard holeBytes <= limits.holeBytes else {
            throw LayerError(
                .tooLarge, "the holes of the sparse files are larger than the limit",
                path: entry.path)
        }
    }
}
