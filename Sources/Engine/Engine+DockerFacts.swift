internal import Glibc
package import ImageSpec
internal import LinuxIO
internal import Sandbox
internal import Store

extension Engine {
    /// What `docker info` tells of a host, by its names, as far as it is so here.
    /// - Parameter engine: nil where there is no store yet, at `root`.
    package static func dockerFacts(
        _ engine: Engine?, root: String
    ) throws -> [JSONObject.Member] {
        let states = try engine?.containers().map(\.state) ?? []
        let pages = UInt64(clamping: sysconf(Int32(_SC_PHYS_PAGES)))
        let pageBytes = UInt64(clamping: sysconf(Int32(_SC_PAGESIZE)))
        return [
            .init("ContainersRunning", JSONValue(states.count { $0.isRunning })),
            .init("ContainersPaused", JSONValue(states.count { $0.status == .paused })),
            .init("ContainersStopped", JSONValue(states.count { !$0.isRunning })),
            .init("Driver", "vitrine"),
            .init("LoggingDriver", "json-file"),
            .init("CgroupDriver", "cgroupfs"),
            .init("CgroupVersion", ControlGroups.isUnified ? "2" : "1"),
            .init("KernelVersion", .string(firstLine("/proc/sys/kernel/osrelease") ?? "")),
            .init("OSType", "linux"),
            .init("Architecture", .string(machine)),
            .init("NCPU", JSONValue(sysconf(Int32(_SC_NPROCESSORS_ONLN)))),
            .init("MemTotal", JSONValue(pages &* pageBytes)),
            .init("DockerRootDir", .string(root)),
            .init("Name", .string(firstLine("/proc/sys/kernel/hostname") ?? "")),
            .init("ServerVersion", .string(version)),
            .init("Warnings", .array([])),
        ]
    }

    /// As the kernel calls it (uname(2)): x86_64, aarch64.
    private static var machine: String {
        switch Platform.host.architecture {
        case "amd64": "x86_64"
        case "arm64": "aarch64"
        case let other: other
        }
    }
}
