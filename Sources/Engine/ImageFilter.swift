internal import Dockerfile
package import ImageSpec

/// Which images a list shows, as Docker's `--filter` says it.
package struct ImageFilter: Sendable {
    private var isDangling: Bool?
    /// One of each list has to fit.
    private var patterns: [[NamePattern]] = []
    private var labels: [LabelCondition] = []
    /// Nanoseconds since 1970: only images that were made before.
    private var until: Int64?
    /// The images that must be newer and older, as the user named them.
    private(set) var before: String?
    private(set) var since: String?

    package init() {}

    /// - Throws: ``EngineError`` `invalid`.
    package init(_ texts: [FilterText]) throws {
        var alternatives: [NamePattern] = []
        for text in texts {
            switch text.key {
            case "dangling": isDangling = try text.flag(besides: isDangling)
            case "reference": alternatives.append(try NamePattern(text.value))
            case "before": before = text.value
            case "since": since = text.value
            case "until":
                let time = try PointInTime.parse(text.value)
                until = min(until ?? time, time)
            default:
                guard let label = LabelCondition(text) else { throw text.unknown(Self.known) }
                labels.append(label)
            }
        }
        if !alternatives.isEmpty { patterns.append(alternatives) }
    }

    private static let known =
        "dangling=true|false, reference=PATTERN, label=NAME[=VALUE], label!=NAME[=VALUE], "
        + "before=IMAGE, since=IMAGE and until=TIME"

    /// Lets only those pass that also have a name of this pattern.
    /// - Throws: ``EngineError`` `invalid`.
    package mutating func narrow(to pattern: String) throws {
        patterns.append([try NamePattern(pattern)])
    }

    var asksForLabels: Bool { !labels.isEmpty }

    /// - Returns: the names that fit; nil when the image does not, whatever else it has.
    func fitting(_ names: [Reference]) -> [Reference]? {
        if let isDangling, names.isEmpty != isDangling { return nil }
        guard !patterns.isEmpty else { return names }
        let fitting = names.filter { name in
            patterns.allSatisfy { alternatives in alternatives.contains { $0.matches(name) } }
        }
        return fitting.isEmpty ? nil : fitting
    }

    func fits(createdAt: Int64) -> Bool { until.map { createdAt < $0 } ?? true }

    func fits(labels present: [String: String]) -> Bool { labels.hold(for: present) }
}

/// A pattern for the names of images: Go's `path.Match` on the name, with or without its tag.
package struct NamePattern: Sendable {
    private let glob: GlobPattern

    /// - Throws: ``EngineError`` `invalid`.
    package init(_ text: String) throws {
        do {
            glob = try GlobPattern(parsing: Array(text.utf8))
        } catch {
            throw EngineError(.invalid, "\"\(text)\" is no pattern: \(error.message)")
        }
    }

    package func matches(_ name: Reference) -> Bool {
        [name.familiarName, name.familiarRepository, name.canonical, name.repository]
            .contains { glob.matches(Array($0.utf8)) }
    }
}
