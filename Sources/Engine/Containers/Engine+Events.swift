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

/// Which events are told, as Docker's `--filter` says it: of one key any, of all keys each.
package struct EventFilter: Sendable {
    package struct Condition: Sendable {
        fileprivate var key: String
        fileprivate var value: String

        /// - Throws: ``EngineError`` `invalid`.
        package init(_ text: String) throws {
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, Self.keys.contains(parts[0]) else {
                throw EngineError(
                    .invalid, "\"\(text)\" is no condition",
                    hint: "write KEY=VALUE with one of " + Self.keys.joined(separator: ", "))
            }
            (key, value) = (parts[0], parts[1])
        }

        private static let keys = [
            "type", "event", "container", "image", "volume", "label",
        ]
    }

    private let conditions: [String: [String]]

    package init(_ conditions: [Condition]) {
        self.conditions = Dictionary(grouping: conditions, by: \.key).mapValues { $0.map(\.value) }
    }

    package func matches(_ event: EventRecord) -> Bool {
        conditions.allSatisfy { key, values in
            values.contains { matches(event, key, $0) }
        }
    }

    private func matches(_ event: EventRecord, _ key: String, _ value: String) -> Bool {
        switch key {
        case "type": return event.kind.rawValue == value
        case "event": return event.action == value || event.action.hasPrefix(value + ":")
        case "container", "volume", "image":
            if key == "image", event.kind == .container {
                return event.attributes["image"] == value
            }
            guard event.kind.rawValue == key else { return false }
            return event.actor.hasPrefix(value) || event.attributes["name"] == value
        case "label":
            let parts = value.split(separator: "=", maxSplits: 1).map(String.init)
            guard let found = event.attributes[parts[0]] else { return false }
            return parts.count == 1 || found == parts[1]
        default: return false
        }
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
        actorObject.append("ID", actor)
        actorObject.append("Attributes", .object(attributes))
        var object = JSONObject()
        object.append("Type", kind.rawValue)
        object.append("Action", action)
        object.append("Actor", .object(actorObject))
        object.append("scope", "local")
        object.append("time", JSONValue(time / 1_000_000_000))
        object.append("timeNano", JSONValue(time))
        return .object(object)
    }
}
