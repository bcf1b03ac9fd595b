internal import Dockerfile
internal import FileTree

/// `COPY --parents`: what patterns name below a directory, with the directories on the way.
///
/// As in BuildKit: patterns are those of ignore files, `**` among them; a directory that one names is
/// taken whole; symbolic links on the way are not followed. The way is the source's, with the modes,
/// owners and times that it has there.
struct IncludedEntries {
    private let source: any CopySource
    private let matcher: PatternMatcher
    /// Those of the source, and the ones that leaving out made.
    let directories: PendingDirectories

    /// - Throws: `invalidPattern`.
    init(_ pattern: String, of source: any CopySource) throws {
        self.source = source
        matcher = try PatternMatcher([pattern])
        directories = PendingDirectories(base: source.directories)
    }

    /// The directory at `path` with only what the pattern names; nil when that is nothing.
    func node(at path: TreePath) throws -> Node? {
        guard try source.kind(at: path) == .directory,
            let attributes = try source.attributes(at: path),
            let reference = try remainder(at: path, below: [], matcher.root)
        else { return nil }
        return Node(attributes: attributes, content: .directory(reference))
    }

    private func remainder(
        at path: TreePath, below prefix: [UInt8], _ state: PatternMatcher.State
    ) throws -> DirectoryReference? {
        var kept: [DirectoryEntry] = []
        for name in try source.names(in: path) {
            let relative = prefix.isEmpty ? name.bytes : prefix + [UInt8(ascii: "/")] + name.bytes
            let place = path.appending(name)
            let verdict = matcher.match(relative, in: state)
            // What an ignore file would leave out is what is taken here.
            if verdict.isIgnored {
                if let node = try source.node(at: place) {
                    kept.append(DirectoryEntry(name: name, node: node))
                }
                continue
            }
            guard matcher.patterns.contains(where: { $0.couldMatch(below: relative[...]) }),
                try source.kind(at: place) == .directory,
                let attributes = try source.attributes(at: place),
                let child = try remainder(at: place, below: relative, verdict.state)
            else { continue }
            kept.append(
                DirectoryEntry(
                    name: name, node: Node(attributes: attributes, content: .directory(child))))
        }
        return kept.isEmpty ? nil : directories.insert(Directory(kept))
    }
}

/// A source of `COPY --parents`, taken apart.
struct ParentsPattern {
    /// In front of the pivot point `/./`: a path whose names are not kept; wildcards allowed.
    let base: String
    /// What is looked for below it, relative.
    let pattern: String
    /// Whether the pattern is a plain path, which must be there then.
    let isPlain: Bool

    init(_ source: String) throws {
        let base: Substring
        let rest: Substring
        if let pivot = source.firstRange(of: "/./") {
            base = source[..<pivot.lowerBound]
            rest = source[pivot.upperBound...]
        } else {
            base = "/"
            rest = source[...]
        }
        var names: [Substring] = []
        for part in rest.split(separator: "/") where part != "." {
            if part == ".." {
                _ = names.popLast()
            } else {
                names.append(part)
            }
        }
        self.base = base.isEmpty ? "/" : String(base)
        // The whole of the base is what "." names.
        pattern = names.isEmpty ? "**" : names.joined(separator: "/")
        isPlain = !names.isEmpty && !SourceMatcher.hasWildcard(source)
    }
}
