package import ImageSpec

/// Why a step was not taken from the build cache: what of its inputs differs from those of the
/// nearest step that was built before.
package struct CacheExplanation: Hashable, Sendable {
    package enum Reason: String, Hashable, Sendable {
        /// Its inputs are other ones than those of the nearest entry.
        case changed
        /// Nothing like it was built before.
        case new
        /// It was built, and its entry was removed since.
        case removed
        /// Its entry was there, and not whole.
        case damaged
        /// The user wanted all steps run.
        case disabled
        /// The user wanted the steps of its stage run.
        case filtered
    }

    /// One input that differs.
    package struct Change: Hashable, Sendable {
        /// What it is about: `argument VERSION`, `src/main.c`.
        package var subject: String
        /// Nil for one that was not there, or that says nothing to people.
        package var old: String?
        package var new: String?
        /// The change as a sentence without its full stop: `argument VERSION: 1 → 2`.
        package var text: String

        package init(_ subject: String, old: String? = nil, new: String? = nil, text: String) {
            self.subject = subject
            self.old = old
            self.new = new
            self.text = text
        }
    }

    package var reason: Reason
    /// The build whose step it was compared with, or which had the entry; nil if that is not known.
    package var build: String?
    /// The entry that it was compared with.
    package var key: CacheKey?
    package var changes: [Change]
    /// How many more there are than are kept.
    package var omittedCount = 0

    /// More than anybody reads.
    package static let maximumChanges = 100

    package init(
        _ reason: Reason, build: String? = nil, key: CacheKey? = nil, changes: [Change] = []
    ) {
        self.reason = reason
        self.build = build
        self.key = key
        self.changes = Array(changes.prefix(Self.maximumChanges))
        omittedCount = max(0, changes.count - Self.maximumChanges)
    }

    /// The explanation, a line each.
    package var lines: [String] { lines(upTo: .max) }

    /// - Parameter count: of the changes.
    package func lines(upTo count: Int) -> [String] {
        switch reason {
        case .new: return ["never built before"]
        case .removed:
            return ["its entry was removed" + (build.map { " after build \($0)" } ?? "")]
        case .damaged: return ["its entry was damaged"]
        case .disabled: return ["the cache is not used (--no-cache)"]
        case .filtered: return ["the cache is not used for its stage (--no-cache-filter)"]
        case .changed:
            var lines = changes.prefix(count).map(\.text)
            let more = changes.count - lines.count + omittedCount
            if more > 0 { lines.append("and \(more) more") }
            return lines
        }
    }
}

// MARK: - Keeping

extension CacheExplanation {
    /// For programs, and to be kept with a step.
    package var json: JSONValue {
        var object = JSONObject()
        object.append("Reason", reason.rawValue)
        object.append("Build", build)
        object.append("Key", key.map { "\($0)" })
        if reason == .changed {
            object.append(
                "Changes",
                .array(
                    changes.map { change in
                        var object = JSONObject()
                        object.append("Subject", change.subject)
                        object.append("Old", change.old)
                        object.append("New", change.new)
                        object.append("Text", change.text)
                        return .object(object)
                    }))
            if omittedCount > 0 { object.append("Omitted", JSONValue(omittedCount)) }
        }
        return .object(object)
    }

    /// - Returns: nil for what a later version wrote.
    init?(_ json: JSONValue) {
        guard let reason = json["Reason"]?.stringValue.flatMap(Reason.init) else { return nil }
        self.init(
            reason, build: json["Build"]?.stringValue,
            key: json["Key"]?.stringValue.flatMap { Digest($0) }.map { CacheKey($0) },
            changes: (json["Changes"]?.arrayValue ?? []).compactMap { change in
                guard let subject = change["Subject"]?.stringValue,
                    let text = change["Text"]?.stringValue
                else { return nil }
                return Change(
                    subject, old: change["Old"]?.stringValue, new: change["New"]?.stringValue,
                    text: text)
            })
        omittedCount = json["Omitted"]?.integerValue.map { Int(clamping: $0) } ?? 0
    }
}
