package import ImageSpec

extension CacheKey {
    /// The name of the entry's directory in the gallery.
    package var directoryName: String { String(digest.hex.prefix(Self.directoryNameLength)) }
    package static let directoryNameLength = 16
}

extension BuildStepRecord {
    /// The step and why it ran or did not, as "cache explain" and the gallery tell it.
    package var summary: [String] {
        let text = instruction.split(whereSeparator: \.isNewline).joined(separator: " ").visible
        let name = place.isEmpty ? "" : "[\(place)] "
        var lines = ["#\(number) \(name)\(text)"]
        switch outcome {
        case .cached: lines.append("    cached")
        case .failed: lines.append("    failed")
        case .done: break
        }
        lines += (explanation?.lines ?? []).map { "    not cached: \($0.visible)" }
        if let key { lines.append("    key \(key.directoryName)") }
        return lines
    }
}
