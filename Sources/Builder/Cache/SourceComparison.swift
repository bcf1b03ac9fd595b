internal import Store

/// Compares what two COPYs took, path by path.
struct SourceComparison {
    private let old: [String: Source]
    private let new: [String: Source]
    /// Those of the new ones in their order, then those that are gone.
    private let paths: [String]
    private let mountedPaths: MountedPaths

    /// What a line says of a path: `mode owner type and the rest`.
    private struct Source: Equatable {
        var mode: Substring
        var owner: Substring
        var kind: Substring
        /// Size and digest, a link's target; what a directory holds; xattrs.
        var rest: Substring
    }

    init(_ old: [String], _ new: [String], _ mountedPaths: MountedPaths) {
        self.mountedPaths = mountedPaths
        let (before, after) = (old.compactMap(Self.parsed), new.compactMap(Self.parsed))
        self.old = Dictionary(before) { $1 }
        self.new = Dictionary(after) { $1 }
        let known = self.new
        paths = after.map(\.0) + before.map(\.0).filter { known[$0] == nil }
    }

    private static func parsed(_ line: String) -> (String, Source)? {
        let (first, rest) = word(line[...])
        var path = unquoted(first)
        // Below the source's root, as the Dockerfile has it.
        if path.count > 1, path.hasPrefix("/") { path.removeFirst() }
        let words = rest.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false)
        guard words.count >= 3 else { return nil }
        return (
            path,
            Source(
                mode: words[0], owner: words[1], kind: words[2],
                rest: words.count > 3 ? words[3] : "")
        )
    }

    /// The first word, which may be a quoted one, and what follows it.
    private static func word(_ line: Substring) -> (Substring, Substring) {
        guard line.first == "\"" else {
            let word = line.prefix { $0 != " " }
            return (word, line[word.endIndex...].dropFirst())
        }
        var isEscaped = false
        var end = line.index(after: line.startIndex)
        while end < line.endIndex {
            let character = line[end]
            end = line.index(after: end)
            if isEscaped {
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else if character == "\"" {
                break
            }
        }
        return (line[..<end], line[end...].dropFirst())
    }

    /// A quoted word as it reads; other escapes than those of the quoting itself stay.
    private static func unquoted(_ word: Substring) -> String {
        guard word.hasPrefix("\""), word.hasSuffix("\""), word.count > 1 else {
            return String(word)
        }
        return String(word.dropFirst().dropLast()).replacing("\\\"", with: "\"")
    }

    var changes: [CacheExplanation.Change] {
        let found = paths.flatMap { path in changes(at: path, old[path], new[path]) }
        guard !found.isEmpty else {
            return [.init("sources", text: "the sources are in another order")]
        }
        return found
    }

    private func changes(
        at path: String, _ old: Source?, _ new: Source?
    ) -> [CacheExplanation.Change] {
        guard old != new else { return [] }
        let shown = mountedPaths.source(of: path)
        guard let old else { return [.init(shown, text: "\(shown) added")] }
        guard let new else { return [.init(shown, text: "\(shown) removed")] }
        func change(_ what: String, _ old: Substring, _ new: Substring) -> CacheExplanation.Change {
            .init(
                shown, old: String(old), new: String(new),
                text: "\(shown): \(what)\(old) → \(new)")
        }
        if old.kind != new.kind { return [change("", old.kind, new.kind)] }
        var changes: [CacheExplanation.Change] = []
        if old.mode != new.mode { changes.append(change("mode ", old.mode, new.mode)) }
        if old.owner != new.owner { changes.append(change("owner ", old.owner, new.owner)) }
        guard old.rest != new.rest else { return changes }
        switch new.kind {
        case "directory" where isListed(path): break
        case "link", "character", "block":
            changes.append(change("", old.rest, new.rest))
        default:
            let (before, after) = (Self.shown(old.rest), Self.shown(new.rest))
            changes.append(
                .init(
                    shown, old: String(old.rest), new: String(new.rest),
                    text: "\(shown) changed: \(before) → \(after)"))
        }
        return changes
    }

    /// Size and digest in short, and what follows them as it is: `1234 bytes 5f70bf18a086`.
    private static func shown(_ rest: Substring) -> String {
        rest.split(separator: " ").map { word in
            if word.allSatisfy(\.isNumber) { return word == "1" ? "1 byte" : "\(word) bytes" }
            guard let colon = word.lastIndex(of: ":"), word.hasPrefix("sha256:") else {
                return String(word)
            }
            return String(word[word.index(after: colon)...].prefix(12))
        }.joined(separator: " ")
    }

    /// Whether what stands below the directory has lines of its own, which say more.
    private func isListed(_ directory: String) -> Bool {
        // Paths have no leading slash but the root's own.
        let prefix = directory == "/" ? "" : directory + "/"
        return paths.contains { path in
            path.hasPrefix(prefix) && path != directory && old[path] != new[path]
        }
    }
}
