internal import Dockerfile
internal import FileTree
internal import ImageSpec
internal import Layers
internal import LinuxIO
internal import Store

/// Brings a commit's files into the store.
///
///     ls-remote ──▶ the commit ──▶ known? its cache entry's tree
///                                  else fetch (shallow) ──▶ git archive ──▶ Tree
///
/// Everything belongs to root and has the time of the commit, so that the same commit is the same
/// tree at any time.
struct GitCheckout {
    let reference: GitReference
    let sources: RemoteSources
    let progress: RemoteProgress
    /// How many repositories stand above this one.
    let depth: Int

    init(
        _ reference: GitReference, _ sources: RemoteSources, _ progress: RemoteProgress,
        depth: Int = 0
    ) {
        self.reference = reference
        self.sources = sources
        self.progress = progress
        self.depth = depth
    }

    private var keepsDirectory: Bool {
        reference.keepsDirectory == true && subdirectory.isRoot && depth == 0
    }

    /// Nil for what is no path, or one that leads out of the repository.
    private var givenSubdirectory: TreePath? {
        try? TreePath(cleaning: Array((reference.subdirectory ?? "").utf8))
    }

    private var subdirectory: TreePath {
        givenSubdirectory ?? .root
    }

    /// - Throws: `gitFailed`, `checksumMismatch`, `sourceNotFound`, `cancelled`.
    func tree() throws -> RemoteSources.Brought {
        if givenSubdirectory == nil { throw noSubdirectory }
        let place = sources.lease.newWorkPath("git")
        try HostDirectory.makeAll(place, permissions: 0o700)
        // What is left goes with the lease.
        defer { try? HostDirectory.removeAll(place) }
        do {
            let git = try GitProgram(
                directory: place + "/.git", environment: sources.environment,
                cancellation: sources.cancellation)
            return try tree(git, place)
        } catch let failure as GitProgram.Failure {
            throw BuildError(
                .gitFailed,
                "could not fetch \(reference): \(GitReference.redacted(failure.reason))",
                hint: Self.hint(failure.text))
        } catch let error as Errno {
            throw BuildError(.gitFailed, "could not run git: \(error)", cause: error)
        }
    }

    private static func hint(_ text: String) -> String? {
        if text.contains("could not read Username") || text.contains("Authentication failed") {
            return "the repository is private or not there; ssh with an agent needs no password"
        }
        if text.contains("Permission denied") || text.contains("Host key verification") {
            return "ssh asks for nothing here: add the key to ssh-agent and the host to known_hosts"
        }
        if text.contains("transport '"), text.contains("not allowed") {
            return "repositories come by https, http, ssh and git"
        }
        return nil
    }

    private func tree(_ git: GitProgram, _ place: String) throws -> RemoteSources.Brought {
        let found = try resolve(git, place)
        try check(found)
        let key = key(of: found.commit)
        if let entry = try sources.known(key) { return brought(entry.tree, key, isKnown: true) }
        progress.say("fetching \(found.commit)")
        try makeRepository(for: found.commit, git, place)
        let commit = try fetch(found, git)
        let tree = try read(commit, found, git, place)
        return brought(tree, self.key(of: commit), isKnown: false)
    }

    private func brought(
        _ tree: Tree, _ key: CacheKey, isKnown: Bool
    ) -> RemoteSources.Brought {
        .init(tree: tree, key: key, instruction: "GIT \(reference)", isKnown: isKnown)
    }

    private func key(of commit: String) -> CacheKey {
        CacheKey(Digest(of: Array(inputs(of: commit).utf8)))
    }

    private func inputs(of commit: String) -> String {
        var text = "GIT v1\nrepository \(reference.remote)\ncommit \(commit)\n"
        if !subdirectory.isRoot { text += "subdirectory \(subdirectory)\n" }
        if keepsDirectory { text += "git-directory \(reference.reference ?? "HEAD")\n" }
        if !reference.takesSubmodules { text += "no-submodules\n" }
        return text
    }

    /// A repository of the kind that the commit is of: the names of SHA-256's have 64 digits. Before
    /// there is one, git takes the remote's as they are.
    private func makeRepository(for commit: String, _ git: GitProgram, _ place: String) throws {
        if HostDirectory.exists(git.directory) { return }
        // A directory of templates would bring hooks.
        let arguments = ["init", "--quiet", "--template="]
        let isLong = commit.utf8.count == GitReference.longDigits
        _ = try git.run(arguments + (isLong ? ["--object-format=sha256"] : []) + [place])
    }

    // MARK: - The commit

    private struct Found {
        var commit: String
        /// The annotated tag that names it.
        var tag: String?
        /// The full name of the reference; nil for a commit that was named itself.
        var name: String?
    }

