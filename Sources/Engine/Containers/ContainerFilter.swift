internal import ImageSpec
internal import Store

/// Which containers a list shows, as Docker's `--filter` says it: of one key any condition, but of
/// labels each; of all keys each.
package struct ContainerFilter: Sendable {
    private enum Key: String, CaseIterable {
        case id, name, label, exited, status, ancestor, before, since, volume, publish, expose
        case health, network
        case restartPolicy = "restart-policy"
    }

    private var conditions: [Key: [String]] = [:]
    private var labels: [LabelCondition] = []

    /// - Throws: ``EngineError`` `invalid`.
    package init(_ texts: [FilterText]) throws {
        for text in texts {
            if let label = LabelCondition(text) {
                labels.append(label)
            } else if let key = Key(rawValue: text.key) {
                try Self.check(text.value, of: key)
                conditions[key, default: []].append(text.value)
            } else {
                throw text.unknown(Key.allCases.map(\.rawValue).joined(separator: ", "))
            }
        }
    }

    private static func check(_ value: String, of key: Key) throws {
        let allowed: [String]? =
            switch key {
            case .status:
                ["created", "running", "paused", "restarting", "removing", "exited", "dead"]
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
        if key == .name, !value.isEmpty, (try? Regex(value)) == nil {
            throw EngineError(
                .invalid, "\"\(value)\" is no pattern for names",
                hint: "it is a regular expression, such as ^web or web-[0-9]")
        }
        if key == .publish || key == .expose, PortCondition(value) == nil {
            throw EngineError(
                .invalid, "\"\(value)\" is no port",
                hint: "write 80, 53/udp or 8000-8010/tcp")
        }
    }

    /// Whether it names states itself: then those that do not run are shown, too.
    package var asksForState: Bool { conditions[.status] != nil || conditions[.exited] != nil }

    /// - Parameter all: newest first.
    package func select(
        from all: [ContainerSummary], on engine: Engine
    ) throws -> [ContainerSummary] {
        var found = all.filter { labels.hold(for: $0.record.settings.labels) }
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
            default:
                found.removeAll { container in
                    !values.contains { matches(container, key, $0) }
                }
            }
        }
        return found
    }

    /// The image and all that were made from it: those with its layers below theirs. None of one that
    /// is not there.
    private func ancestry(_ name: String, _ engine: Engine) throws -> Set<ImageID> {
        let image: ImageRecord
        do {
            image = try engine.image(name)
        } catch let error as EngineError where error.code == .notFound {
            return []
        }
        var found: Set<ImageID> = [image.id]
        guard let chain = image.chainID else { return found }
        for other in try engine.store.images() where other.layerCount > image.layerCount {
            let layers = try engine.store.layers(upTo: other.chainID)
            if layers.contains(where: { $0.chainID == chain }) { found.insert(other.id) }
        }
        return found
    }

    private func matches(
        _ container: ContainerSummary, _ key: Key, _ value: String
    ) -> Bool {
        let (record, state) = (container.record, container.state)
        switch key {
        case .id: return !value.isEmpty && record.id.text.hasPrefix(value)
        // As Docker: a regular expression that fits a part of it, with a slash before it or without.
        case .name:
            guard let pattern = try? Regex(value) else { return value.isEmpty }  // was checked
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
        // As Docker: the port of the host.
        case .publish:
            return PortCondition(value).map { condition in
                state.publishedPorts.contains {
                    condition.includes($0.hostPort, $0.transport.rawValue)
                }
            } ?? false
        case .expose:
            return PortCondition(value).map { condition in
                record.settings.exposedPorts.contains { condition.includes($0) }
                    || state.publishedPorts.contains {
                        condition.includes($0.containerPort, $0.transport.rawValue)
                    }
            } ?? false
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
