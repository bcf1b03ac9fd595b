internal import FileTree
internal import LinuxIO

/// Extended attributes of the host's files, as far as they belong into an image.
enum HostFileAttributes {
    private static let userPrefix = Array("user.".utf8)
    private static let others: Set<[UInt8]> = [
        Array("security.capability".utf8), Array("system.posix_acl_access".utf8),
        Array("system.posix_acl_default".utf8),
    ]

    /// Whether the attribute means the same on every host: labels of security modules, checksums
    /// of integrity modules and `trusted.*` belong to the host they were set on.
    static func travels(_ name: [UInt8]) -> Bool {
        name.starts(with: userPrefix) || others.contains(name)
    }

    /// All attributes of an open file. Of symbolic links and special files there are none that
    /// travel (xattr(7) has `user.*` on files and directories only).
    static func all(
        of descriptor: Int32, _ kind: FileStatus.Kind?
    ) throws(Errno) -> [ExtendedAttributes.Attribute] {
        guard kind == .regular || kind == .directory else { return [] }
        var result: [ExtendedAttributes.Attribute] = []
        do throws(Errno) {
            for name in try HostAttributes.names(descriptor) where travels(name) {
                do throws(Errno) {
                    let value = try HostAttributes.value(of: name, on: descriptor)
                    result.append(.init(name: name, value: value))
                } catch .noData {}  // taken away meanwhile
            }
        } catch .unsupported {}  // a file system without any
        return result
    }
}
