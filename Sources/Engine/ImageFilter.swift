internal import Dockerfile
package import ImageSpec

/// Which images a list shows, as Docker's `--filter` says it.
package struct ImageFilter: Sendable {
    package enum Condition: Sendable {
        case isDangling(Bool)
        case reference(NamePattern)
        case label(LabelCondition)
        case before(String)
        case since(String)

        /// - Parameter text: `KEY=VALUE`.
        /// - Throws: ``EngineError`` `invalid`.
        package init(_ text: String) throws {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                .map(String.init)
            guard parts.count == 2, !parts[1].isEmpty else {
                throw EngineError(.invalid, "write KEY=VALUE", hint: Self.known)
            }
            let value = parts[1]
            switch parts[0] {
            case "dangling":
                switch value {
                case "true", "1": self = .isDangling(true)
                case "false", "0": self = .isDangling(false)
                default: throw EngineError(.invalid, "dangling is true or false")
                }
            case "reference": self = .reference(try NamePattern(value))
            case "label": self = .label(LabelCondition(value))
            case "before": self = .before(value)
            case "since": self = .since(value)
            default:
                throw EngineError(
                    .invalid, "there is no filter \"\(parts[0])\"", hint: Self.known)
            }
        }

        private static let known =
            "there are dangling=true|false, reference=PATTERN, label=NAME[=VALUE], before=IMAGE "
            + "and since=IMAGE"
    }

    private var isDangling: Bool?
    /// One of each list has to fit.
    private var patterns: [[NamePattern]] = []
    private var labels: [LabelCondition] = []
    /// The images that must be newer and older, as the user named them.
    private(set) var before: String?
    private(set) var since: String?

    package init(_ conditions: [Condition] = []) {
        var alternatives: [NamePattern] = []
        for condition in conditions {
            switch condition {
            case .isDangling(let value): isDangling = value
            case .reference(let pattern): alternatives.append(pattern)
            case .label(let label): labels.append(label)
            case .before(let image): before = image
            case .since(let image): since = image
            }
        }
        if !alternatives.isEmpty { patterns.append(alternatives) }
    }

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
