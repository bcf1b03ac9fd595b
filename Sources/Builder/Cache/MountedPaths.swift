internal import FileTree

/// Where the files come from that a RUN has mounted: its inputs name them by where it sees them, since
/// where they lie does not count, and people know them by where they lie.
struct MountedPaths {
    /// The deepest target last; without leading slashes, as people write what lies in a context.
    private var mounts: [(target: String, source: String)] = []

    /// - Parameters:
    ///   - target: absolute and clean.
    ///   - source: in the context, stage or image that is mounted.
    mutating func add(_ target: String, from source: TreePath) {
        mounts.append((Self.relative(target), Self.relative("\(source)")))
        mounts.sort { $0.target.count < $1.target.count }
    }

    private static func relative(_ path: String) -> String { String(path.drop { $0 == "/" }) }

    /// - Returns: the path itself where nothing is mounted.
    func source(of path: String) -> String {
        let mount = mounts.last { path == $0.target || path.hasPrefix($0.target + "/") }
        guard let mount else { return path }
        let below = path.dropFirst(mount.target.count + 1)
        let found = [mount.source, String(below)].filter { !$0.isEmpty }.joined(separator: "/")
        return found.isEmpty ? "/" : found
    }
}
