internal import LinuxIO

/// Where the control groups of a process are on this host (cgroups(7)): of version 1 a directory for
/// each controller, of version 2 one for all.
package struct ControlGroups {
    /// Whether the host has version 2 alone: systemd's "unified" hierarchy.
    package static var isUnified: Bool {
        HostDirectory.exists("/sys/fs/cgroup/cgroup.controllers")
    }

    /// Directories by the controller's name; "" is version 2.
    let directories: [String: String]

    /// - Parameters:
    ///   - membership: `/proc/PID/cgroup`.
    ///   - mounts: `/proc/self/mountinfo`.
    init(membership: String, mounts: String) {
        let places = Self.places(mounts)
        var directories: [String: String] = [:]
        for line in membership.split(separator: "\n") {
            // number:controllers:path
            let fields = line.split(
                separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            // A path that leads out of the namespace of control groups is not to be seen here.
            guard fields.count == 3, !fields[2].hasPrefix("/..") else { continue }
            for controller in fields[1].split(
                separator: ",", omittingEmptySubsequences: false
            ).map(String.init) {
                guard let place = places[controller] else { continue }
                directories[controller] = place.directory(of: String(fields[2]))
            }
        }
        self.directories = directories
    }

    /// A mount of a hierarchy: what of it is shown, and where.
    private struct Place {
        var root: String
        var mountPoint: String

        func directory(of path: String) -> String {
            var path = path
            if root != "/", path.hasPrefix(root) { path = String(path.dropFirst(root.count)) }
            return path == "/" ? mountPoint : mountPoint + path
        }
    }

    /// proc(5): `ID PARENT DEVICE ROOT POINT OPTIONS … - TYPE SOURCE OPTIONS`
    private static func places(_ mounts: String) -> [String: Place] {
        var places: [String: Place] = [:]
        for line in mounts.split(separator: "\n") {
            let fields = line.split(separator: " ").map(String.init)
            guard let dash = fields.firstIndex(of: "-"), dash >= 6, fields.count > dash + 3 else {
                continue
            }
            let place = Place(root: fields[3], mountPoint: fields[4])
            switch fields[dash + 1] {
            case "cgroup2": if places[""] == nil { places[""] = place }
            case "cgroup":
                for name in fields[dash + 3].split(separator: ",").map(String.init)
                where places[name] == nil {
                    places[name] = place
                }
            default: break
            }
        }
        return places
    }

    /// The content of a file of a controller's; nil where there is none.
    func text(_ controller: String, _ file: String) -> String? {
        guard let directory = directories[controller] else { return nil }
        return Self.text("\(directory)/\(file)")
    }

    /// Whether a controller is that of version 1.
    func isFirst(_ controller: String) -> Bool { directories[controller] != nil }

    /// Files of `/proc` and of control groups; nil for what is not there, or goes meanwhile.
    static func text(_ path: String) -> String? {
        guard let file = try? OwnedDescriptor(opening: path, .readOnly),
            let bytes = try? DescriptorIO.readAll(file.rawValue, limit: 1 << 20)
        else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }
}
