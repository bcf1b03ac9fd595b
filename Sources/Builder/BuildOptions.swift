package import ImageSpec
package import Sandbox

/// What the user asks of a build.
package struct BuildOptions: Sendable {
    /// The names that the image gets.
    package var tags: [Reference]
    package var dockerfile: DockerfileLocation
    /// In the order they were given; of several with one name the last counts. A value of nil is
    /// `--build-arg NAME`: the caller has looked it up in its own environment and not found it.
    package var buildArguments: [BuildArgument]
    /// A stage's name or number; nil for the last stage.
    package var target: String?
    /// Whether every step is run, whatever the cache has.
    package var ignoresCache: Bool
    /// For the RUN steps that do not say otherwise.
    package var network: Network
    /// Set on the image after those of the Dockerfile.
    package var labels: [(name: String, value: String)]
    /// Nil is the host's.
    package var platform: Platform?
    /// The name of the build when there is no tag.
    package var title: String

    package init(
        tags: [Reference] = [], dockerfile: DockerfileLocation = .inContext("Dockerfile"),
        buildArguments: [BuildArgument] = [], target: String? = nil, ignoresCache: Bool = false,
        network: Network = .host, labels: [(name: String, value: String)] = [],
        platform: Platform? = nil, title: String = "build"
    ) {
        self.tags = tags
        self.dockerfile = dockerfile
        self.buildArguments = buildArguments
        self.target = target
        self.ignoresCache = ignoresCache
        self.network = network
        self.labels = labels
        self.platform = platform
        self.title = title
    }
}

/// `--build-arg NAME=VALUE`
package struct BuildArgument: Hashable, Sendable {
    package var name: String
    package var value: String

    package init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

/// Where the Dockerfile is.
package enum DockerfileLocation: Hashable, Sendable {
    /// A path inside the context.
    case inContext(String)
    /// An absolute path of the host. One inside the context is read as ``inContext(_:)`` is.
    case onHost(String)
    /// An open file or pipe that holds it and nothing else.
    case stream(Int32)
    /// Its bytes, which came from elsewhere, and how to call it.
    case text(DockerfileText)
}

/// Where the build context is.
package enum ContextLocation: Hashable, Sendable {
    /// A directory of the host, absolute if the Dockerfile is named by a path of the host.
    case directory(String)
    /// An open file or pipe that holds a tar, in any compression, or a Dockerfile alone, which
    /// then is the Dockerfile of a build without context.
    case stream(Int32)
    /// Nothing to copy from.
    case none
}

/// What a build made.
package struct BuildResult: Sendable {
    package var image: ImageID
    package var tags: [Reference]
    /// The build, as the store and the gallery name it.
    package var build: String
    package var stepCount: Int
    package var cachedStepCount: Int
}
