internal import Dockerfile
internal import FileTree
internal import ImageSpec
internal import LinuxIO
internal import Store

/// What a build works on: its Dockerfile, and the files that COPY and ADD see.
///
/// The Dockerfile and the ignore file can be left out of what COPY sees and are read all the same.
struct BuildContext {
    let dockerfile: DockerfileText
    /// One stage at a time may ask it.
    var source: any CopySource
    /// What the host's files hashed to; saved when the build ends.
    let cache: StatCache?
    /// What leaves files of the context out.
    let ignore: IgnoreFile?
    /// How many steps were shown before there was a Dockerfile.
    private(set) var stepCount = 0

    /// The largest Dockerfile or ignore file.
    private static let maximumBytes = 16 << 20

    /// - Throws: `contextUnreadable`, `invalidDockerfile`.
    init(
        _ location: ContextLocation, _ options: BuildOptions, remotes: RemoteSources,
        store: Store, lease: Lease, cancellation: Cancellation
    ) throws {
        var options = options
        if case .remote(let address) = options.dockerfile {
            options.dockerfile = .text(try Self.dockerfile(at: address, remotes, store))
        }
        let dockerfile = options.dockerfile
        switch location {
        case .remote(let remote):
            self = try Self.remote(remote, options, remotes, store, lease, cancellation)
        case .directory(let path):
            self = try Self.directory(path, dockerfile, store, lease, cancellation)
        case .none:
            let text = try Self.dockerfile(dockerfile, cancellation) { _ in nil }
            self.init(dockerfile: text, source: Self.nothing(store), cache: nil)
        case .stream(let descriptor):
            self = try Self.stream(
                descriptor, "the stream", dockerfile, store, lease, cancellation)
        }
        stepCount = remotes.stepCount
    }

    private static func dockerfile(
        at address: WebAddress, _ remotes: RemoteSources, _ store: Store
    ) throws -> DockerfileText {
        let text = "\(address)"
        let tree = try remotes.tree(of: .file(address))
        guard let content = try remotes.content(of: tree),
            content.sizeBytes > 0, content.sizeBytes <= UInt64(maximumBytes),
            let bytes = try read(store.layout.object(content.digest))
        else {
            throw BuildError(
                .invalidDockerfile, "the file at \(text) is empty, or too large for a Dockerfile")
        }
        return DockerfileText(name: lastName(text), bytes: bytes)
    }

    /// A tar, or a Dockerfile alone.
    private static func stream(
        _ descriptor: Int32, _ name: String, _ dockerfile: DockerfileLocation, _ store: Store,
        _ lease: Lease, _ cancellation: Cancellation
    ) throws -> BuildContext {
        let directories = PendingDirectories(base: store)
        let content = try TarContext.read(
            descriptor: descriptor, named: name, store: store, lease: lease,
            directories: directories, cancellation: cancellation)
        switch content {
        case .dockerfile(let bytes):
            return BuildContext(
                dockerfile: DockerfileText(name: "Dockerfile", bytes: bytes),
                source: nothing(store), cache: nil)
        case .tree(let tree):
            return try self.tree(tree, dockerfile, store, lease, directories, cancellation)
        }
    }

    private static func remote(
        _ remote: RemoteSource, _ options: BuildOptions, _ remotes: RemoteSources, _ store: Store,
        _ lease: Lease, _ cancellation: Cancellation
    ) throws -> BuildContext {
        var remote = remote
        if case .repository(var reference) = remote,
            let keeps = options.buildArguments.last(where: { $0.name == keepGitArgument }),
            ["1", "true", "t"].contains(keeps.value.lowercased())
        {
            reference.keepsDirectory = true
            remote = .repository(reference)
        }
        let tree = try remotes.tree(of: remote, number: remotes.stepCount + 1)
        guard case .file = remote else {
            return try self.tree(
                tree, options.dockerfile, store, lease, PendingDirectories(base: store),
                cancellation)
        }
        guard let content = try remotes.content(of: tree), content.sizeBytes > 0 else {
            throw BuildError(.contextUnreadable, "the file at \(remote) is empty")
        }
        let file = try OwnedDescriptor(opening: store.layout.object(content.digest), .readOnly)
        let context = try stream(
            file.rawValue, "\(remote)", options.dockerfile, store, lease, cancellation)
        return context
    }