    private func resolve(_ git: GitProgram, _ place: String) throws -> Found {
        if reference.isCommit, let commit = reference.reference { return Found(commit: commit) }
        let wanted = reference.reference ?? "HEAD"
        let digests = try digests(of: [wanted, wanted + "^{}"], git)
        let names = [wanted, "refs/heads/\(wanted)", "refs/tags/\(wanted)", "refs/\(wanted)"]
        guard let name = names.first(where: { digests[$0] != nil }), let digest = digests[name]
        else {
            let looksLikeCommit = wanted.utf8.allSatisfy(GitReference.isHexDigit)
            if looksLikeCommit, wanted == reference.checksum { return try find(wanted, git, place) }
            throw BuildError(
                .gitFailed,
                "the repository \(GitReference.redacted(reference.remote)) has no branch or tag "
                    + "\"\(wanted)\"",
                offending: wanted,
                hint: looksLikeCommit
                    ? "a commit is named by all its 40 digits, or 64 of SHA-256" : nil)
        }
        let peeled = digests[name + "^{}"]
        return Found(commit: peeled ?? digest, tag: peeled == nil ? nil : digest, name: name)
    }

    /// The references of the repository, by name, with what annotated tags are about as `NAME^{}`.
    /// - Parameter names: those that are asked for; none for all.
    private func digests(of names: [String], _ git: GitProgram) throws -> [String: String] {
        let output = try git.run(["ls-remote", "--", reference.remote] + names)
        var digests: [String: String] = [:]
        for line in String(decoding: output, as: UTF8.self).split(separator: "\n") {
            let parts = line.split(separator: "\t").map(String.init)
            guard parts.count == 2, parts[0].utf8.allSatisfy(GitReference.isHexDigit) else {
                continue
            }
            digests[parts[1]] = parts[0]
        }
        return digests
    }

    /// The commit whose first digits are all that was said: that of the default branch, else of any
    /// branch or tag, else any in their histories, which have to be fetched for that.
    private func find(_ prefix: String, _ git: GitProgram, _ place: String) throws -> Found {
        let digests = try digests(of: [], git)
        if let head = digests["HEAD"], head.hasPrefix(prefix) { return Found(commit: head) }
        var found: [String: Found] = [:]
        for (name, digest) in digests where !name.hasSuffix("^{}") {
            let peeled = digests[name + "^{}"]
            let commit = peeled ?? digest
            guard commit.hasPrefix(prefix) || digest.hasPrefix(prefix) else { continue }
            found[commit] = Found(commit: commit, tag: peeled == nil ? nil : digest)
        }
        if let only = found.values.first, found.count == 1 { return only }
        if found.isEmpty {
            progress.say("fetching all branches and tags to look for \(prefix)")
            try makeRepository(for: digests.values.first ?? "", git, place)
            try fetchAll(git)
            // Too few digits, or those of several or none.
            if let commit = try? git.run("rev-parse", "--verify", prefix + "^{commit}") {
                return Found(
                    commit: String(decoding: commit, as: UTF8.self).filter { !$0.isWhitespace })
            }
            try sources.cancellation.check()
        }
        throw BuildError(
            .gitFailed,
            "the repository \(GitReference.redacted(reference.remote)) has no commit, or several, "
                + "whose name begins with \"\(prefix)\"",
            offending: prefix, hint: "say more of the commit's digits, or a branch or tag")
    }

    private func fetchAll(_ git: GitProgram) throws {
        _ = try git.run(
            "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--", reference.remote,
            "+refs/heads/*:refs/vitrine/heads/*", "+refs/tags/*:refs/vitrine/tags/*")
    }

    private func check(_ found: Found) throws {
        guard let checksum = reference.checksum else { return }
        guard found.commit.hasPrefix(checksum) || found.tag?.hasPrefix(checksum) == true else {
            throw BuildError(
                .checksumMismatch,
                "\(reference) is not what it should be: its commit is \(found.commit), "
                    + "not \(checksum)",
                hint: "if the new commit is right, give it to --checksum")
        }
    }

    /// - Returns: what came, which for a branch may be newer than what was found.
    private func fetch(_ found: Found, _ git: GitProgram) throws -> String {
        let shallow = ["fetch", "--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head"]
        do {
            _ = try git.run(
                shallow + ["--", reference.remote, "\(found.commit):refs/vitrine/commit"])
        } catch let failure as GitProgram.Failure {
            try sources.cancellation.check()
            // Servers of old protocols give named commits only.
            guard !failure.text.contains("not allowed"), !failure.text.contains("ould not resolve")
            else { throw failure }
            progress.say("fetching all branches and tags")
            try fetchAll(git)
            do {
                _ = try git.run(
                    "update-ref", "refs/vitrine/commit", "\(found.commit)^{commit}")
            } catch is GitProgram.Failure { throw failure }
        }
        let commit = try git.run("rev-parse", "--verify", "refs/vitrine/commit^{commit}")
        return String(decoding: commit, as: UTF8.self).filter { !$0.isWhitespace }
    }

    // MARK: - The files

