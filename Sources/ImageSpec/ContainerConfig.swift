/// What a container made from the image runs with: the `config` member of an image's config
/// (OCI image-spec, config.md; Docker's additions among it).
package struct ContainerConfig: Hashable, Sendable {
    /// `name`, `uid`, `name:group`, `uid:gid`; empty is root.
    package var user: String
    /// `80/tcp`, `53/udp`.
    package var exposedPorts: Set<String>
    /// `NAME=value`, in order.
    package var environment: [String]
    package var entrypoint: [String]
    package var command: [String]
    /// Docker for Windows: the command line is one string that needs no quoting.
    package var argsEscaped: Bool
    package var volumes: Set<String>
    package var workingDirectory: String
    package var labels: [String: String]
    package var stopSignal: String?
    package var healthCheck: HealthCheck?
    /// Instructions for the build of an image on top of this one.
    package var onBuild: [String]
    /// What runs shell-form instructions; empty is `/bin/sh -c`.
    package var shell: [String]
    /// Members without a meaning here: `Hostname`, `Image`, `Memory` and what others add.
    package var extras: JSONObject

    package init() {
        user = ""
        exposedPorts = []
        environment = []
        entrypoint = []
        command = []
        argsEscaped = false
        volumes = []
        workingDirectory = ""
        labels = [:]
        stopSignal = nil
        healthCheck = nil
        onBuild = []
        shell = []
        extras = JSONObject()
    }
}

// MARK: - Environment

extension ContainerConfig {
    /// The value of the variable; the last one counts.
    package func environmentValue(_ name: String) -> String? {
        environment.last { Self.variableName($0) == name[...] }
            .map { String($0.dropFirst(name.count + 1)) }
    }

    /// Sets a variable in its place, or appends it.
    package mutating func setEnvironment(_ name: String, _ value: String) {
        // No table of all names: a file of 10,000 ENVs would make as many.
        let change = "\(name)=\(value)"
        let name = Self.variableName(change).utf8
        let place = environment.lastIndex { variable in
            variable.utf8.starts(with: name)
                && (variable.utf8.dropFirst(name.count).first ?? UInt8(ascii: "="))
                    == UInt8(ascii: "=")
        }
        if let place {
            environment[place] = change
        } else {
            environment.append(change)
        }
    }

    /// The variables of `base` with those of `changes` set in their places or appended.
    package static func merging(_ base: [String], with changes: [String]) -> [String] {
        var merged = base
        var places: [Substring: Int] = [:]
        for (index, variable) in merged.enumerated() { places[variableName(variable)] = index }
        for change in changes {
            let name = variableName(change)
            if let place = places[name] {
                merged[place] = change
            } else {
                places[name] = merged.count
                merged.append(change)
            }
        }
        return merged
    }

    private static func variableName(_ variable: String) -> Substring {
        variable.prefix { $0 != "=" }
    }
}

// MARK: - JSON

extension ContainerConfig {
    /// - Throws: `wrongType`.
    package init(json: JSONValue, at path: String = "config") throws(ImageSpecError) {
        var fields = try JSONFields(json, at: path)
        user = try fields.string("User") ?? ""
        exposedPorts = try fields.nameSet("ExposedPorts") ?? []
        environment = try fields.strings("Env") ?? []
        entrypoint = try fields.strings("Entrypoint") ?? []
        command = try fields.strings("Cmd") ?? []
        volumes = try fields.nameSet("Volumes") ?? []
        workingDirectory = try fields.string("WorkingDir") ?? ""
        labels = try fields.stringMap("Labels") ?? [:]
        stopSignal = try fields.string("StopSignal").flatMap { $0.isEmpty ? nil : $0 }
        argsEscaped = try fields.bool("ArgsEscaped") ?? false
        let place = fields.place("Healthcheck")
        healthCheck = nil
        if let value = fields.value("Healthcheck") {
            healthCheck = try HealthCheck(json: value, at: place)
        }
        onBuild = try fields.strings("OnBuild") ?? []
        shell = try fields.strings("Shell") ?? []
        extras = fields.rest
    }

    /// Members in the order of BuildKit's image config; empty ones are left out.
    package var json: JSONValue {
        var object = JSONObject()
        object.append("User", user)
        object.append("ExposedPorts", exposedPorts)
        object.append("Env", environment)
        object.append("Entrypoint", entrypoint)
        object.append("Cmd", command)
        object.append("Volumes", volumes)
        object.append("WorkingDir", workingDirectory)
        object.append("Labels", labels)
        object.append("StopSignal", stopSignal)
        object.append("ArgsEscaped", argsEscaped ? true : nil)
        object.append("Healthcheck", healthCheck?.json)
        object.append("OnBuild", onBuild)
        object.append("Shell", shell)
        object.append(extras)
        return .object(object)
    }
}
