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
    let source: any CopySource
    /// What the host's files hashed to; saved when the build ends.
    let cache: StatCache?

    /// The largest Dockerfile or ignore file.
    private static let maximumBytes = 16 << 20

    /// - Throws: `contextUnreadable`, `invalidDockerfile`.
    init(
        _ location: ContextLocation, _ dockerfile: DockerfileLocation, store: Store,
        lease: Lease, cancellation: Cancellation
    ) throws {
        switch location {
        case .directory(let path):
            self = try Self.directory(path, dockerfile, store, lease, cancellation)
        case .none:
            let text = try Self.dockerfile(dockerfile) { _ in nil }
            self.init(dockerfile: text, source: Self.nothing(store), cache: nil)
        case .stream(let descriptor):
            let directories = PendingDirectories(base: store)
            let content = try TarContext.read(
                descriptor: descriptor, store: store, lease: lease, directories: directories)
            switch content {
            case .dockerfile(let bytes):
                self.init(
                    dockerfile: DockerfileText(name: "Dockerfile", bytes: bytes),
                    source: Self.nothing(store), cache: nil)
            case .tree(let tree):
                self = try Self.tree(tree, dockerfile, store, lease, directories)
            }
        }
    }

    private init(dockerfile: DockerfileText, source: any CopySource, cache: StatCache?) {
        self.dockerfile = dockerfile
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
        let text = try dockerfile(location) { try read(path + "/" + $0) }
        var ignoreName = ".dockerignore"
        var ignoreBytes: [UInt8]?
        let specific: String? =
            switch location {
            case .inContext(let name): path + "/" + name
            case .onHost(let name): name
            case .text: nil
            }
        if let specific, let bytes = try read(specific + ".dockerignore") {
            ignoreBytes = bytes
            ignoreName = text.name + ".dockerignore"
        } else {
            ignoreBytes = try read(path + "/" + ignoreName)
        }
        let cache = StatCache(path: try cachePath(path, store))
        let source = try HostContext(
            root: path, ignore: try ignoreBytes.map { try ignoreFile($0, ignoreName) },
            ignoreFileName: ignoreName, store: store, lease: lease, cache: cache,
            cancellation: cancellation)
        return BuildContext(dockerfile: text, source: source, cache: cache)
    }

    /// One file for each context directory, so that a build reads what is of use to it.
    private static func cachePath(_ context: String, _ store: Store) throws -> String? {
        guard let status = try? FileStatus(ofPath: context) else { return nil }  // told later
        let identity = "\(status.device):\(status.inode)"
        return store.layout.contextCache(Digest(of: Array(identity.utf8)).short)
    }

    private static func read(_ path: String) throws -> [UInt8]? {
        do throws(Errno) {
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
        _ location: DockerfileLocation, inContext read: (String) throws -> [UInt8]?
    ) throws -> DockerfileText {
        switch location {
        case .text(let text): return text
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
        _ directories: PendingDirectories
    ) throws -> BuildContext {
        func content(_ path: String) throws -> [UInt8]? {
            let path = try TreePath(cleaning: Array(path.utf8))
            guard let found = try directories.resolve(path, in: tree),
                case .file(let content) = found.node.content
            else { return nil }
            if content.sizeBytes == 0 { return [] }
            return try read(store.layout.object(content.digest))
        }
        let text = try dockerfile(location, inContext: content)
        var name = ".dockerignore"
        var ignoreBytes: [UInt8]?
        if case .inContext(let path) = location, let bytes = try content(path + ".dockerignore") {
            name = text.name + ".dockerignore"
            ignoreBytes = bytes
        } else {
            ignoreBytes = try content(name)
        }
        var visible = tree
        if let ignoreBytes {
            visible = try TarContext.pruned(
                tree, by: try ignoreFile(ignoreBytes, name), directories: directories)
        }
        try store.insert(visible, directories: directories, lease: lease)
        return BuildContext(
            dockerfile: text,
            source: TreeSource(visible, in: store, name: "the build context"), cache: nil)
    }
}
