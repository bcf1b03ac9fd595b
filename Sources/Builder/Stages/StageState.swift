internal import Dockerfile
internal import FileTree
internal import ImageSpec
internal import Sandbox

/// Variables by name, in the order they were first set.
struct VariableList: Hashable, Sendable {
    private(set) var variables: [(name: String, value: String)] = []
    private var places: [String: Int] = [:]

    subscript(name: String) -> String? { places[name].map { variables[$0].value } }

    mutating func set(_ name: String, _ value: String) {
        if let place = places[name] {
            variables[place].value = value
        } else {
            places[name] = variables.count
            variables.append((name, value))
        }
    }

    /// `NAME=value`
    var entries: [String] { variables.map { "\($0.name)=\($0.value)" } }

    static func == (a: Self, b: Self) -> Bool { a.entries == b.entries }
    func hash(into hasher: inout Hasher) { hasher.combine(entries) }
}

/// A layer of an image being built.
struct StageLayer: Sendable {
    /// The root file system with it.
    var tree: Tree
    /// Known for layers of base images; found meanwhile for new ones.
    var digest: LayerDigest
    /// The instruction that made it; nil for those of base images.
    var range: SourceRange?
}

/// What the instructions of a stage have made so far.
struct StageState: Sendable {
    var tree: Tree
    /// The config as it will be, but for the diffIDs and times that are found at the end.
    var image: ImageConfig
    /// Bottom first, those of the base image among them.
    var layers: [StageLayer]
    /// What variables stand for and processes see: the image's environment and the ARGs.
    private(set) var environment = VariableList()
    /// The ARGs declared so far, for the history of RUN; nil for one without a value.
    var arguments: [(name: String, value: String?)] = []
    /// Whether this stage itself has a CMD, which an ENTRYPOINT then leaves alone.
    var hasOwnCommand = false
    /// The last step that the cache did not have, of this stage or those below: why what stands on
    /// it is not there either.
    var lastRebuiltStep: Int?

    /// An empty image: `FROM scratch`.
    init(scratchFor platform: Platform) {
        tree = .empty
        image = ImageConfig(platform: platform)
        image.config.workingDirectory = "/"
        layers = []
        begin()
    }

    /// A stored image.
    init(_ config: ImageConfig, tree: Tree, layers: [StageLayer]) {
        self.tree = tree
        self.layers = layers
        image = config
        // What only the image's own builder had a use for.
        image.created = nil
        image.comment = nil
        image.dockerVersion = nil
        image.extras = JSONObject()
        let stopTimeout = image.config.extras["StopTimeout"]
        image.config.extras = JSONObject()
        if let stopTimeout { image.config.extras["StopTimeout"] = stopTimeout }
        begin()
    }

    /// What a stage on top of this one begins with.
    func forNextStage() -> StageState {
        var next = self
        next.hasOwnCommand = false
        // They fire now: the schedule has them.
        next.image.config.onBuild = []
        next.begin()
        return next
    }

    private mutating func begin() {
        // As in BuildKit: Windows has its own.
        if !isWindows, image.config.environmentValue("PATH") == nil {
            image.config.setEnvironment("PATH", ContainerRequest.defaultPath)
        }
        for variable in image.config.environment {
            let name = variable.prefix { $0 != "=" }
            environment.set(String(name), String(variable.dropFirst(name.count + 1)))
        }
    }

    /// `ENV`
    mutating func setEnvironment(_ name: String, _ value: String) {
        environment.set(name, value)
        image.config.setEnvironment(name, value)
    }

    /// `ARG`: seen by what follows, and not kept in the image.
    mutating func declareArgument(_ name: String, _ value: String?) {
        if let value { environment.set(name, value) }
        arguments.append((name, value))
    }

    /// The directory that relative paths are relative to, with slashes for Windows too.
    private(set) var workingDirectory = "/"

    /// `WORKDIR`, and the directory that an image states.
    /// - Throws: ``BuildError`` `invalidDestination`.
    mutating func setWorkingDirectory(_ text: String) throws {
        let directory = try DestinationPath.workingDirectory(
            try path(text), after: workingDirectory)
        guard isWindows else {
            workingDirectory = directory
            image.config.workingDirectory = directory
            return
        }
        // As in BuildKit: clean, and as Windows writes it.
        workingDirectory = try DestinationPath(directory, workingDirectory: "/").text
        image.config.workingDirectory = WindowsPath.withBackslashes(workingDirectory)
    }

    /// A path as it is in an image, of an instruction that may write it as Windows does.
    /// - Throws: ``BuildError`` `invalidDestination` for what Windows has and an image has not.
    func path(_ text: String) throws -> String {
        guard isWindows else { return text }
        do { return try WindowsPath.normalized(text) } catch {
            throw BuildError(
                .invalidDestination, error.message, offending: text,
                expected: "a path of drive C:, as C:\\app, /app or app")
        }
    }

    /// That directory, clean, as commands begin in it.
    var commandDirectory: String {
        get throws { try DestinationPath(workingDirectory, workingDirectory: "/").text }
    }

    private var isWindows: Bool { image.platform.os == "windows" }

    /// What runs shell forms where the image names nothing.
    var defaultShell: [String] {
        isWindows ? ["cmd", "/S", "/C"] : ContainerConfig.defaultShell
    }

    /// The words of a command line for the stage's shell.
    func shellCommand(_ text: String) -> [String] {
        (image.config.shell.isEmpty ? defaultShell : image.config.shell) + [text]
    }

    /// Adds to the history as BuildKit does.
    /// - Parameter created: nil until the image is complete; the first layer's then.
    mutating func addHistory(_ createdBy: String, created: Timestamp? = nil, hasLayer: Bool) {
        image.history.append(
            HistoryEntry(
                created: created, createdBy: createdBy, comment: "buildkit.dockerfile.v0",
                emptyLayer: !hasLayer))
    }
}
