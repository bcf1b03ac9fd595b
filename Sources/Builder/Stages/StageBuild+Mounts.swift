internal import Dockerfile
internal import FileTree
internal import ImageSpec
internal import LinuxIO
internal import Store

extension StageBuild {
    /// A `--mount` with the place where it goes and what it shows.
    struct PlannedMount {
        var mount: RunMount
        /// Its place in the instruction.
        var index: Int
        /// Absolute and clean; nil for a secret that is a variable only.
        var target: String?
        /// What a bind shows and a cache begins with.
        var exposed: Exposed?
    }

    /// A file or directory of a source.
    struct Exposed {
        var source: any CopySource
        var path: TreePath
        var node: Node
    }

    private static let secretDirectory = "/run/secrets/"
    private static let agentSocket = "/run/buildkit/ssh_agent."
    private static let agentVariable = "SSH_AUTH_SOCK"

    // MARK: - Planning

    /// The mounts of an instruction, parents before what is mounted below them.
    /// - Throws: `invalidMount`, `sourceNotFound`, `imageNotFound`.
    func plan(_ options: [MountOptions]) throws -> [PlannedMount] {
        var agents = 0
        var planned: [PlannedMount] = []
        for (index, options) in options.enumerated() {
            let mount = try RunMount(options)
            var plan = PlannedMount(mount: mount, index: index)
            switch mount.kind {
            case .bind, .cache, .tmpfs:
                plan.target = try target(mount.target, mount)
                plan.exposed = try exposed(by: mount)
            case .secret:
                if !mount.target.isEmpty {
                    plan.target = try target(mount.target, mount)
                } else if mount.variable == nil {
                    let name = Self.lastName(Self.secretID(mount))
                    plan.target = try target(Self.secretDirectory + name, mount)
                }
            case .ssh:
                let own = mount.target.isEmpty ? "\(Self.agentSocket)\(agents)" : mount.target
                plan.target = try target(own, mount)
                agents += 1
            }
            planned.append(plan)
        }
        return planned.sorted { ($0.target ?? "", $0.index) < ($1.target ?? "", $1.index) }
    }

    func target(_ text: String, _ mount: RunMount) throws -> String {
        let path = text.hasPrefix("/") ? text : "\(state.workingDirectory)/\(text)"
        let target = "/" + Self.names(of: path).joined(separator: "/")
        guard target != "/", !target.utf8.contains(0) else {
            throw BuildError(
                .invalidDestination, "invalid mount target \(text.quoted)",
                offending: text.isEmpty ? "type=\(mount.kind.rawValue)" : text,
                expected: "target=PATH, below the root directory")
        }
        return target
    }

    /// As Go's `path.Clean` of an absolute path.
    private static func names(of path: String) -> [Substring] {
        var names: [Substring] = []
        for name in path.split(separator: "/") where name != "." {
            if name == ".." {
                _ = names.popLast()
            } else {
                names.append(name)
            }
        }
        return names
    }

    private static func lastName(_ text: String) -> String {
        names(of: text).last.map(String.init) ?? ""
    }

    private static func secretID(_ mount: RunMount) -> String {
        for text in [mount.source, mount.id] where !text.isEmpty { return text }
        return lastName(mount.target)
    }

    private static func agentID(_ mount: RunMount) -> String {
        mount.id.isEmpty ? "default" : mount.id
    }

    /// By default the target, as it is written. `BUILDKIT_CACHE_MOUNT_NS` keeps builds apart.
    private func cacheID(_ mount: RunMount) -> String {
        var id = mount.id
        if id.isEmpty {
            let path = Self.names(of: mount.target).joined(separator: "/")
            id = mount.target.hasPrefix("/") ? "/" + path : path
        }
        guard let space = run.arguments.givenValue("BUILDKIT_CACHE_MOUNT_NS"), !space.isEmpty else {
            return id
        }
        return "\(space)/\(id)"
    }

