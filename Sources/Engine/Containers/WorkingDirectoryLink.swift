internal import LinuxIO

/// A symbolic link that leads to nothing on the way to the directory in which a container begins.
enum WorkingDirectoryLink {
    /// Makes what such a link leads to, inside of the container's root, as Docker does. A runtime
    /// makes a directory that is missing, but fails at the link.
    /// - Parameter rootfs: where the root is mounted, without the container's other mounts.
    static func settle(_ path: String, inRoot rootfs: String) throws(Errno) {
        let root = try OwnedDescriptor(opening: rootfs, [.pathOnly, .directory])
        let path = Array(path.utf8)
        guard try dangles(path, inRoot: root.rawValue) else { return }
        _ = try OwnedDescriptor(making: .directory, at: path, inRoot: root.rawValue)
    }

    private static func dangles(_ path: [UInt8], inRoot root: Int32) throws(Errno) -> Bool {
        var way: [UInt8] = []
        for name in path.split(separator: UInt8(ascii: "/")) {
            way += [UInt8(ascii: "/")] + name
            do throws(Errno) {
                _ = try OwnedDescriptor(opening: way, inRoot: root, .pathOnly)
                continue
            } catch .notFound {}
            do throws(Errno) {
                _ = try OwnedDescriptor(opening: way, inRoot: root, [.pathOnly, .noFollow])
                return true
            } catch .notFound {
                return false
            }
        }
        return false
    }
}
