internal import LinuxIO

/// Where a path leads.
enum CopyPlace: ~Copyable {
    /// A directory, opened.
    case directory(OwnedDescriptor)
    /// Something else: opened `pathOnly`, and the directory that has it.
    case other(OwnedDescriptor, parent: OwnedDescriptor, name: [UInt8])
    /// A name that the directory does not have.
    case missing(parent: OwnedDescriptor, name: [UInt8])

    /// As Linux (path_resolution(7)).
    private static let maximumLinks = 40
    private static let slash = UInt8(ascii: "/")

    /// Looks up an absolute path inside a root.
    /// - Parameter followsLast: whether a symbolic link as the last name is followed; then the place
    ///   is where it leads, be it missing there.
    /// - Throws: Errno of what is on the way: ENOENT, ENOTDIR, ELOOP, EACCES.
    static func find(
        _ path: [UInt8], in root: any CopyRoot, followsLast: Bool
    ) throws(Errno) -> CopyPlace {
        var path = path
        for _ in 0...maximumLinks {
            guard let (parentPath, name) = split(path) else {
                return .directory(try root.open(path, [.readOnly, .directory]))
            }
            let parent = try root.open(parentPath, [.readOnly, .directory])
            let place: OwnedDescriptor
            do throws(Errno) {
                place = try OwnedDescriptor(
                    opening: name, in: parent.rawValue, [.pathOnly, .noFollow])
            } catch .notFound {
                return .missing(parent: parent, name: name)
            }
            switch try FileStatus(of: place.rawValue).kind {
            case .directory?:
                return .directory(
                    try OwnedDescriptor(
                        opening: [0x2E], in: place.rawValue, [.readOnly, .directory]))
            case .symbolicLink? where followsLast:
                // Not cleaned: what ".." in it means depends on where the directories stand.
                let target = try HostDirectory.readLink([], in: place.rawValue)
                path = target.first == slash ? target : parentPath + [slash] + target
            default: return .other(place, parent: parent, name: name)
            }
        }
        throw .symbolicLinkLoop
    }

    /// Nil for what has no name of its own at its end: `/`, `a/..`, `a/`.
    private static func split(_ path: [UInt8]) -> (parent: [UInt8], name: [UInt8])? {
        let index = path.lastIndex(of: slash) ?? 0
        let name = Array(path[(index + 1)...])
        guard !name.isEmpty, name != [0x2E], name != [0x2E, 0x2E] else { return nil }
        return (index == 0 ? [slash] : Array(path[..<index]), name)
    }
}
