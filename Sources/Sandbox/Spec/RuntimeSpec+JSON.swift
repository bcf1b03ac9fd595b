package import ImageSpec

extension RuntimeSpec {
    /// Both runtimes that are driven here know this version.
    private static let version = "1.0.2"

    /// The document, with its members in the order of the specification.
    package var json: JSONValue {
        var object = JSONObject()
        object.append("ociVersion", Self.version)
        object.append("process", process.json)
        object.append("root", ["path": .string(rootPath), "readonly": .bool(isRootReadOnly)])
        object.append("hostname", hostname)
        object.append("mounts", .array(mounts.map(\.json)))
        object.append("annotations", annotations)
        object.append("linux", linux)
        return .object(object)
    }

    private var linux: JSONValue {
        var object = JSONObject()
        object.append("namespaces", .array(namespaces.map(\.json)))
        if !devices.isEmpty { object.append("devices", .array(devices.map(\.json))) }
        if resources != Resources() { object.append("resources", resources.json) }
        object.append("cgroupsPath", cgroupsPath)
        object.append("seccomp", seccomp)
        object.append("sysctl", kernelParameters)
        object.append("rootfsPropagation", rootPropagation)
        object.append("maskedPaths", maskedPaths)
        object.append("readonlyPaths", readonlyPaths)
        return .object(object)
    }
}

extension RuntimeSpec.Process {
    var json: JSONValue {
        var object = JSONObject()
        object.append("terminal", .bool(hasTerminal))
        object.append("user", user.json)
        object.append("args", JSONValue(arguments))
        object.append("env", JSONValue(environment))
        object.append("cwd", .string(workingDirectory))
        object.append("capabilities", capabilities.json)
        if !resourceLimits.isEmpty {
            object.append("rlimits", .array(resourceLimits.map(\.json)))
        }
        object.append("oomScoreAdj", memoryKillerScore.map { JSONValue($0) })
        object.append("noNewPrivileges", .bool(noNewPrivileges))
        return .object(object)
    }
}

extension RuntimeSpec.User {
    fileprivate var json: JSONValue {
        var object = JSONObject()
        object.append("uid", JSONValue(uid))
        object.append("gid", JSONValue(gid))
        if !additionalGroups.isEmpty {
            object.append("additionalGids", .array(additionalGroups.map { JSONValue($0) }))
        }
        return .object(object)
    }
}

extension RuntimeSpec.Capabilities {
    fileprivate var json: JSONValue {
        var object = JSONObject()
        object.append("bounding", JSONValue(bounding))
        object.append("effective", JSONValue(effective))
        object.append("permitted", JSONValue(permitted))
        if !ambient.isEmpty {
            object.append("inheritable", JSONValue(ambient))
            object.append("ambient", JSONValue(ambient))
        }
        return .object(object)
    }
}

extension RuntimeSpec.Device {
    fileprivate var json: JSONValue {
        [
            "path": .string(path), "type": .string(type), "major": JSONValue(major),
            "minor": JSONValue(minor), "fileMode": JSONValue(permissions),
            "uid": JSONValue(userID), "gid": JSONValue(groupID),
        ]
    }
}

extension RuntimeSpec.ResourceLimit {
    fileprivate var json: JSONValue {
        ["type": .string(type), "hard": JSONValue(hard), "soft": JSONValue(soft)]
    }
}

extension RuntimeSpec.Mount {
    fileprivate var json: JSONValue {
        [
            "destination": .string(destination), "type": .string(type),
            "source": .string(source), "options": JSONValue(options),
        ]
    }
}

extension RuntimeSpec.Namespace {
    fileprivate var json: JSONValue {
        var object = JSONObject()
        object.append("type", kind.rawValue)
        object.append("path", path)
        return .object(object)
    }
}

extension RuntimeSpec.DeviceRule {
    fileprivate var json: JSONValue {
        var object = JSONObject()
        object.append("allow", .bool(isAllowed))
        object.append("type", type)
        object.append("major", major.map { JSONValue($0) })
        object.append("minor", minor.map { JSONValue($0) })
        object.append("access", access)
        return .object(object)
    }
}

extension RuntimeSpec.Resources {
    var json: JSONValue {
        var memory = JSONObject()
        memory.append("limit", memoryBytes.map { JSONValue($0) })
        memory.append("reservation", memoryReservationBytes.map { JSONValue($0) })
        memory.append("swap", memoryAndSwapBytes.map { JSONValue($0) })
        memory.append("swappiness", memorySwappiness.map { JSONValue($0) })
        memory.append("disableOOMKiller", disablesMemoryKiller.map { JSONValue.bool($0) })
        var cpu = JSONObject()
        cpu.append("shares", cpuShares.map { JSONValue($0) })
        cpu.append("quota", cpuQuotaMicroseconds.map { JSONValue($0) })
        cpu.append("period", cpuPeriodMicroseconds.map { JSONValue($0) })
        cpu.append("realtimeRuntime", realtimeRuntimeMicroseconds.map { JSONValue($0) })
        cpu.append("realtimePeriod", realtimePeriodMicroseconds.map { JSONValue($0) })
        cpu.append("cpus", cpus)
        cpu.append("mems", memoryNodes)
        var object = JSONObject()
        if !devices.isEmpty { object.append("devices", .array(devices.map(\.json))) }
        if !memory.isEmpty { object.append("memory", .object(memory)) }
        if !cpu.isEmpty { object.append("cpu", .object(cpu)) }
        object.append("pids", processes.map { ["limit": JSONValue($0)] })
        if blocks != RuntimeSpec.BlockLimits() { object.append("blockIO", blocks.json) }
        return .object(object)
    }
}

extension RuntimeSpec.BlockLimits {
    fileprivate var json: JSONValue {
        var object = JSONObject()
        object.append("weight", weight.map { JSONValue($0) })
        for (name, figure, devices) in [
            ("weightDevice", "weight", weights),
            ("throttleReadBpsDevice", "rate", readBytes),
            ("throttleWriteBpsDevice", "rate", writeBytes),
            ("throttleReadIOPSDevice", "rate", readOperations),
            ("throttleWriteIOPSDevice", "rate", writeOperations),
        ] where !devices.isEmpty {
            object.append(
                name,
                .array(
                    devices.map {
                        [
                            "major": JSONValue($0.major), "minor": JSONValue($0.minor),
                            figure: JSONValue($0.figure),
                        ]
                    }))
        }
        return .object(object)
    }
}
