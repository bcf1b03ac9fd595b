package import FileTree

/// A path that an OCI runtime mounts something on.
package struct MountTarget: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        case directory
        case file
        /// Nothing is mounted on it: it is shown for its own sake.
        case symbolicLink(to: [UInt8])
    }
    package var path: TreePath
    package var kind: Kind
    /// Of a directory that is missing; nil is 0755.
    package var permissions: UInt32?

    package init(path: TreePath, kind: Kind, permissions: UInt32? = nil) {
        self.path = path
        self.kind = kind
        self.permissions = permissions
    }
}
