internal import CFuse
internal import Glibc

/// How this process can mount, as far as can be told without mounting.
package enum MountAbility: Sendable, Hashable {
    /// By mount(2), and the kernel takes backing files.
    case direct
    /// By mount(2), with a kernel that has no passthrough.
    case directWithoutPassthrough
    /// By mount(2), in a user namespace: without passthrough, which takes `CAP_SYS_ADMIN` on the host.
    case directInUserNamespace
    /// By fusermount3, without passthrough.
    case helper
    case missingDevice
    /// The errno of opening it.
    case closedDevice(errno: Int32)
    case missingHelper
    /// Root in a container, say: fusermount3 can do no more than its caller then.
    case missingCapability

    /// What decides.
    struct Circumstances {
        var isRoot = false
        /// `CAP_SYS_ADMIN`, of the user namespace this is.
        var mayAdministrate = false
        var isInUserNamespace = false
        /// Of opening /dev/fuse; 0 when it can be.
        var deviceError: Int32 = 0
        var hasHelper = false
        /// Whether the kernel knows backing files.
        var hasPassthrough = false
    }

    init(_ found: Circumstances) {
        self =
            switch found.deviceError {
            case 0:
                switch (found.isRoot, found.mayAdministrate) {
                case (true, true):
                    if found.isInUserNamespace {
                        .directInUserNamespace
                    } else {
                        found.hasPassthrough ? .direct : .directWithoutPassthrough
                    }
                case (true, false): .missingCapability
                case (false, _): found.hasHelper ? .helper : .missingHelper
                }
            case ENOENT, ENODEV, ENXIO: .missingDevice
            default: .closedDevice(errno: found.deviceError)
            }
    }

    package static var current: MountAbility {
        var found = Circumstances()
        found.isRoot = geteuid() == 0
        found.mayAdministrate = hasAdministratorCapability()
        found.isInUserNamespace = isInUserNamespace()
        let device = unsafe open("/dev/fuse", O_RDWR | O_CLOEXEC)
        found.deviceError = device < 0 ? errno : 0
        if device >= 0 {
            found.hasPassthrough = knowsBackingFiles(device)
            close(device)
        }
        found.hasHelper = MountHelper.isInstalled
        return MountAbility(found)
    }

    /// A device that nothing is mounted with is refused (`EPERM`); older kernels, and those built
    /// without, do not know the request.
    private static func knowsBackingFiles(_ device: Int32) -> Bool {
        vitrine_backing_open(device, -1) >= 0 || (errno != ENOTTY && errno != EOPNOTSUPP)
    }

    /// `CAP_SYS_ADMIN` of capabilities(7).
    private static let administratorBit: UInt64 = 1 << 21

    private static func hasAdministratorCapability() -> Bool {
        let status = ProcFile.contents(Array("/proc/self/status".utf8)) ?? []
        let prefix = Array("CapEff:".utf8)
        for line in status.split(separator: UInt8(ascii: "\n")) where line.starts(with: prefix) {
            let digits = line.dropFirst(prefix.count).filter { $0 > 0x20 }
            let set = UInt64(String(decoding: digits, as: UTF8.self), radix: 16) ?? 0
            return set & administratorBit != 0
        }
        return false
    }

    /// Whether users here are not the host's: in the first namespace all of them map to themselves.
    private static func isInUserNamespace() -> Bool {
        let map = ProcFile.contents(Array("/proc/self/uid_map".utf8)) ?? []
        let words = map.split(whereSeparator: { $0 <= 0x20 }).map {
            String(decoding: $0, as: UTF8.self)
        }
        return words != ["0", "0", "4294967295"]
    }
}

extension MountAbility: CustomStringConvertible {
    package var description: String {
        switch self {
        case .direct: "available, with passthrough"
        case .directWithoutPassthrough:
            "available, without passthrough, which this kernel does not have (6.9 and later do)"
        case .directInUserNamespace:
            "available in this user namespace, without passthrough (needs CAP_SYS_ADMIN on the host)"
        case .helper: "available through fusermount3, without passthrough (needs CAP_SYS_ADMIN)"
        case .missingDevice: "/dev/fuse is missing; \"modprobe fuse\" loads the driver"
        case .closedDevice(let errno):
            "/dev/fuse cannot be opened (\(FuseError(.failed, "error \(errno)", errno: errno))); it is "
                + "usually open to everyone: chmod 666 /dev/fuse"
        case .missingHelper:
            "fusermount3 is missing, by which users who are not root mount; install the package fuse3"
        case .missingCapability: "not available: \(Self.capabilityRemedy)"
        }
    }

    static let capabilityRemedy =
        "root without the capability CAP_SYS_ADMIN may not mount; give a container --cap-add "
        + "SYS_ADMIN and --device /dev/fuse, or mount in a user namespace (unshare -Urm)"
}