    private func exposed(by mount: RunMount) throws -> Exposed? {
        let source: any CopySource
        switch (mount.kind, mount.from) {
        case (.bind, nil): source = run.context.source
        case (.bind, let from?), (.cache, let from?): source = try self.source(named: from)
        case (.cache, nil):
            if mount.source.isEmpty { return nil }
            source = TreeSource(.empty, in: run.store, name: "a new cache, which is empty")
        default: return nil
        }
        let path = try TreePath(
            Self.names(of: mount.source).map { try EntryName(Array($0.utf8)) })
        guard let resolved = try source.resolve(path), let node = try source.node(at: resolved)
        else {
            throw BuildError(
                .sourceNotFound, "\"\(path)\" is not in \(source.name)",
                offending: mount.source, hint: source.explainAbsence(of: path))
        }
        guard mount.kind == .bind || node.isDirectory else {
            throw BuildError(
                .sourceNotFound,
                "\"\(path)\" in \(source.name) is no directory to fill a cache with",
                offending: mount.source)
        }
        return Exposed(source: source, path: resolved, node: node)
    }

    /// The variable that names the first agent's socket, unless the image or the build has set it.
    func agentEnvironment(_ mounts: [PlannedMount]) -> [String] {
        let agents = mounts.filter { $0.mount.kind == .ssh }
        guard state.environment[Self.agentVariable] == nil,
            let first = agents.min(by: { $0.index < $1.index })?.target
        else { return [] }
        return ["\(Self.agentVariable)=\(first)"]
    }

    // MARK: - What counts

    /// Adds what counts of the mounts: as in BuildKit all that is said of them but where a bind's
    /// source lies; of the source what it holds, and of secrets and sockets nothing else.
    func append(_ mounts: [PlannedMount], to inputs: inout CacheInputs) throws {
        for planned in mounts {
            let mount = planned.mount
            var words = [mount.kind.rawValue]
            if let target = planned.target { words.append(target) }
            switch mount.kind {
            case .bind: words.append(mount.isReadOnly ? "ro" : "rw")
            case .cache:
                words.append("id=\(cacheID(mount))")
                words.append("sharing=\(mount.sharing.rawValue)")
                words.append(mount.isReadOnly ? "ro" : "rw")
            case .tmpfs: if let size = mount.sizeBytes { words.append("size=\(size)") }
            case .secret:
                words.append("id=\(Self.secretID(mount))")
                if mount.variable != nil { words.append("env=\(Self.variable(mount))") }
            case .ssh: words.append("id=\(Self.agentID(mount))")
            }
            if mount.isRequired { words.append("required") }
            if let mode = mount.permissions { words.append("mode=\(String(mode, radix: 8))") }
            if let user = mount.userID { words.append("uid=\(user)") }
            if let group = mount.groupID { words.append("gid=\(group)") }
            inputs.append("mount", words)
            if let exposed = planned.exposed {
                let place = try TreePath(cleaning: Array((planned.target ?? "/").utf8))
                try inputs.append(
                    source: place, exposed.node, run.digests(of: exposed.source))
            }
        }
    }

    /// The name of a secret's variable.
    private static func variable(_ mount: RunMount) -> String {
        guard let variable = mount.variable, !variable.isEmpty else { return secretID(mount) }
        return variable
    }

    // MARK: - Providing

    /// Adds the mounts to what a step is given, with the bytes of its secrets.
    /// - Throws: `sourceNotFound` for a required secret or socket that was not given.
    func provide(
        _ mounts: [PlannedMount], to surroundings: inout StepRequest.Surroundings
    ) throws {
        for planned in mounts {
            let mount = planned.mount
            var source: StepMount.Source?
            switch mount.kind {
            case .tmpfs: source = .memory(sizeBytes: mount.sizeBytes)
            case .bind: source = try planned.exposed.map { try view(of: $0) }
            case .cache: source = .cache(try cache(mount, planned.exposed))
            case .secret:
                guard let content = try secret(mount) else { continue }
                if mount.variable != nil {
                    surroundings.secretEnvironment.append(
                        try Self.environment(mount, content))
                }
                source = .secret(
                    StepSecret(
                        content: content, permissions: mount.permissions ?? 0o400,
                        userID: mount.userID ?? 0, groupID: mount.groupID ?? 0))
            case .ssh:
                guard let agent = try agent(mount) else { continue }
                source = .agent(
                    StepAgent(
                        agent: agent, permissions: mount.permissions ?? 0o600,
                        userID: mount.userID ?? 0, groupID: mount.groupID ?? 0))
            }
            guard let source, let target = planned.target else { continue }
            surroundings.mounts.append(
                StepMount(source: source, target: target, isReadOnly: mount.isReadOnly))
        }
    }

