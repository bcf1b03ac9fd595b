package import FileTree
internal import Glibc
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
    /// Stages of which every step is run, by name or number.
    package var ignoresCacheOfStages: Set<String> = []
    /// For the RUN steps that do not say otherwise.
    package var network: Network
    /// What RUN steps are given besides.
    package var run = RunOptions()
    /// Set on the image after those of the Dockerfile.
    package var labels: [(name: String, value: String)]
    /// Nil is the host's.
    package var platform: Platform?
    /// Two or more, each once: all of them are built for, and the result is an index of the images.
    /// ``platform`` is nothing then.
    package var platforms: [Platform] = []
    /// The name of the build when there is no tag.
    package var title: String
    /// Names that stand for something else than a stage or an image.
    package var namedContexts: [NamedContext] = []
    /// Of the image, wherever it goes.
    package var annotations: [ImageAnnotation] = []
    /// `--timestamp`, in seconds since 1970: goes before `SOURCE_DATE_EPOCH`.
    package var timestamp: Int64?
    /// Where the result goes besides the store.
    package var outputs: [BuildOutput] = []
    /// Whether an image stays in the store when all outputs are files.
    package var keepsImage = true
    /// What is said of an image that is not in the store.
    package var pull = PullPolicy.missing
    /// How many commands run at once, and with 1 how many stages; at least 1.
    package var jobs: Int
    /// The step of the target stage after which to stop, as its label has it; nil builds all.
    package var targetStep: Int?

    package init(
        tags: [Reference] = [], dockerfile: DockerfileLocation = .inContext("Dockerfile"),
        buildArguments: [BuildArgument] = [], target: String? = nil, ignoresCache: Bool = false,
        network: Network = .host, labels: [(name: String, value: String)] = [],
        platform: Platform? = nil, title: String = "build",
        jobs: Int = BuildOptions.defaultJobs, targetStep: Int? = nil
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
        self.jobs = jobs
        self.targetStep = targetStep
    }

    /// The number of processors.
    package static var defaultJobs: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }
}

/// `--build-arg NAME=VALUE`
package struct BuildArgument: Hashable, Sendable {
    package var name: String
    package var value: String

    package init(name: String, value: String) {
        self.name = name
        self.value = value
    }

    /// The time that a build takes for now, in seconds since 1970.
    package static let epochName = "SOURCE_DATE_EPOCH"
}

/// Where the Dockerfile is.
package enum DockerfileLocation: Hashable, Sendable {
    /// A path inside the context.
    case inContext(String)
    /// An absolute path of the host. One inside the context is read as ``inContext(_:)`` is.
    case onHost(String)
    /// A file of another host.
    case remote(WebAddress)
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
    /// A repository, a tar or a Dockerfile of another host.
    case remote(RemoteSource)
    /// Nothing to copy from.
    case none
}

/// When an image is asked for at a registry (`--pull`).
package enum PullPolicy: String, Hashable, Sendable, CaseIterable {
    case missing, never, always
}

/// What a build made.
package struct BuildResult: Sendable {
    package var image: ImageID
    package var manifest: Digest
    package var manifestSizeBytes: Int
    package var platform: Platform
    package var tags: [Reference]
    /// The build, as the store and the gallery name it.
    package var build: String
    package var stepCount: Int
    package var cachedStepCount: Int
    /// Where ``BuildOptions/targetStep`` had it end.
    package var stop: Stop?
    /// Whether the image stays in the store.
    package var isRecorded: Bool
    /// Those of the manifest's descriptor.
    package var descriptorAnnotations: [String: String] = [:]
    /// Of a build for several platforms: the index of its images, of which ``image`` is the first.
    package var index: Descriptor?

    /// What it is known by: the image's digest, or the index's.
    package var name: ImageID { index.map { ImageID($0.digest) } ?? image }

    /// The last step of a build that was told where to end.
    package struct Stop: Hashable, Sendable {
        /// Through the whole build.
        package var step: Int
        package var label: String
        /// Nil for a base image.
        package var key: CacheKey?
        package var tree: TreeID
    }
}
