import FuseDriver
import Glibc
import Testing
import VirtualFS

/// Why tests that mount are skipped here, or nil where they run.
let reasonNotToMount: String? = {
    if unsafe access("/dev/fuse", R_OK | W_OK) != 0 {
        return "/dev/fuse is missing or not accessible"
    }
    return geteuid() == 0 ? nil : "mounting for tests needs root"
}()

/// Tests that mount for real; one at a time, since they look at the process's descriptors, threads
/// and the machine's mounts.
@Suite(
    .serialized,
    .enabled(if: reasonNotToMount == nil, Comment(rawValue: reasonNotToMount ?? "")),
    .timeLimit(.minutes(30)))
enum RealMounts {}

/// A temporary directory with a mount in it; what was set up is taken down in reverse order.
struct MountFixture {
    let directory: String
    let mountPoint: String
    let fileSystem: MemoryFileSystem
    let session: FuseSession

    static func options() -> MountOptions {
        var options = MountOptions(source: "fixture")
        options.stopPatience = .milliseconds(100)
        return options
    }

    /// Mounts, runs `body`, and leaves neither mount nor files behind, whatever happens.
    static func mounted(
        _ profile: ConnectionProfile, options: MountOptions = options(),
        prepare: (MemoryFileSystem) -> Void = { _ in },
        body: (MountFixture) throws -> Void
    ) throws {
        try inTemporaryDirectory { directory in
            // Other users take part in some tests.
            unsafe chmod(directory, 0o755)
            let mountPoint = directory + "/mount"
            let host = directory + "/host"
            try Host.makeDirectories([mountPoint, host])
            let fileSystem = MemoryFileSystem(profile: profile, hostDirectory: host)
            prepare(fileSystem)
            let session = try FuseSession.mount(fileSystem, at: mountPoint, options: options)
            defer {
                session.stop()
                session.wait()
            }
            try body(
                MountFixture(
                    directory: directory, mountPoint: mountPoint, fileSystem: fileSystem,
                    session: session))
        }
    }

    static func inTemporaryDirectory(_ body: (String) throws -> Void) throws {
        let directory = try #require(Host.makeTemporaryDirectory())
        defer {
            // The net: nothing may stay mounted, whatever a test did.
            while unsafe umount2(directory + "/mount", Int32(MNT_DETACH)) == 0 {}
            Host.removeTree(directory)
        }
        try body(directory)
    }

    func path(_ name: String) -> String { mountPoint + "/" + name }
}
