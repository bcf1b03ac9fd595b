internal import Glibc
package import ImageSpec
package import Store

extension Engine {
    /// How long it takes at most until something that happened is told.
    private static let eventPauseMicroseconds: UInt32 = 50_000

    /// Calls `body` for each event, as it comes, until `until` has.
    /// - Parameters:
    ///   - since: also those that were from this time on; nil is only what comes.
    ///   - until: nanoseconds since 1970; nil is without end.
    package func watchEvents(
        since: Int64?, until: Int64?, _ body: (EventRecord) throws -> Void
    ) throws {
        var last = since == nil ? try store.lastEvent() : 0
        while true {
            let now = Store.now()
            for event in try store.events(after: last) {
                last = event.number
                if let since, event.time < since { continue }
                if let until, event.time > until { return }
                try body(event)
            }
            if let until, now >= until { return }
            if case .complete = StandardStream.output.state {} else { return }
            usleep(Self.eventPauseMicroseconds)
        }
    }
}

/// Which events are told, as Docker's `--filter` says it: of one key any, but of labels each; of all
/// keys each.
package struct EventFilter: Sendable {
    /// The last ones are of what never happens here.
    private static let keys = [
        "type", "event", "container", "image", "volume", "scope", "daemon", "network",
    ]

    private var conditions: [String: [String]] = [:]
    private var labels: [LabelCondition] = []

    /// - Throws: ``EngineError`` `invalid`.
    package init(_ texts: [FilterText]) throws {
        for text in texts {
            if let label = LabelCondition(text) {
                labels.append(label)
            } else if Self.keys.contains(text.key) {
                conditions[text.key, default: []].append(text.value)
            } else {
                throw text.unknown(
                    "type, event, container, image, volume, label and label!")
            }
        }
    }

    package func matches(_ event: EventRecord) -> Bool {
        labels.hold(for: event.attributes)
            && conditions.allSatisfy { key, values in
                values.contains { matches(event, key, $0) }
            }
    }

    private func matches(_ event: EventRecord, _ key: String, _ value: String) -> Bool {
        switch key {
        case "type": return event.kind.rawValue == value
        case "event": return event.action == value || event.action.hasPrefix(value + ":")
        case "scope": return value == "local"
        case "container", "volume", "image":
            if key == "image", event.kind == .container {
                return Self.isNamed(event.attributes["image"], value)
            }
            guard event.kind.rawValue == key else { return false }
            return event.actor.hasPrefix(value) || Self.isNamed(event.attributes["name"], value)
        default: return false
        }
    }

    /// As Docker: an image is meant by its name with or without the tag.
    private static func isNamed(_ name: String?, _ value: String) -> Bool {
        guard let name, name != value else { return name != nil }
        // What is no reference has no tag.
        return (try? Reference(parsing: name))?.familiarRepository == value
    }
}

extension EventRecord {
    /// Docker's form.
    package var json: JSONValue {
        var attributes = JSONObject()
        for (name, value) in self.attributes.sorted(by: { $0.key < $1.key }) {
            attributes.append(name, value)
        }
        var actorObject = JSONObject()
        actorObject.append("ID", .string(actor))
        actorObject.append("Attributes", .object(attributes))
        var object = JSONObject()
        if kind == .container || kind == .image {
            object.append("status", action)
            object.append("id", actor)
        }
        if kind == .container { object.append("from", self.attributes["image"] ?? "") }
        object.append("Type", kind.rawValue)
        object.append("Action", action)
        object.append("Actor", .object(actorObject))
        object.append("scope", "local")
        object.append("time", JSONValue(time / 1_000_000_000))
        object.append("timeNano", JSONValue(time))
        return .object(object)
    }
}
