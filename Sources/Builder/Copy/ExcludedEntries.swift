internal import Dockerfile
internal import FileTree

/// What `--exclude` leaves out of a source: what is left is copied, and counts in the key.
///
/// Patterns are about the paths below a directory that is copied, and about the names of the files
/// that a wildcard found; a directory that is left out stays as far as it holds exceptions.
struct ExcludedEntries {
    private let matcher: PatternMatcher
    /// Those of the source, and the ones that leaving out made.
    let directories: PendingDirectories

    init(_ patterns: [String], base: any DirectorySource) throws {
        matcher = try PatternMatcher(patterns)
        directories = PendingDirectories(base: base)
    }

    func leavesOut(_ name: EntryName) -> Bool { matcher.match(name.bytes).isIgnored }

    /// The node without what is left out below it.
    func remainder(of node: Node) throws -> Node {
        guard let reference = node.directory else { return node }
        var result = node
        result.content = .directory(try remainder(of: reference, below: [], matcher.root))
        return result
    }

    private func remainder(
        of reference: DirectoryReference, below prefix: [UInt8], _ state: PatternMatcher.State
    ) throws -> DirectoryReference {
        var kept: [DirectoryEntry] = []
        for var entry in try directories.directory(reference.id).entries {
            let path =
                prefix.isEmpty
                ? entry.name.bytes : prefix + [UInt8(ascii: "/")] + entry.name.bytes
            let verdict = matcher.match(path, in: state)
            if verdict.isIgnored, matcher.canSkip(path, verdict.state) { continue }
            guard let child = entry.node.directory else {
                if !verdict.isIgnored { kept.append(entry) }
                continue
            }
            let left = try remainder(of: child, below: path, verdict.state)
            if verdict.isIgnored, left.entryCount == 0 { continue }
            entry.node.content = .directory(left)
            kept.append(entry)
        }
        return directories.insert(Directory(kept))
    }
}
