/// A path as ustar holds it: up to 100 bytes of name, and before a slash up to 155 bytes of prefix.
struct UstarPath: Equatable {
    let prefix: [UInt8]
    let name: [UInt8]

    /// - Returns: `nil` for a path that does not fit or is not ASCII.
    init?(_ path: [UInt8]) {
        guard path.allSatisfy({ $0 < 0x80 }) else { return nil }
        if path.count <= TarLayout.name.count {
            prefix = []
            name = path
            return
        }
        // The last slash that leaves a prefix of at most 155 bytes; a trailing slash stays in the name.
        let slash = UInt8(ascii: "/")
        let reach = min(path.count - 1, TarLayout.prefix.count + 1)
        guard let split = path[..<reach].lastIndex(of: slash), split > 0,
            path.count - split - 1 <= TarLayout.name.count, split + 1 < path.count
        else { return nil }
        prefix = Array(path[..<split])
        name = Array(path[(split + 1)...])
    }
}
