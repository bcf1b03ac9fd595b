package import ImageSpec
package import Store

extension Engine {
    /// What `inspect` prints of a container, with Docker's names.
    /// - Parameter withSizes: also `SizeRw` and `SizeRootFs`.
    package func inspect(
        _ record: ContainerRecord, withSizes: Bool = false
    ) throws -> JSONValue {
        let settings = record.settings
        let state = store.currentState(of: record)
        let place = store.layout.container(record.id)
        let command = settings.arguments
        var object = JSONObject()
        object["Id"] = .string(record.id.text)
        object["Created"] = Self.time(record.createdAt)
        object["Path"] = .string(command.first ?? "")
        object["Args"] = JSONValue(Array(command.dropFirst()))
        object["State"] = inspection(of: state, settings)
        object["Image"] = .string("\(record.image)")
        object["ResolvConfPath"] = .string("\(place.directory)/resolv.conf")
        object["HostnamePath"] = .string("\(place.directory)/hostname")
        object["HostsPath"] = .string("\(place.directory)/hosts")
        object["LogPath"] = .string(settings.keepsLog ? place.log : "")
        object["Name"] = .string("/\(record.name)")
        object["RestartCount"] = JSONValue(state.restartCount)
        object["Driver"] = "vitrine"
        object["Platform"] = "linux"
        object["MountLabel"] = ""
        object["ProcessLabel"] = ""
        object["AppArmorProfile"] = ""
        let executions = state.isRunning ? executions(in: record) : []
        object["ExecIDs"] = executions.isEmpty ? .null : JSONValue(executions)
        object["HostConfig"] = HostConfigInspection(settings).json
        object["GraphDriver"] = [
            "Data": [
                "Files": .string(place.files),
                "MergedDir": .string(state.rootfs),
            ], "Name": "vitrine",
        ]
        if withSizes {
            let sizes = try sizes(of: record)
            object["SizeRw"] = JSONValue(sizes.writableBytes)
            object["SizeRootFs"] = JSONValue(sizes.virtualBytes)
        }
        object["Mounts"] = .array(settings.mounts.compactMap(inspection))
        object["Config"] = Self.config(of: record)
        object["NetworkSettings"] = Self.networkSettings(of: settings, state)
        return .object(object)
    }

    private static func time(_ nanoseconds: Int64) -> JSONValue {
        let time = nanoseconds == 0 ? .zero : Timestamp(nanosecondsSinceEpoch: nanoseconds)
        return .string(time.description)
    }

    // MARK: - State

    private func inspection(
        of state: ContainerState, _ settings: ContainerSettings
    ) -> JSONValue {
        var object = JSONObject()
        object["Status"] = .string(state.status.rawValue)
        object["Running"] = .bool(state.isRunning)
        object["Paused"] = .bool(state.status == .paused)
        object["Restarting"] = .bool(state.status == .restarting)
        object["OOMKilled"] = .bool(state.ranOutOfMemory)
        object["Dead"] = .bool(state.status == .dead)
        object["Pid"] = JSONValue(state.processID)
        object["ExitCode"] = JSONValue(state.exitCode)
        object["Error"] = .string(state.error)
        object["StartedAt"] = Self.time(state.startedAt)
        object["FinishedAt"] = Self.time(state.finishedAt)
        guard settings.activeHealthCheck != nil else { return .object(object) }
        object["Health"] = [
            // As Docker: what does not run any more is not well.
            "Status": .string(
                state.health?.rawValue ?? (state.startedAt == 0 ? "starting" : "unhealthy")),
            "FailingStreak": JSONValue(state.failingStreak),
            "Log": .array(
                state.probes.map { probe in
                    [
                        "Start": Self.time(probe.startedAt), "End": Self.time(probe.endedAt),
                        "ExitCode": JSONValue(probe.exitCode), "Output": .string(probe.output),
                    ]
                }),
        ]
        return .object(object)
    }

    // MARK: - Mounts

    /// - Returns: nil for memory, which Docker does not list here.
    private func inspection(_ mount: ContainerSettings.ContainerMount) -> JSONValue? {
        var object = JSONObject()
        switch mount.source {
        case .bind(let path, _):
            object["Type"] = "bind"
            object["Source"] = .string(path)
        case .volume(let name, _):
            object["Type"] = "volume"
            object["Name"] = .string(name)
            object["Source"] = .string(store.layout.volumeData(name))
        case .memory: return nil
        }
        object["Destination"] = .string(mount.target)
        if case .volume = mount.source { object["Driver"] = "local" }
        object["Mode"] = .string(mount.isReadOnly ? "ro" : "")
        object["RW"] = .bool(!mount.isReadOnly)
        if case .bind = mount.source {
            object["Propagation"] = .string(mount.propagation ?? "rprivate")
        } else {
            object["Propagation"] = ""
        }
        return .object(object)
    }

