internal import ImageSpec
internal import Sandbox
internal import Store

/// What a container was asked to be on its host, as Docker's `HostConfig`.
struct HostConfigInspection {
    private let settings: ContainerSettings

    init(_ settings: ContainerSettings) { self.settings = settings }

    /// The name of a network, as `--network` takes it.
    static func mode(of network: ContainerSettings.NetworkMode) -> String {
        switch network {
        case .standard: "bridge"
        case .none: "none"
        case .host: "host"
        case .container(let id): "container:\(id)"
        }
    }

    var json: JSONValue {
        var object = JSONObject()
        let binds = settings.mounts.compactMap(bind)
        object["Binds"] = binds.isEmpty ? .null : JSONValue(binds)
        object["ContainerIDFile"] = ""
        object["LogConfig"] = [
            "Type": .string(settings.keepsLog ? "json-file" : "none"),
            "Config": .object(
                JSONObject(
                    settings.maximumLogBytes.map { [.init("max-size", .string("\($0)"))] } ?? [])),
        ]
        object["NetworkMode"] = .string(Self.mode(of: settings.network))
        object["PortBindings"] = portBindings
        object["RestartPolicy"] = [
            "Name": .string(settings.restartPolicy.kind.rawValue),
            "MaximumRetryCount": JSONValue(settings.restartPolicy.maximumRetries),
        ]
        object["AutoRemove"] = .bool(settings.removesItself)
        object["VolumeDriver"] = .string(settings.volumeDriver)
        object["VolumesFrom"] = .null
        object["ConsoleSize"] = [0, 0]
        if !settings.annotations.isEmpty { object["Annotations"] = map(settings.annotations) }
        object["CapAdd"] = list(settings.addedCapabilities)
        object["CapDrop"] = list(settings.droppedCapabilities)
        object["CgroupnsMode"] =
            settings.hasOwnControlGroups ?? ControlGroups.isUnified ? "private" : "host"
        object["Dns"] = JSONValue(settings.nameServers)
        object["DnsOptions"] = JSONValue(settings.resolverOptions)
        object["DnsSearch"] = JSONValue(settings.searchDomains)
        object["ExtraHosts"] = list(settings.extraHosts)
        object["GroupAdd"] = list(settings.additionalGroups)
        object["IpcMode"] = .string(interprocessMode)
        object["Cgroup"] = ""
        object["Links"] = .null
        object["OomScoreAdj"] = JSONValue(settings.memoryKillerScore ?? 0)
        object["PidMode"] = .string(processMode)
        object["Privileged"] = .bool(settings.isPrivileged)
        object["PublishAllPorts"] = .bool(settings.publishesAll)
        object["ReadonlyRootfs"] = .bool(settings.isRootReadOnly)
        object["SecurityOpt"] = list(settings.securityOptions)
        object["Tmpfs"] = .object(memoryMounts)
        object["UTSMode"] = settings.sharesHostNames ? "host" : ""
        object["UsernsMode"] = settings.sharesHostUsers ? "host" : ""
        object["ShmSize"] = JSONValue(
            settings.sharedMemoryBytes ?? ContainerRequest.SharedMemory.standardBytes)
        object["Sysctls"] = map(settings.kernelParameters)
        object["Runtime"] = .string(settings.runtime ?? "")
        object["Isolation"] = ""
        object["MaskedPaths"] = systemPaths(ContainerRequest.maskedPaths)
        object["ReadonlyPaths"] = systemPaths(ContainerRequest.readonlyPaths)
        addLimits(to: &object)
        object["Mounts"] = .array(settings.mounts.compactMap(mount))
        object["Init"] = .bool(settings.hasInit)
        return .object(object)
    }

    private var processMode: String {
        switch settings.processes {
        case .own: ""
        case .host: "host"
        case .container(let id): "container:\(id)"
        }
    }

    private var interprocessMode: String {
        switch settings.interprocess {
        case .own: "private"
        case .none: "none"
        case .shareable: "shareable"
        case .host: "host"
        case .container(let id): "container:\(id)"
        }
    }

    private func map(_ values: [String: String]) -> JSONValue {
        .object(
            JSONObject(
                values.sorted { $0.key < $1.key }.map { .init($0.key, .string($0.value)) }))
    }

    private func figures(
        _ figures: [ContainerSettings.DeviceFigure]?, _ name: String
    ) -> JSONValue {
        .array(
            (figures ?? []).map { ["Path": .string($0.path), name: JSONValue($0.figure)] })
    }

    /// As Docker: privileged ones have no list, and what `systempaths=unconfined` shows is an empty one.
    private func systemPaths(_ paths: [String]) -> JSONValue {
        if settings.isPrivileged { return .null }
        return JSONValue(settings.showsSystemPaths ? [] : paths)
    }

    private func list(_ values: [String]) -> JSONValue {
        values.isEmpty ? .null : JSONValue(values)
    }