    /// BuildKit's switch for contexts of git.
    private static let keepGitArgument = "BUILDKIT_CONTEXT_KEEP_GIT_DIR"

    /// A directory of the host under a name of its own; its ignore file counts.
    static func named(
        _ path: String, _ name: String, store: Store, lease: Lease, cancellation: Cancellation
    ) throws -> (source: any CopySource, cache: StatCache) {
        let cache = StatCache(path: try cachePath(path, store))
        let files = try HostFileReader(root: path, cache: cache)
        let ignore = try files.text(".dockerignore", limit: maximumBytes)
        let source = try HostContext(
            files, name: name, ignore: try ignore.map { try ignoreFile($0, ".dockerignore") },
            ignoreFileName: ".dockerignore", store: store, lease: lease,
            cancellation: cancellation)
        return (source, cache)
    }

    private init(
        dockerfile: DockerfileText, source: any CopySource, cache: StatCache?,
        ignore: IgnoreFile? = nil
    ) {
        self.dockerfile = dockerfile
        self.ignore = ignore
        self.source = source
        self.cache = cache
    }

    private static func nothing(_ store: Store) -> any CopySource {
        TreeSource(.empty, in: store, name: "the build context, which is empty")
    }

    // MARK: - A directory of the host

    private static func directory(
        _ path: String, _ location: DockerfileLocation, _ store: Store, _ lease: Lease,
        _ cancellation: Cancellation
    ) throws -> BuildContext {
        let cache = StatCache(path: try cachePath(path, store))
        let files = try HostFileReader(root: path, cache: cache)
        let location = located(location, in: path)
        let text = try dockerfile(location, cancellation) {
            try files.text($0, limit: maximumBytes)
        }
        let (ignore, ignoreName) = try ignoreFile(location, text.name, files)
        let source = try HostContext(
            files, ignore: ignore, ignoreFileName: ignoreName, store: store, lease: lease,
            cancellation: cancellation)
        return BuildContext(dockerfile: text, source: source, cache: cache, ignore: ignore)
    }

    /// The Dockerfile's own ignore file if it has one, else the context's.
    private static func ignoreFile(
        _ location: DockerfileLocation, _ dockerfile: String, _ files: HostFileReader
    ) throws -> (file: IgnoreFile?, name: String) {
        let name = ".dockerignore"
        var bytes: [UInt8]?
        switch location {
        case .inContext(let path): bytes = try files.text(path + name, limit: maximumBytes)
        case .onHost(let path): bytes = try read(path + name, isRegular: true)
        case .stream, .text, .remote: break
        }
        if let bytes {
            return (try ignoreFile(bytes, dockerfile + name), dockerfile + name)
        }
        bytes = try files.text(name, limit: maximumBytes)
        return (try bytes.map { try ignoreFile($0, name) }, name)
    }

    /// The rules by which a context's files are left out, for who wants to see them work.
    static func ignoreRules(
        _ path: String, _ location: DockerfileLocation
    ) throws -> (file: IgnoreFile?, name: String) {
        let location = located(location, in: path)
        var name = "Dockerfile"
        switch location {
        case .inContext(let path), .onHost(let path): name = lastName(path)
        case .stream, .text, .remote: break
        }
        return try ignoreFile(
            location, name, try HostFileReader(root: path, cache: StatCache(path: nil)))
    }

    /// One file for each context directory, so that a build reads what is of use to it.
    private static func cachePath(_ context: String, _ store: Store) throws -> String? {
        guard let status = try? FileStatus(ofPath: context) else { return nil }  // told later
        let identity = "\(status.device):\(status.inode)"
        return store.layout.contextCache(Digest(of: Array(identity.utf8)).short)
    }

    /// A path of the host that is one of the context is taken as such, so that no link of the
    /// context makes the build read what is outside.
    private static func located(
        _ location: DockerfileLocation, in context: String
    ) -> DockerfileLocation {
        guard case .onHost(let path) = location, path.hasPrefix("/"), context.hasPrefix("/"),
            let place = try? TreePath(cleaning: Array(path.utf8)),
            let root = try? TreePath(cleaning: Array(context.utf8)),
            place.names.count > root.names.count, place.names.starts(with: root.names)
        else { return location }
        return .inContext(
            place.names.dropFirst(root.names.count).map(\.description).joined(separator: "/"))
    }