    // MARK: - Config

    private static func config(of record: ContainerRecord) -> JSONValue {
        let settings = record.settings
        var object = JSONObject()
        object["Hostname"] = .string(ContainerNameFiles.hostname(of: record))
        object["Domainname"] = .string(settings.domainName ?? "")
        object["User"] = .string(settings.user)
        object["AttachStdin"] = .bool(settings.keepsInputOpen)
        object["AttachStdout"] = true
        object["AttachStderr"] = .bool(!settings.hasTerminal)
        object["ExposedPorts"] = names(settings.exposedPorts.sorted())
        object["Tty"] = .bool(settings.hasTerminal)
        object["OpenStdin"] = .bool(settings.keepsInputOpen)
        object["StdinOnce"] = .bool(settings.keepsInputOpen)
        object["Env"] = JSONValue(settings.environment)
        object["Cmd"] = settings.command.isEmpty ? .null : JSONValue(settings.command)
        if let check = settings.healthCheck { object["Healthcheck"] = inspection(check) }
        object["Image"] = .string(record.imageName)
        let volumes = settings.mounts.filter {
            if case .volume(_, isAnonymous: true) = $0.source { true } else { false }
        }
        object["Volumes"] = volumes.isEmpty ? .null : names(volumes.map(\.target).sorted())
        object["WorkingDir"] = .string(settings.workingDirectory)
        object["Entrypoint"] =
            settings.entrypoint.isEmpty ? .null : JSONValue(settings.entrypoint)
        object["OnBuild"] = .null
        object["Labels"] = .object(
            JSONObject(
                settings.labels.sorted { $0.key < $1.key }.map { .init($0.key, .string($0.value)) }
            ))
        object["StopSignal"] = .string(settings.stopSignal ?? "SIGTERM")
        if let seconds = settings.stopTimeoutSeconds { object["StopTimeout"] = JSONValue(seconds) }
        return .object(object)
    }

    /// As Docker's: without what was not said.
    private static func inspection(_ check: ContainerSettings.HealthCheckSettings) -> JSONValue {
        var object = JSONObject()
        object["Test"] = JSONValue(check.test)
        for (name, value) in [
            ("Interval", check.intervalNanoseconds), ("Timeout", check.timeoutNanoseconds),
            ("StartPeriod", check.startPeriodNanoseconds),
            ("StartInterval", check.startIntervalNanoseconds), ("Retries", Int64(check.retries)),
        ] where value != 0 {
            object[name] = JSONValue(value)
        }
        return .object(object)
    }

    /// A Go set: each name with an empty object.
    private static func names(_ names: [String]) -> JSONValue {
        .object(JSONObject(names.map { .init($0, .object(JSONObject())) }))
    }

    // MARK: - Network

    private static func networkSettings(
        of settings: ContainerSettings, _ state: ContainerState
    ) -> JSONValue {
        var ports = JSONObject()
        if state.isRunning {
            for name in settings.exposedPorts.sorted() { ports[name] = .null }
        }
        for port in state.publishedPorts {
            let name = "\(port.containerPort)/\(port.transport.rawValue)"
            let bindings: [JSONValue] = port.hostAddresses.map {
                ["HostIp": .string($0), "HostPort": .string(String(port.hostPort))]
            }
            ports[name] = .array((ports[name]?.arrayValue ?? []) + bindings)
        }
        let address: JSONValue = .string(state.isRunning ? settings.hardwareAddress ?? "" : "")
        return [
            "Bridge": "", "SandboxID": "",
            "SandboxKey": .string(state.processID > 0 ? "/proc/\(state.processID)/ns/net" : ""),
            "Ports": .object(ports), "Gateway": "", "IPAddress": "", "IPPrefixLen": 0,
            "GlobalIPv6Address": "", "MacAddress": address,
            "Networks": .object(
                JSONObject([
                    .init(
                        HostConfigInspection.mode(of: settings.network),
                        ["IPAddress": "", "Gateway": "", "MacAddress": address])
                ])),
        ]
    }
}
