package import FileTree

/// A path that an OCI runtime mounts something on.
package struct MountTarget: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        case directory
        case file
    }
    package var path: TreePath
    package var kind: Kind
    package init(path: TreePath, kind: Kind) {
        self.path = path
        self.kind = kind
    }
}
