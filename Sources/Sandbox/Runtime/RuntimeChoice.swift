package import ImageSpec

/// An OCI runtime and the way to drive it on this host.
package struct RuntimeChoice: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable { case crun, runc }

    /// What the runtime does about control groups.
    package enum ControlGroups: String, Hashable, Sendable {
        /// The container stays in the group of this process: nothing to make and remove, and no
        /// limits. Device nodes are shut off by mount options instead of a device controller.
        case disabled
        /// A group a container, made by the runtime.
        case native
    }

    /// How the container's system calls are filtered.
    package enum Filter: Hashable, Sendable {
        /// The runtime was built without.
        case none
        /// The runtime translates the profile anew for each container.
        case profile
        /// The translation that the runtime made of the default profile, handed back to it: saves
        /// 12 ms a container. For other profiles as `profile`.
        case program([UInt8])
    }

    package var kind: Kind
    package var path: String
    /// What the runtime calls itself, such as `crun version 1.8.1`.
    package var version: String
    package var controlGroups: ControlGroups
    /// Whether `/sys/fs/cgroup` has to be a fresh cgroup2 mount in a private mount namespace, since
    /// crun refuses the mixture of both versions.
    package var needsPrivateCgroupMount: Bool
    /// Whether a container gets a namespace of control groups, in which its own group is the root.
    /// Version 1 has none worth having; Docker, too, uses the host's there.
    package var hasGroupNamespace: Bool
    package var filter: Filter
    /// The time of a container that does nothing, when it was tried.
    package var milliseconds: Double
    /// Which runtime and why, as sentences for `info`.
    package var explanation: String
}

// MARK: - JSON

extension RuntimeChoice {
    package var json: JSONValue {
        var object = JSONObject()
        object.append("kind", kind.rawValue)
        object.append("path", path)
        object.append("version", .string(version))
        object.append("controlGroups", controlGroups.rawValue)
        object.append("needsPrivateCgroupMount", .bool(needsPrivateCgroupMount))
        object.append("groupNamespace", .bool(hasGroupNamespace))
        switch filter {
        case .none: object.append("filter", "none")
        case .profile: object.append("filter", "profile")
        case .program(let bytes):
            object.append("filter", "program")
            object.append("program", Base64.encode(bytes))
        }
        object.append("microseconds", JSONValue(Int64(milliseconds * 1000)))
        object.append("explanation", .string(explanation))
        return .object(object)
    }

    /// - Returns: nil for what ``json`` does not write.
    package init?(json: JSONValue) {
        guard let kind = json["kind"]?.stringValue.flatMap(Kind.init(rawValue:)),
            let path = json["path"]?.stringValue, let version = json["version"]?.stringValue,
            let groups = json["controlGroups"]?.stringValue.flatMap(
                ControlGroups.init(rawValue:)),
            let needsMount = json["needsPrivateCgroupMount"]?.boolValue,
            let hasNamespace = json["groupNamespace"]?.boolValue,
            let microseconds = json["microseconds"]?.integerValue,
            let explanation = json["explanation"]?.stringValue
        else { return nil }
        self.kind = kind
        self.path = path
        self.version = version
        self.controlGroups = groups
        self.needsPrivateCgroupMount = needsMount
        self.hasGroupNamespace = hasNamespace
        self.milliseconds = Double(microseconds) / 1000
        self.explanation = explanation
        switch json["filter"]?.stringValue {
        case "none": filter = .none
        case "profile": filter = .profile
        case "program":
            guard let program = json["program"]?.stringValue.flatMap(Base64.decode) else {
                return nil
            }
            filter = .program(program)
        default: return nil
        }
    }
}
