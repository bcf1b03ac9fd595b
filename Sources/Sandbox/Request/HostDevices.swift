internal import LinuxIO

/// Device nodes of the host.
package enum HostDevices {
    /// More than any host's, and what a directory of them may hold.
    private static let maximumCount = 4096
    private static let maximumDepth = 16
    /// A directory with more in it is none of devices.
    private static let maximumNames = 1 << 16

    /// What a container has of its own in `/dev` (moby's `devices.HostDevices`).
    private static let own: Set<String> = [
        "pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev", "console",
    ]

    /// The device at a path, or all those below it if it is a directory.
    /// - Parameter containerPath: what the path is in the container.
    /// - Throws: `invalidRequest` for what is no device.
    package static func devices(
        at path: String, as containerPath: String, access: String
    ) throws(SandboxError) -> [ContainerRequest.Device] {
        do throws(Errno) {
            let status = try FileStatus(ofPath: path)
            if status.kind == .directory {
                var search = Search(access: access)
                try search.collect(path, containerPath)
                if !search.found.isEmpty { return search.found }
            } else if let device = device(path, containerPath, access, status) {
                return [device]
            }
        } catch .tooLarge {
            throw SandboxError(
                .invalidRequest,
                "\"\(path)\" is no directory of devices: it has more than \(maximumNames) names in it"
            )
        } catch {
            throw SandboxError(
                .invalidRequest,
                "error gathering device information while adding custom device \"\(path)\": "
                    + "\(error)")
        }
        throw SandboxError(.invalidRequest, "\"\(path)\" is not a device node")
    }

    /// All of the host's `/dev`, for privileged containers.
    package static func all() throws(SandboxError) -> [ContainerRequest.Device] {
        var search = Search(access: "rwm", leavingOut: own)
        do throws(Errno) {
            try search.collect("/dev", "/dev")
        } catch {
            throw SandboxError(.system, "could not list /dev: \(error)")
        }
        return search.found
    }

    /// Looks for devices below a directory.
    private struct Search {
        let access: String
        /// Names in the directory itself.
        var leavingOut: Set<String> = []
        var found: [ContainerRequest.Device] = []
        private var names = 0

        init(access: String, leavingOut: Set<String> = []) {
            self.access = access
            self.leavingOut = leavingOut
        }

        /// - Throws: `tooLarge` for what holds more names than a directory of devices would.
        mutating func collect(
            _ directory: String, _ containerDirectory: String, depth: Int = 0
        ) throws(Errno) {
            guard depth < maximumDepth else { return }
            for bytes in try HostDirectory.names(ofPath: directory).sorted(by: {
                $0.lexicographicallyPrecedes($1)
            }) {
                names += 1
                guard names <= maximumNames else { throw .tooLarge }
                let name = String(decoding: bytes, as: UTF8.self)
                let path = "\(directory)/\(name)"
                guard depth > 0 || !leavingOut.contains(name), found.count < maximumCount,
                    // One that vanished since is none.
                    let status = try? FileStatus(ofPath: path, followsLinks: false)
                else { continue }
                if status.kind == .directory {
                    try collect(path, "\(containerDirectory)/\(name)", depth: depth + 1)
                } else if let device = device(
                    path, "\(containerDirectory)/\(name)", access, status)
                {
                    found.append(device)
                }
            }
        }
    }

    /// The numbers of a block device, which limits name it by.
    /// - Throws: `invalidRequest` for what is none.
    package static func numbers(
        ofBlockDevice path: String
    ) throws(SandboxError) -> (major: UInt32, minor: UInt32) {
        let status: FileStatus
        do throws(Errno) {
            status = try FileStatus(ofPath: path)
        } catch {
            throw SandboxError(
                .invalidRequest, "could not set a limit of the device \"\(path)\": \(error)")
        }
        guard status.kind == .blockDevice, let found = device(path, path, "rwm", status) else {
            throw SandboxError(
                .invalidRequest, "\"\(path)\" is no block device",
                hint: "limits of reading and writing are for disks")
        }
        return (found.major, found.minor)
    }

    private static func device(
        _ path: String, _ containerPath: String, _ access: String, _ status: FileStatus
    ) -> ContainerRequest.Device? {
        guard status.kind == .characterDevice || status.kind == .blockDevice else { return nil }
        // makedev(3): the kernel's 32 bits, spread over 64.
        let number = status.specialDevice
        let major = UInt32(truncatingIfNeeded: (number >> 8) & 0xFFF | (number >> 32) & ~0xFFF)
        let minor = UInt32(truncatingIfNeeded: number & 0xFF | (number >> 12) & ~0xFF)
        return ContainerRequest.Device(
            hostPath: path, path: containerPath, access: access,
            isBlock: status.kind == .blockDevice, major: major, minor: minor,
            permissions: status.mode & 0o777, userID: status.userID, groupID: status.groupID)
    }
}
