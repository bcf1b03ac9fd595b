internal import ImageSpec
internal import Store

/// Which containers a list shows, as Docker's `--filter` says it: of one key any condition, but of
/// labels each; of all keys each.
package struct ContainerFilter: Sendable {
    package struct Condition: Sendable {
        fileprivate enum Key: String, CaseIterable {
            case id, name, label, exited, status, ancestor, before, since, volume, publish, expose
            case health, network
            case restartPolicy = "restart-policy"
        }
        fileprivate var key: Key
        fileprivate var value: String

        /// - Parameter text: `KEY=VALUE`.
        /// - Throws: ``EngineError`` `invalid`.
        package init(_ text: String) throws {
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, let key = Key(rawValue: parts[0]) else {
                throw EngineError(
                    .invalid, "\"\(text)\" is no condition",
                    hint: "write KEY=VALUE with one of "
                        + Key.allCases.map(\.rawValue).joined(separator: ", "))
            }
            (self.key, value) = (key, parts[1])
            try check()
        }

        private func check() throws {
            let allowed: [String]? =
                switch key {
                case .status:
                    ["created", "running", "paused", "restarting", "exited", "dead"]
                case .restartPolicy: ["no", "always", "unless-stopped", "on-failure"]
                case .health: ["starting", "healthy", "unhealthy", "none"]
                default: nil
                }
            if let allowed, !allowed.contains(value) {
                throw EngineError(
                    .invalid, "\"\(value)\" is no \(key.rawValue)",
                    hint: "there are \(allowed.joined(separator: ", "))")
            }
            if key == .exited, Int32(value) == nil {
                throw EngineError(.invalid, "\"\(value)\" is no exit code")
            }
            if key == .name, (try? Regex(value)) == nil {
                throw EngineError(
                    .invalid, "\"\(value)\" is no pattern for names",
                    hint: "it is a regular expression, such as ^web or web-[0-9]")
            }
        }
    }

    private let conditions: [Condition.Key: [String]]

    package init(_ conditions: [Condition]) {
        self.conditions = Dictionary(grouping: conditions, by: \.key).mapValues { $0.map(\.value) }
    }

    /// Whether it names states itself: then those that do not run are shown, too.
    package var asksForState: Bool { conditions[.status] != nil || conditions[.exited] != nil }

    /// - Parameter all: newest first.
    package func select(
        from all: [ContainerSummary], on engine: Engine
    ) throws -> [ContainerSummary] {
        var found = all
        for (key, values) in conditions {
            switch key {
            case .before, .since:
                for value in values {
                    let mark = try engine.container(value).createdAt
                    found.removeAll {
                        key == .before ? $0.record.createdAt >= mark : $0.record.createdAt <= mark
                    }
                }
            case .ancestor:
                let images = try values.map { try ancestry($0, engine) }
                found.removeAll { container in
                    !images.contains { $0.contains(container.record.image) }
                }
            default: found.removeAll { !matches($0, key, values) }
            }
        }
        return found
    }

    /// The image and all that were made from it: those with its layers below theirs.
    private func ancestry(_ name: String, _ engine: Engine) throws -> Set<ImageID> {
        let image = try engine.image(name)
        var found: Set<ImageID> = [image.id]
        guard let chain = image.chainID else { return found }
        for other in try engine.store.images() where other.layerCount > image.layerCount {
            let layers = try engine.store.layers(upTo: other.chainID)
            if layers.contains(where: { $0.chainID == chain }) { found.insert(other.id) }
        }
        return found
    }

    private func matches(
        _ container: ContainerSummary, _ key: Condition.Key, _ values: [String]
    ) -> Bool {
        let record = container.record
        if key == .label {
            return values.map { LabelCondition($0) }.hold(for: record.settings.labels)
        }
        return values.contains { matches(container, key, $0) }
    }

    private func matches(
        _ container: ContainerSummary, _ key: Condition.Key, _ value: String
    ) -> Bool {
        let (record, state) = (container.record, container.state)
        switch key {
        case .id: return record.id.text.hasPrefix(value)
        // As Docker: a regular expression that fits a part of it, with a slash before it or without.
        case .name:
            guard let pattern = try? Regex(value) else { return false }  // was checked
            return record.name.contains(pattern) || "/\(record.name)".contains(pattern)
        case .exited: return state.status == .exited && state.exitCode == Int32(value)
        case .status: return state.status.rawValue == value
        case .volume:
            return record.settings.mounts.contains { mount in
                if mount.target == value { return true }
                switch mount.source {
                case .bind(let path, _): return path == value
                case .volume(let name, _): return name == value
                case .memory: return false
                }
            }
        case .publish:
            return state.publishedPorts.contains {
                "\($0.containerPort)" == value
                    || "\($0.containerPort)/\($0.transport.rawValue)" == value
            }
        case .expose:
            return record.settings.exposedPorts.contains { $0 == value || $0 == value + "/tcp" }
        case .health: return (state.health?.rawValue ?? "none") == value
        case .restartPolicy:
            // What was stopped on purpose is not to be started by itself.
            let kind = record.settings.restartPolicy.kind
            return kind.rawValue == value && !(kind == .unlessStopped && state.wasStopped)
        case .network: return container.networkText == value
        case .label, .before, .since, .ancestor: return true
        }
    }
}
