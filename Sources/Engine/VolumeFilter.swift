internal import Store

/// Which volumes are meant: conditions of one kind are alternatives, but those for labels, which are
/// joined as Docker does it.
package struct VolumeFilter: Sendable {
    private var isDangling: Bool?
    private var names: [String] = []
    private var drivers: [String] = []
    private var labels: [LabelCondition] = []

    package init(labels: [LabelCondition] = []) { self.labels = labels }

    /// - Throws: ``EngineError`` `invalid`.
    package init(_ texts: [FilterText]) throws {
        for text in texts {
            switch text.key {
            case "dangling": isDangling = try text.flag(besides: isDangling)
            case "name": names.append(text.value)
            case "driver": drivers.append(text.value)
            default:
                guard let label = LabelCondition(text) else {
                    throw text.unknown(
                        "dangling=true|false, name=PATTERN, driver=NAME, label=NAME[=VALUE] and "
                            + "label!=NAME[=VALUE]")
                }
                labels.append(label)
            }
        }
    }

    func passes(_ volume: Engine.VolumeSummary) -> Bool {
        if let isDangling, volume.users.isEmpty != isDangling { return false }
        if !drivers.isEmpty, !drivers.contains("local") { return false }
        return labels.hold(for: volume.record.labels)
            && (names.isEmpty || names.contains { Self.fits(volume.record.name, $0) })
    }

    /// As Docker: a part of the name, or a regular expression that fits a part of it.
    private static func fits(_ name: String, _ pattern: String) -> Bool {
        if pattern.isEmpty || name.contains(pattern) { return true }
        // What is no expression is a text.
        return (try? Regex(pattern)).map { name.contains($0) } ?? false
    }
}
