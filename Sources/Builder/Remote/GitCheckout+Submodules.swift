internal import FileTree
internal import ImageSpec
internal import Store

/// The repositories that stand in a commit as links to commits of others.
extension GitCheckout {
    /// Submodules in submodules; deeper ones are made to go on for ever.
    private static let maximumDepth = 8
    private static let maximumSubmodules = 500

    func addSubmodules(
        of commit: String, _ git: GitProgram, _ editor: TreeEditor
    ) throws {
        let links = try links(in: commit, git)
        guard !links.isEmpty else { return }
        guard depth < Self.maximumDepth, links.count <= Self.maximumSubmodules else {
            throw BuildError(
                .gitFailed,
                "\(reference) has more submodules than a build fetches: \(links.count), "
                    + "\(depth + 1) deep",
                hint: "?submodules=false leaves them out")
        }
        let addresses = try addresses(in: commit, git)
        for (path, digest) in links {
            guard let address = addresses[path] else {
                throw BuildError(
                    .gitFailed,
                    "\(reference): .gitmodules says of no address for the submodule \"\(path)\"")
            }
            guard
                var inner = try GitReference(
                    parsing: Self.absolute(address, from: reference.remote) + "#" + digest)
            else {
                throw BuildError(
                    .gitFailed,
                    "\(reference): the submodule \"\(path)\" is at \"\(address)\", which is no "
                        + "repository of another host",
                    hint: "?submodules=false leaves submodules out")
            }
            inner.keepsDirectory = nil
            let tree = try GitCheckout(inner, sources, progress, depth: depth + 1).tree().tree
            let place = try TreePath(cleaning: Array(path.utf8))
            let attributes = try editor.node(at: place)?.attributes ?? tree.attributes
            try editor.put(
                Node(attributes: attributes, content: .directory(tree.directory)), at: place)
        }
    }

    /// The commits of other repositories that stand in the tree, by path.
    private func links(
        in commit: String, _ git: GitProgram
    ) throws -> [(path: String, commit: String)] {
        let output = try git.run(["ls-tree", "-r", "-z", "--full-tree", commit, "--"] + pathspec)
        return output.split(separator: 0).compactMap { line in
            let text = String(decoding: line, as: UTF8.self)
            guard text.hasPrefix("160000 commit "), let tab = text.firstIndex(of: "\t") else {
                return nil
            }
            let digest = text[..<tab].split(separator: " ").last.map(String.init) ?? ""
            return (String(text[text.index(after: tab)...]), digest)
        }
    }

    private func addresses(in commit: String, _ git: GitProgram) throws -> [String: String] {
        let output: [UInt8]
        do {
            output = try git.run(
                "config", "--blob", "\(commit):.gitmodules", "-z", "--get-regexp",
                "^submodule\\..*\\.(path|url)$")
        } catch is GitProgram.Failure {
            return [:]
        }
        var paths: [String: String] = [:]
        var urls: [String: String] = [:]
        for field in output.split(separator: 0) {
            let text = String(decoding: field, as: UTF8.self)
            guard let end = text.firstIndex(of: "\n") else { continue }
            let (key, value) = (text[..<end], String(text[text.index(after: end)...]))
            if key.hasSuffix(".path") { paths[String(key.dropLast(5))] = value }
            if key.hasSuffix(".url") { urls[String(key.dropLast(4))] = value }
        }
        var result: [String: String] = [:]
        for (name, path) in paths { result[path] = urls[name] }
        return result
    }

    /// An address that begins with `./` or `../` is relative to the repository's own.
    static func absolute(_ address: String, from remote: String) -> String {
        guard address.hasPrefix("./") || address.hasPrefix("../") else { return address }
        var base = remote
        while base.hasSuffix("/") { base.removeLast() }
        var rest = address[...]
        while true {
            if rest.hasPrefix("./") {
                rest = rest.dropFirst(2)
            } else if rest.hasPrefix("../") {
                rest = rest.dropFirst(3)
                guard let cut = base.lastIndex(where: { $0 == "/" || $0 == ":" }) else { break }
                base = String(base[..<cut]) + (base[cut] == ":" ? ":" : "")
            } else {
                break
            }
        }
        return base + (base.hasSuffix(":") ? "" : "/") + rest
    }
}
