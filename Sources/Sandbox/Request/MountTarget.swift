/// A path in a root filesystem over which the runtime mounts something.
///
/// Where the image has none, the runtime makes one through the view. Writable views offer these
/// paths while a container runs and never record them: they are no part of what the command did.
package struct MountTarget: Hashable, Sendable {
    package enum Kind: Hashable, Sendable { case directory, file }

    /// Absolute, without `.` and `..`; the image's symbolic links on the way are followed.
    package var path: String
    package var kind: Kind
    /// Of a directory that is made; nil is 0755. A runtime gives a tmpfs those of the directory it
    /// is mounted on.
    package var permissions: UInt32?

    package init(_ path: String, _ kind: Kind, permissions: UInt32? = nil) {
        self.path = path
        self.kind = kind
        self.permissions = permissions
    }

    /// What every container has. What stands below `/dev`, `/proc` and `/sys` is made in the file
    /// systems that are mounted there, never in the image.
    package static let standard: [MountTarget] = [
        MountTarget("/proc", .directory), MountTarget("/sys", .directory),
        MountTarget("/dev", .directory),
    ]
}
