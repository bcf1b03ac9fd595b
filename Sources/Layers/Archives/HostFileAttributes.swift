package import FileTree
package import LinuxIO

/// Extended attributes of the host's files, as far as they belong into an image.
package enum HostFileAttributes {
    private static let userPrefix = Array("user.".utf8)
    private static let others: Set<[UInt8]> = [
        Array("security.capability".utf8), AccessControlList.accessName,
        AccessControlList.defaultName,
    ]

    /// Whether the attribute means the same on every host: labels of security modules, checksums
    /// of integrity modules and `trusted.*` belong to the host they were set on.
    package static func travels(_ name: [UInt8]) -> Bool {
        name.starts(with: userPrefix) || others.contains(name)
    }

    /// All attributes of an open file; a special file may be open as a place only. Of symbolic links
    /// there are none that travel.
    package static func all(
        of descriptor: Int32, _ kind: FileStatus.Kind?
    ) throws(Errno) -> [ExtendedAttributes.Attribute] {
        guard kind != .symbolicLink else { return [] }
        let isOpen = kind == .regular || kind == .directory
        var result: [ExtendedAttributes.Attribute] = []
        do throws(Errno) {
            let names =
                isOpen
                ? try HostAttributes.names(descriptor)
                : try HostAttributes.names(ofPlace: descriptor)
            for name in names where travels(name) {
                do throws(Errno) {
                    let value =
                        isOpen
                        ? try HostAttributes.value(of: name, on: descriptor)
                        : try HostAttributes.value(of: name, onPlace: descriptor)
                    result.append(.init(name: name, value: value))
                } catch .noData {}  // taken away meanwhile
            }
        } catch .unsupported {}  // a file system without any
        return result
    }
}
