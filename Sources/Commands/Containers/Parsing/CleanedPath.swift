/// Paths in a container as text: cleaned as Go's `path.Clean` does it.
enum CleanedPath {
    /// An absolute path without `.`, `..`, `//` and a trailing slash.
    static func absolute(_ path: String) -> String {
        var names: [Substring] = []
        for name in path.split(separator: "/") where name != "." {
            if name == ".." { _ = names.popLast() } else { names.append(name) }
        }
        return "/" + names.joined(separator: "/")
    }
}
