package import ImageSpec
package import Store

/// A container as lists show it.
package struct ContainerSummary: Sendable {
    package var record: ContainerRecord
    /// What is true of it now.
    package var state: ContainerState
    /// Who uses it now.
    package var holder: ContainerHolder?
    /// The store's, where those that run have their root file systems mounted.
    let workDirectory: String

    /// What it would run.
    package var command: [String] { record.settings.arguments }

    /// As Docker's: `Up 3 minutes (healthy)`, `Exited (0) 2 hours ago`.
    package func statusText(now: Timestamp) -> String {
        func ago(_ time: Int64) -> String {
            HumanDuration.ago(Timestamp(nanosecondsSinceEpoch: time), now: now)
        }
        switch state.status {
        case .created, .dead, .exited:
            // A mount of the root file system alone; or it is just being started.
            let place = holder?.mountPoint
            if let place, !place.hasPrefix(workDirectory + "/") {
                return "Mounted at \(place.visible)"
            }
            if holder != nil, place == nil { return "In use" }
            if state.status == .exited {
                return "Exited (\(state.exitCode))"
                    + (state.finishedAt == 0 ? "" : " \(ago(state.finishedAt))")
            }
            return state.status == .dead ? "Dead" : "Created"
        case .restarting: return "Restarting (\(state.exitCode)) \(ago(state.finishedAt))"
        case .running, .paused:
            let since = Timestamp(nanosecondsSinceEpoch: state.startedAt)
            let time = HumanDuration.text(.seconds(now.unixSeconds - since.unixSeconds))
            if state.status == .paused { return "Up \(time) (Paused)" }
            switch state.health {
            case nil: return "Up \(time)"
            case .starting: return "Up \(time) (health: starting)"
            case .healthy: return "Up \(time) (healthy)"
            case .unhealthy: return "Up \(time) (unhealthy)"
            }
        }
    }

    /// As Docker's: `0.0.0.0:8080->80/tcp, 443/tcp`.
    package var portsText: String {
        guard state.isRunning else { return "" }
        var texts = state.publishedPorts.flatMap { port in
            port.places.map { "\($0)->\(port.containerPort)/\(port.transport.rawValue)" }
        }
        let published = Set(
            state.publishedPorts.map { "\($0.containerPort)/\($0.transport.rawValue)" })
        texts += record.settings.exposedPorts.filter { !published.contains($0) }.sorted()
        return texts.joined(separator: ", ")
    }

    package func mountsText(isShort: Bool) -> String {
        record.settings.mounts.compactMap { mount in
            switch mount.source {
            case .bind(let path, _): path
            case .volume(let name, let isAnonymous):
                isAnonymous && isShort ? name.prefix(15) + "…" : name
            case .memory: nil
            }
        }.joined(separator: ",")
    }

    package var volumeCount: Int {
        record.settings.mounts.count { if case .volume = $0.source { true } else { false } }
    }

    package var networkText: String {
        switch record.settings.network {
        case .standard: "bridge"
        case .none: "none"
        case .host: "host"
        case .container(let id): "container:\(id)"
        }
    }
}