    private func read(
        _ commit: String, _ found: Found, _ git: GitProgram, _ place: String
    ) throws -> Tree {
        try requireSubdirectory(of: commit, git)
        // Archives leave out and rewrite what .gitattributes says; a checkout does not.
        try HostDirectory.makeAll(git.directory + "/info")
        let attributes = git.directory + "/info/attributes"
        try HostDirectory.replaceFile(
            attributes, with: Array("* -export-ignore -export-subst\n".utf8),
            durability: .deferred)
        let directories = PendingDirectories(base: sources.store)
        let editor = TreeEditor(base: .empty, directories: directories)
        let ingest = try sources.store.ingest(sources.lease)
        let unpacker = ArchiveUnpacker(ingest: ingest, owner: .root)
        try git.stream(["archive", "--format=tar", commit, "--"] + pathspec) { descriptor in
            let input = try DecompressingReader(
                try CancellableInput(descriptor, sources.cancellation))
            try unpacker.unpack(input, into: .root, of: editor)
        }
        let seconds = try git.run("show", "--no-patch", "--format=%ct", commit)
        let time = Int64(String(decoding: seconds, as: UTF8.self).filter { !$0.isWhitespace }) ?? 0
        if reference.takesSubmodules { try addSubmodules(of: commit, git, editor) }
        try refuseGitDirectories(try editor.finish(), directories)
        if keepsDirectory {
            try HostDirectory.unlink(attributes)
            try addDirectory(commit, found, git, editor, directories, NodeTime(seconds: time))
        }
        let tree = try scoped(try editor.finish(), directories)
        try sources.record(
            key(of: commit), instruction: "GIT \(reference)",
            inputs: GitReference.redacted(inputs(of: commit)), tree: tree, directories: directories)
        return tree
    }

    var pathspec: [String] {
        subdirectory.isRoot ? [] : [String(decoding: subdirectory.bytes, as: UTF8.self)]
    }

    private func requireSubdirectory(of commit: String, _ git: GitProgram) throws {
        guard let path = pathspec.first else { return }
        do {
            let type = try git.run("cat-file", "-t", "\(commit):\(path)")
            if type.starts(with: Array("tree".utf8)) { return }
        } catch is GitProgram.Failure {
            // There is nothing at all.
        }
        throw noSubdirectory
    }

    private var noSubdirectory: BuildError {
        BuildError(
            .sourceNotFound,
            "the repository \(GitReference.redacted(reference.remote)) has no directory "
                + "\"\(reference.subdirectory ?? "")\"")
    }

    /// The subdirectory as a tree of its own.
    private func scoped(_ tree: Tree, _ directories: PendingDirectories) throws -> Tree {
        guard !subdirectory.isRoot else { return tree }
        guard let node = try directories.node(at: subdirectory, in: tree),
            let directory = node.directory
        else { throw noSubdirectory }
        return Tree(attributes: node.attributes, directory: directory)
    }

    /// git takes no such name out of a repository, since it would be one of its own; who makes one by
    /// hand wants to be taken for git.
    private func refuseGitDirectories(
        _ tree: Tree, _ directories: PendingDirectories
    ) throws {
        var waiting = [tree.directory.id]
        var seen = Set(waiting)
        while let id = waiting.popLast() {
            for entry in try directories.directory(id).entries {
                if String(decoding: entry.name.bytes, as: UTF8.self).lowercased() == ".git" {
                    throw BuildError(
                        .gitFailed,
                        "the repository \(GitReference.redacted(reference.remote)) holds a file "
                            + "named \"\(entry.name)\", which no repository may")
                }
                if let child = entry.node.directory, seen.insert(child.id).inserted {
                    waiting.append(child.id)
                }
            }
        }
    }

    /// Gives the commit its branch or tag; an annotated one is fetched if it is not there.
    private func keep(
        _ name: String, _ commit: String, _ tag: String?, _ git: GitProgram
    ) throws {
        guard let tag else {
            _ = try git.run("update-ref", name, commit)
            return
        }
        do {
            _ = try git.run("update-ref", name, tag)
        } catch is GitProgram.Failure {
            _ = try git.run(
                "fetch", "--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head", "--",
                reference.remote, "+\(name):\(name)")
        }
    }

    /// `--keep-git-dir`: the repository with this commit checked out, as far as git can tell.
    private func addDirectory(
        _ commit: String, _ found: Found, _ git: GitProgram, _ editor: TreeEditor,
        _ directories: PendingDirectories, _ time: NodeTime
    ) throws {
        _ = try git.run("update-ref", "--no-deref", "HEAD", commit)
        if let name = found.name, name != "HEAD" {
            try keep(name, commit, found.tag, git)
        }
        _ = try git.run("update-ref", "-d", "refs/vitrine/commit")
        _ = try git.run("read-tree", commit)
        _ = try git.run("config", "remote.origin.url", GitReference.redacted(reference.remote))
        _ = try git.run("config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*")
        // Nothing is to tell of how it came here.
        try HostDirectory.removeAll(git.directory + "/refs/vitrine")
        let reader = RootFileSystemImport(
            sources.store, lease: sources.lease, options: ImportOptions(created: .epoch))
        let copied = try reader.readTree(directory: git.directory)
        let copier = TreeCopier(
            editor: editor, pending: directories,
            transform: CopyTransform(owner: .root, time: time))
        try copier.copy(
            Node(attributes: copied.attributes, content: .directory(copied.directory)),
            named: nil, at: .root, from: sources.store, isStored: true,
            to: try DestinationPath("/.git/", workingDirectory: "/"))
    }
}
