/// Follows a path name by name, and the symbolic links on its way, as the kernel does for a process
/// that is confined to a root directory: neither `..` nor a link leads out of it.
package enum PathResolver {
    /// What stands under a name of a directory.
    package enum Found<Place> {
        case place(Place)
        /// A link that is to be followed.
        case symbolicLink(target: [UInt8])
    }

    /// As many symbolic links on one path as Linux follows (path_resolution(7)).
    package static let symbolicLinkLimit = 40

    /// - Parameter parts: what stands between slashes; empty ones and `.` mean nothing.
    /// - Parameter depth: how deep `root` stands in its tree.
    /// - Parameter lookup: what `name` of the directory `parent` is; nil ends the walk. `isLast` says
    ///   that nothing follows.
    /// - Returns: the names from `root` down, none a link that was followed, and what stands there;
    ///   nil when `lookup` said so.
    /// - Throws: `symbolicLinkLoop`, `tooDeep` past ``TreePath/maximumDepth``, `nameTooLong`,
    ///   `invalidName`, and what `lookup` throws.
    package static func resolve<Place>(
        _ parts: [[UInt8]], from root: Place, depth: Int = 0,
        lookup: (
            _ parent: Place, _ name: EntryName, _ isLast: Bool
        ) throws(FileTreeError) -> Found<Place>?
    ) throws(FileTreeError) -> (names: [EntryName], place: Place)? {
        var pending = Array(parts.reversed())
        var names: [EntryName] = []
        var places = [root]
        var linksLeft = symbolicLinkLimit
        while let part = pending.popLast() {
            if part.isEmpty || part == [0x2E] { continue }
            if part == [0x2E, 0x2E] {
                if names.popLast() != nil { places.removeLast() }
                continue
            }
            let name = try EntryName(part)
            switch try lookup(places[places.count - 1], name, pending.isEmpty) {
            case .place(let place):
                guard depth + names.count < TreePath.maximumDepth else {
                    throw TreePath.tooDeep(TreePath(names))
                }
                names.append(name)
                places.append(place)
            case .symbolicLink(let target):
                guard linksLeft > 0 else {
                    throw FileTreeError(
                        .symbolicLinkLoop, "too many levels of symbolic links",
                        path: Array(parts.joined(separator: [0x2F])))
                }
                linksLeft -= 1
                if target.first == UInt8(ascii: "/") {
                    names = []
                    places = [root]
                }
                pending += target.split(separator: UInt8(ascii: "/")).reversed().map(Array.init)
            case nil: return nil
            }
        }
        return (names, places[places.count - 1])
    }
}