    /// A file that the user named by its path on the host.
    /// - Parameter isRegular: whether a pipe or device counts as nothing.
    private static func read(_ path: String, isRegular: Bool = false) throws -> [UInt8]? {
        do throws(Errno) {
            if isRegular, try FileStatus(ofPath: path).kind != .regular { return nil }
            let file = try OwnedDescriptor(opening: path, .readOnly)
            return try DescriptorIO.readAll(file.rawValue, limit: maximumBytes)
        } catch .notFound {
            return nil
        } catch .notDirectory {
            return nil
        } catch {
            throw BuildError(
                .contextUnreadable, "could not read \"\(path)\": \(error)", cause: error)
        }
    }

    private static func dockerfile(
        _ location: DockerfileLocation, _ cancellation: Cancellation,
        inContext read: (String) throws -> [UInt8]?
    ) throws -> DockerfileText {
        switch location {
        case .text(let text): return text
        case .remote(let address): throw missing("\(address)")  // is a text by now
        case .stream(let descriptor):
            do {
                let input = try CancellableInput(descriptor, cancellation)
                return DockerfileText(name: "-", bytes: try input.readAll(limit: maximumBytes))
            } catch let error as Errno {
                throw BuildError(
                    .invalidDockerfile, "could not read the Dockerfile from the stream: \(error)",
                    cause: error)
            }
        case .onHost(let path):
            guard let bytes = try Self.read(path) else { throw missing(path) }
            return DockerfileText(name: lastName(path), bytes: bytes)
        case .inContext(let path):
            if let bytes = try read(path) {
                return DockerfileText(name: lastName(path), bytes: bytes)
            }
            // As Docker: a Dockerfile by its lower-case name.
            if path == "Dockerfile", let bytes = try read("dockerfile") {
                return DockerfileText(name: "dockerfile", bytes: bytes)
            }
            throw missing(path)
        }
    }

    private static func lastName(_ path: String) -> String {
        path.split(separator: "/").last.map(String.init) ?? path
    }

    private static func missing(_ path: String) -> BuildError {
        BuildError(
            .invalidDockerfile, "there is no Dockerfile at \"\(path)\"",
            hint: "name it with -f, or give it on standard input with -")
    }

    private static func ignoreFile(_ bytes: [UInt8], _ name: String) throws -> IgnoreFile {
        do throws(DockerfileError) { return try IgnoreFile(parsing: bytes) } catch {
            var wrapped = BuildError(error)
            wrapped.dockerfile = DockerfileText(name: name, bytes: bytes)
            throw wrapped
        }
    }

    // MARK: - A tar

    private static func tree(
        _ tree: Tree, _ location: DockerfileLocation, _ store: Store, _ lease: Lease,
        _ directories: PendingDirectories, _ cancellation: Cancellation
    ) throws -> BuildContext {
        func content(_ path: String) throws -> [UInt8]? {
            let path = try TreePath(cleaning: Array(path.utf8))
            guard let found = try directories.resolve(path, in: tree),
                case .file(let content) = found.node.content
            else { return nil }
            if content.sizeBytes == 0 { return [] }
            return try read(store.layout.object(content.digest))
        }
        let text = try dockerfile(location, cancellation, inContext: content)
        var name = ".dockerignore"
        var ignoreBytes: [UInt8]?
        if case .inContext(let path) = location, let bytes = try content(path + ".dockerignore") {
            name = text.name + ".dockerignore"
            ignoreBytes = bytes
        } else {
            ignoreBytes = try content(name)
        }
        var visible = tree
        let ignore = try ignoreBytes.map { try ignoreFile($0, name) }
        if let ignore {
            visible = try TarContext.pruned(tree, by: ignore, directories: directories)
        }
        try store.insert(visible, directories: directories, lease: lease)
        return BuildContext(
            dockerfile: text,
            source: TreeSource(visible, in: store, name: "the build context"), cache: nil,
            ignore: ignore)
    }
}
