package import FileTree
internal import LinuxIO
package import Sandbox
package import Store

extension AccountFiles {
    /// The largest passwd or group file that is read; real ones have some kilobytes.
    private static let maximumBytes = 16 << 20

    /// Those of an image's root file system.
    package init(of tree: Tree, in store: Store) throws {
        func content(_ path: String) throws -> [UInt8]? {
            let path = try TreePath(cleaning: Array(path.utf8))
            guard let found = try store.resolve(path, in: tree),
                case .file(let content) = found.node.content
            else { return nil }
            if content.sizeBytes == 0 { return [] }
            let file = try OwnedDescriptor(
                opening: store.layout.object(content.digest), .readOnly)
            return try DescriptorIO.readAll(file.rawValue, limit: Self.maximumBytes)
        }
        self.init(passwd: try content("/etc/passwd"), group: try content("/etc/group"))
    }
}
