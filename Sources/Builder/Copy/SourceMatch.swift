internal import Dockerfile
internal import FileTree

/// One file or directory that a source of COPY or ADD names.
struct SourceMatch {
    /// The path as it was found, of which the last name is the file's at the destination.
    var path: TreePath
    /// Where it really stands, symbolic links followed.
    var resolved: TreePath
    var isFromWildcard = false
}

/// Finds what the words of COPY and ADD name in a source.
///
/// As in BuildKit: the path is cleaned below the root; wildcards are those of Go's
/// `filepath.Match`, name by name; links in front of the first wildcard are followed, and a match
/// that is a link stands for its target. No match of a wildcard is no error, but what stands before
/// it has to be there.
struct SourceMatcher {
    let source: any CopySource

    /// - Throws: `sourceNotFound` for a path, up to its first wildcard, that is not there.
    func matches(of word: String) throws -> [SourceMatch] {
        let names = try Self.cleaned(word)
        let literal = names.prefix { !Self.hasWildcard($0) }
        let patterns = names.dropFirst(literal.count)
        let path = TreePath(try literal.map { try EntryName(Self.unescaped($0)) })
        guard let start = try source.resolve(path) else { throw missing(path, word) }
        guard !patterns.isEmpty else { return [SourceMatch(path: path, resolved: start)] }
        var found = [start]
        for (index, pattern) in patterns.enumerated() {
            let glob = try GlobPattern(parsing: pattern)
            let isLast = index == patterns.count - 1
            var next: [TreePath] = []
            for directory in found where try source.kind(at: directory) == .directory {
                for name in try source.names(in: directory) where glob.matches(name.bytes) {
                    let path = directory.appending(name)
                    if try isLast || source.kind(at: path) == .directory { next.append(path) }
                }
            }
            found = next
        }
        return try found.map { path in
            guard let resolved = try source.resolve(path) else { throw missing(path, word) }
            return SourceMatch(path: path, resolved: resolved, isFromWildcard: true)
        }
    }

    /// The names of the path, relative to the root whatever it begins with; `..` stops there.
    private static func cleaned(_ word: String) throws -> [[UInt8]] {
        var names: [[UInt8]] = []
        for part in Array(word.utf8).split(separator: UInt8(ascii: "/")) {
            if part.elementsEqual(".".utf8) { continue }
            if part.elementsEqual("..".utf8) {
                _ = names.popLast()
            } else {
                names.append(Array(part))
            }
        }
        return names
    }

    static func hasWildcard(_ text: String) -> Bool { hasWildcard(Array(text.utf8)) }

    private static func hasWildcard(_ name: [UInt8]) -> Bool {
        var index = 0
        while index < name.count {
            switch name[index] {
            case UInt8(ascii: "*"), UInt8(ascii: "?"), UInt8(ascii: "["): return true
            case UInt8(ascii: "\\"): index += 1
            default: break
            }
            index += 1
        }
        return false
    }

    private static func unescaped(_ name: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var isEscaped = false
        for byte in name {
            if byte == UInt8(ascii: "\\") && !isEscaped {
                isEscaped = true
            } else {
                result.append(byte)
                isEscaped = false
            }
        }
        return result
    }

    func missing(_ path: TreePath, _ word: String) -> BuildError {
        BuildError(
            .sourceNotFound, "\"\(path)\" is not in \(source.name)", offending: word,
            hint: source.explainAbsence(of: path) ?? danglingLink(path) ?? suggestion(for: path))
    }

    /// A name that is there and leads to nothing is a symbolic link.
    private func danglingLink(_ path: TreePath) -> String? {
        // Only a hint: what cannot be read gives none.
        guard let last = path.last, let parent = try? source.resolve(path.parent),
            let names = try? source.names(in: parent), names.contains(last)
        else { return nil }
        return "\"\(path)\" is a symbolic link, and what it leads to is not there"
    }

    /// The name in the same directory that was probably meant.
    private func suggestion(for path: TreePath) -> String? {
        // Only a hint: what cannot be read gives none.
        guard let last = path.last,
            let parent = try? source.resolve(path.parent),
            let names = try? source.names(in: parent)
        else { return nil }
        let wanted = Array(String(describing: last).lowercased().utf8)
        let near = names.first {
            let name = Array(String(describing: $0).lowercased().utf8)
            return name == wanted || Self.isOneEditApart(name, wanted)
        }
        return near.map { "did you mean \(path.parent.appending($0))?" }
    }

    private static func isOneEditApart(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        let (short, long) = left.count <= right.count ? (left, right) : (right, left)
        guard long.count - short.count <= 1, short.count > 2 else { return false }
        var index = 0
        while index < short.count, short[index] == long[index] { index += 1 }
        let skipped = short.count == long.count ? index + 1 : index
        return short.dropFirst(skipped).elementsEqual(long.dropFirst(index + 1))
    }
}
