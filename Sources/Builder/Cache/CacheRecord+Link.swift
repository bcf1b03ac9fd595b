package import ImageSpec
package import Store

extension CacheRecord {
    /// For a COPY or ADD `--link`, the key of what it made on nothing.
    package var linkedKey: CacheKey? {
        var lines = inputs.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.contains(CacheInputs.linkLine[...]), lines.count > 1,
            lines[1].hasPrefix("parent ")
        else { return nil }
        lines.remove(at: 1)
        return CacheKey(Digest(of: Array(lines.joined(separator: "\n").utf8)))
    }
}
