internal import LinuxIO

/// What is mounted in a container, and its devices.
extension ContainerSpec {
    private static let bind = ["rbind", "rprivate"]

    var mounts: [RuntimeSpec.Mount] {
        var mounts = deviceGuard
        mounts.append(.init("/proc", "proc", "proc", ["nosuid", "noexec", "nodev"]))
        mounts += devices
        mounts += systemFiles
        mounts += nameFiles.filter { !isInMount($0.destination) }
        mounts += request.mounts.map(mount)
        mounts += nameFiles.filter { isInMount($0.destination) }
        if let program = request.initProgram {
            mounts.append(
                .init(ContainerRequest.initPath, "bind", program, ["bind", "rprivate", "ro"]))
        }
        return mounts
    }

    /// Without a device controller nobody stands between a device node and the device: nodes in the
    /// root filesystem are shut off by `nodev`.
    ///
    /// crun clears the flags of the root's own mount before it makes the others; `/.` is the root
    /// by a name that it does not treat specially. ``RuntimeProbe`` sees to it that this holds.
    var deviceGuard: [RuntimeSpec.Mount] {
        guard guardsDevices else { return [] }
        return [.init("/.", "bind", request.rootfs, ["bind", "remount", "nodev"])]
    }

    var guardsDevices: Bool {
        choice.controlGroups == .disabled && !isPrivileged
    }

    var devices: [RuntimeSpec.Mount] {
        var options = ["nosuid", "strictatime", "mode=755", "size=65536k"]
        var mounts: [RuntimeSpec.Mount] = []
        if guardsDevices {
            // Nodes made here would work; those of the host that everybody may use are bound.
            options.append("nodev")
            mounts = ["null", "zero", "full", "random", "urandom", "tty"].map {
                .init("/dev/\($0)", "bind", "/dev/\($0)", ["bind", "nosuid", "noexec"])
            }
        }
        mounts.insert(.init("/dev", "tmpfs", "tmpfs", options), at: 0)
        mounts.append(
            .init(
                "/dev/pts", "devpts", "devpts",
                ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]))
        return mounts + interprocess + boundDevices
    }

    private var interprocess: [RuntimeSpec.Mount] {
        let options = ["nosuid", "noexec", "nodev"]
        var mounts: [RuntimeSpec.Mount] = []
        switch request.sharedMemory {
        case .own(let size):
            mounts = [
                .init("/dev/shm", "tmpfs", "shm", options + ["mode=1777", "size=\(size)"])
            ]
        case .host(let path): mounts = [.init("/dev/shm", "bind", path, Self.bind + options)]
        case .none: break
        }
        let queues = "/dev/mqueue"
        if request.interprocess != .host {
            mounts.append(.init(queues, "mqueue", "mqueue", options))
        } else if HostDirectory.exists(queues) {
            mounts.append(.init(queues, "bind", queues, Self.bind + options))
        }
        return mounts
    }

    var systemFiles: [RuntimeSpec.Mount] {
        let access = isPrivileged ? "rw" : "ro"
        let options = ["nosuid", "noexec", "nodev", access]
        let groups = "/sys/fs/cgroup"
        let mounts: [RuntimeSpec.Mount] = [
            .init("/sys", "sysfs", "sysfs", options),
            .init(groups, "cgroup", "cgroup", options),
        ]
        // Of version 1 what is above the controllers is a tmpfs, which runtimes leave writable.
        if isPrivileged { return mounts }
        return mounts + [.init(groups, "bind", groups, ["bind", "remount"] + options)]
    }

    var nameFiles: [RuntimeSpec.Mount] {
        request.nameFiles.files.map { name, _ in
            // As BuildKit in builds: a command that changes them would change nothing.
            let directory = request.nameFiles.directory
            return .init(
                "/etc/\(name)", "bind", "\(directory ?? bundlePath)/\(name)",
                Self.bind + [directory == nil ? "ro" : "rw"])
        }
    }

    /// Whether a name file stands in something that is mounted above it, such as at `/etc`: as in
    /// Docker it is seen there, too, unless it is mounted over itself, or cannot be made there. Steps of
    /// builds see what is mounted alone, as BuildKit's.
    private func isInMount(_ path: String) -> Bool {
        guard request.nameFiles.directory != nil,
            !request.mounts.contains(where: { $0.target == path }),
            let around = request.mounts.last(where: { path.hasPrefix($0.target + "/") })
        else { return false }
        guard around.isReadOnly else { return true }
        guard case .host(let source) = around.source else { return false }
        return HostDirectory.exists(source + path.dropFirst(around.target.count))
    }

    private func mount(_ mount: ContainerRequest.Mount) -> RuntimeSpec.Mount {
        let access = mount.isReadOnly ? "ro" : "rw"
        switch mount.source {
        case .host(let path):
            var options = [mount.isRecursive ? "rbind" : "bind", mount.propagation, access]
            options += mount.options
            if guardsDevices { options.append("nodev") }
            return .init(mount.target, "bind", path, options)
        case .memory(let size):
            var options = ["nosuid", "nodev", access] + mount.options
            if let size { options.append("size=\(size)") }
            return .init(mount.target, "tmpfs", "tmpfs", options)
        }
    }

    /// Mounts pass into the container, or out of it, through the root's mount, too.
    var rootPropagation: String? {
        let kinds = Set(request.mounts.map(\.propagation))
        if !kinds.isDisjoint(with: ["shared", "rshared"]) { return "shared" }
        return kinds.isDisjoint(with: ["slave", "rslave"]) ? nil : "rslave"
    }

    // MARK: - Devices

    /// Nodes that the runtime makes. Where it cannot guard what they are used for, the host's are
    /// bound instead.
    var deviceNodes: [RuntimeSpec.Device] {
        guard !guardsDevices else { return [] }
        if isPrivileged, request.devices.isEmpty { return Self.privilegedDevices }
        return request.devices.map {
            .init(
                path: $0.path, type: $0.isBlock ? "b" : "c", major: Int64($0.major),
                minor: Int64($0.minor), permissions: $0.permissions, userID: $0.userID,
                groupID: $0.groupID)
        }
    }

    private var boundDevices: [RuntimeSpec.Mount] {
        guard guardsDevices else { return [] }
        return request.devices.map {
            .init($0.path, "bind", $0.hostPath, ["bind", "nosuid", "noexec"])
        }
    }

    var ownDeviceRules: [RuntimeSpec.DeviceRule] {
        request.devices.map {
            .init(
                isAllowed: true, type: $0.isBlock ? "b" : "c", major: Int64($0.major),
                minor: Int64($0.minor), access: $0.access)
        }
    }
}