    private func bind(_ mount: ContainerSettings.ContainerMount) -> String? {
        let mode = mount.isReadOnly ? ":ro" : ""
        switch mount.source {
        case .bind(let path, _): return "\(path):\(mount.target)\(mode)"
        case .volume(let name, isAnonymous: false): return "\(name):\(mount.target)\(mode)"
        case .volume, .memory: return nil
        }
    }

    /// - Returns: nil for memory, which is among `Tmpfs`.
    private func mount(_ mount: ContainerSettings.ContainerMount) -> JSONValue? {
        var object = JSONObject()
        switch mount.source {
        case .bind(let path, _):
            object["Type"] = "bind"
            object["Source"] = .string(path)
        case .volume(let name, let isAnonymous):
            object["Type"] = "volume"
            if !isAnonymous { object["Source"] = .string(name) }
        case .memory: return nil
        }
        object["Target"] = .string(mount.target)
        object["ReadOnly"] = .bool(mount.isReadOnly)
        return .object(object)
    }

    private var memoryMounts: JSONObject {
        var object = JSONObject()
        for mount in settings.mounts {
            guard case .memory(let size, let mode) = mount.source else { continue }
            var options = mount.options
            if let size { options.append("size=\(size)") }
            if let mode { options.append("mode=\(mode)") }
            object[mount.target] = .string(options.joined(separator: ","))
        }
        return object
    }

    private var portBindings: JSONValue {
        var object = JSONObject()
        for port in settings.publishedPorts {
            let name = "\(port.containerPort)/\(port.transport.rawValue)"
            var text = port.hostPort == 0 ? "" : String(port.hostPort)
            if let last = port.lastHostPort { text += "-\(last)" }
            let binding: JSONValue = [
                "HostIp": .string(port.hostAddress ?? ""), "HostPort": .string(text),
            ]
            object[name] = .array((object[name]?.arrayValue ?? []) + [binding])
        }
        return .object(object)
    }

    private func addLimits(to object: inout JSONObject) {
        let limits = settings.limits
        object["CpuShares"] = JSONValue(limits.cpuShares ?? 0)
        object["Memory"] = JSONValue(limits.memoryBytes ?? 0)
        object["NanoCpus"] = JSONValue(limits.nanoCPUs ?? 0)
        object["CgroupParent"] = .string(settings.controlGroupParent ?? "")
        object["BlkioWeight"] = JSONValue(limits.blockWeight ?? 0)
        object["BlkioWeightDevice"] = figures(limits.deviceWeights, "Weight")
        object["BlkioDeviceReadBps"] = figures(limits.deviceReadBytes, "Rate")
        object["BlkioDeviceWriteBps"] = figures(limits.deviceWriteBytes, "Rate")
        object["BlkioDeviceReadIOps"] = figures(limits.deviceReadOperations, "Rate")
        object["BlkioDeviceWriteIOps"] = figures(limits.deviceWriteOperations, "Rate")
        object["CpuPeriod"] = JSONValue(limits.cpuPeriodMicroseconds ?? 0)
        object["CpuQuota"] = JSONValue(limits.cpuQuotaMicroseconds ?? 0)
        object["CpuRealtimePeriod"] = JSONValue(limits.realtimePeriodMicroseconds ?? 0)
        object["CpuRealtimeRuntime"] = JSONValue(limits.realtimeRuntimeMicroseconds ?? 0)
        object["CpusetCpus"] = .string(limits.cpus ?? "")
        object["CpusetMems"] = .string(limits.memoryNodes ?? "")
        object["Devices"] = .array(
            settings.devices.map {
                [
                    "PathOnHost": .string($0.hostPath),
                    "PathInContainer": .string($0.containerPath),
                    "CgroupPermissions": .string($0.access),
                ]
            })
        object["DeviceCgroupRules"] = list(settings.deviceRules)
        object["DeviceRequests"] = .null
        object["MemoryReservation"] = JSONValue(limits.memoryReservationBytes ?? 0)
        object["MemorySwap"] = JSONValue(limits.wholeMemoryBytes ?? 0)
        object["MemorySwappiness"] = limits.memorySwappiness.map { JSONValue($0) } ?? .null
        object["OomKillDisable"] =
            ControlGroups.isUnified ? .null : .bool(limits.disablesMemoryKiller ?? false)
        object["PidsLimit"] = limits.processes.map { JSONValue($0) } ?? .null
        object["Ulimits"] = .array(
            settings.resourceLimits.map {
                let prefix = "RLIMIT_"
                let name =
                    $0.type.hasPrefix(prefix) ? $0.type.dropFirst(prefix.count) : $0.type[...]
                return [
                    "Name": .string(name.lowercased()), "Hard": JSONValue($0.hard),
                    "Soft": JSONValue($0.soft),
                ]
            })
        for name in ["CpuCount", "CpuPercent", "IOMaximumIOps", "IOMaximumBandwidth"] {
            object[name] = 0
        }
    }
}
