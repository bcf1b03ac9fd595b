/// A path in a root filesystem over which the runtime mounts something.
///
/// Where the image has none, the runtime makes one through the view. Writable views offer these
/// paths while a container runs and never record them: they are no part of what the command did.
package struct MountTarget: Hashable, Sendable {
    package enum Kind: Hashable, Sendable { case directory, file }

    /// Absolute, without `.` and `..`; the image's symbolic links on the way are followed.
    package var path: String
    package var kind: Kind

    package init(_ path: String, _ kind: Kind) {
        self.path = path
        self.kind = kind
    }

    /// What every container has. What stands below `/dev`, `/proc` and `/sys` is made in the file
    /// systems that are mounted there, never in the image.
    package static let standard: [MountTarget] = [
        MountTarget("/proc", .directory), MountTarget("/sys", .directory),
        MountTarget("/dev", .directory),
    ]
}