    private func view(of exposed: Exposed) throws -> StepMount.Source {
        try exposed.source.provideContents(at: exposed.path)
        if let reference = exposed.node.directory {
            let tree = Tree(attributes: exposed.node.attributes, directory: reference)
            return .tree(tree, directories: exposed.source.directories, file: nil)
        }
        // A view shows directories: the file is alone in one.
        let name = exposed.path.last ?? .fallback
        let directories = PendingDirectories(base: exposed.source.directories)
        var node = exposed.node
        node.hardLink = nil
        let reference = directories.insert(Directory([DirectoryEntry(name: name, node: node)]))
        return .tree(
            Tree(attributes: .implicitDirectory, directory: reference), directories: directories,
            file: name)
    }

    private func cache(_ mount: RunMount, _ exposed: Exposed?) throws -> CacheMountRequest {
        var seed: CacheMountRequest.Seed?
        if let exposed, let reference = exposed.node.directory {
            try exposed.source.provideContents(at: exposed.path)
            seed = .init(
                tree: Tree(attributes: exposed.node.attributes, directory: reference),
                directories: exposed.source.directories,
                digest: try run.digests(of: exposed.source).digest(of: reference))
        }
        let sharing: CacheMountRequest.Sharing =
            switch mount.sharing {
            case .shared: .shared
            case .private: .private
            case .locked: .locked
            }
        return CacheMountRequest(
            id: cacheID(mount), sharing: sharing, seed: seed,
            permissions: mount.permissions, userID: mount.userID, groupID: mount.groupID)
    }

    // MARK: - Secrets

    private func secret(_ mount: RunMount) throws -> [UInt8]? {
        let id = Self.secretID(mount)
        guard let source = run.options.run.secret(id) else {
            guard mount.isRequired else { return nil }
            throw BuildError(
                .sourceNotFound, "secret \(id): not found", offending: "type=secret",
                hint: "give it with --secret id=\(id),src=FILE or --secret id=\(id),env=NAME")
        }
        let content: [UInt8]
        switch source.origin {
        case .value(let bytes): content = bytes
        case .file(let path):
            do throws(Errno) {
                let file = try OwnedDescriptor(opening: path, .readOnly)
                content = try DescriptorIO.readAll(
                    file.rawValue, limit: SecretSource.maximumBytes)
            } catch .tooLarge {
                throw Self.tooLarge(id)
            } catch {
                throw BuildError(
                    .sourceNotFound, "could not read the secret \(id) from \(path): \(error)",
                    cause: error)
            }
        }
        guard content.count <= SecretSource.maximumBytes else { throw Self.tooLarge(id) }
        return content
    }

    private static func tooLarge(_ id: String) -> BuildError {
        BuildError(
            .invalidArgument,
            "the secret \(id) is larger than \(SecretSource.maximumBytes >> 10) KiB")
    }

    private static func environment(_ mount: RunMount, _ content: [UInt8]) throws -> String {
        guard let text = String(validating: content, as: UTF8.self), !content.contains(0) else {
            throw BuildError(
                .invalidArgument,
                "the secret \(secretID(mount)) holds what no variable can hold",
                hint: "let the command read it from a file: leave out env=")
        }
        return "\(variable(mount))=\(text)"
    }

    private func agent(_ mount: RunMount) throws -> AgentSource? {
        let id = Self.agentID(mount)
        if let agent = run.options.run.agent(id) { return agent }
        guard mount.isRequired else { return nil }
        throw BuildError(
            .sourceNotFound, "unset ssh forward key \(id)", offending: "type=ssh",
            hint: "give it with --ssh \(id), or --ssh \(id)=SOCKET or KEYFILE")
    }
}
