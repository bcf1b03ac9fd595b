internal import Dockerfile
internal import FileTree
internal import ImageSpec
internal import LinuxIO
internal import Store
internal import Synchronization

/// One build for one platform while it runs: what its stages, each on a thread of its own, have in
/// common.
///
/// `@unchecked Sendable`: what is shared never changes or guards itself. Of `context`, the source is
/// a ``LockedSource``, and the rest is only read.
final class BuildRun: @unchecked Sendable {
    let options: BuildOptions
    /// Of a build for several platforms, which steps are shown as its; nil where there is one.
    let shownPlatform: Platform?
    let context: BuildContext
    let store: Store
    let lease: Lease
    let executor: any StepExecutor
    let recorder: BuildRecorder
    let observer: any BuildObserver
    /// Of the stages: the user's, and the first failure's.
    let cancellation: Cancellation
    let layers: LayerHasher
    let verifier: CacheVerifier
    let images: BaseImages
    let remotes: RemoteSources
    /// What `--build-context` names.
    let contexts: NamedContexts
    let readahead: ContextReadahead
    let results = StageResults()
    /// Entries that were removed, and for which the build began anew.
    let damagedEntries: Set<CacheKey>

    let file: Dockerfile
    let arguments: BuildArguments
    let plan: StagePlan
    /// Digests of stored directories, found once for all steps that copy them.
    private let storedDigests: ContentDigest
    /// Digests of the context's directories.
    private let contextDigests: ContentDigest
    private let counts = Mutex(Counts())

    /// What all stages add to.
    private struct Counts {
        /// The names that ARGs have declared so far.
        var declaredArguments: Set<String> = []
        var steps = 0
        var cachedSteps = 0
        var stop: BuildResult.Stop?
    }

    /// - Parameters:
    ///   - options: with the one platform.
    ///   - damagedEntries: those that earlier attempts removed.
    ///   - source: the context's, which other platforms' builds may ask as well.
    ///   - executor: runs as many commands at once as the whole build may.
    /// - Throws: `invalidDockerfile`.
    init(
        options: BuildOptions, shownPlatform: Platform?, damagedEntries: Set<CacheKey>,
        context: BuildContext, source: LockedSource, remotes: RemoteSources, store: Store,
        lease: Lease,
        executor: any StepExecutor, recorder: BuildRecorder, observer: any BuildObserver,
        cancellation: Cancellation
    ) throws {
        self.options = options
        self.shownPlatform = shownPlatform
        self.damagedEntries = damagedEntries
        var context = context
        context.source = source
        self.context = context
        self.store = store
        self.lease = lease
        self.executor = executor
        self.recorder = recorder
        self.observer = observer
        self.cancellation = cancellation
        layers = LayerHasher(store)
        verifier = CacheVerifier(store)
        images = BaseImages(store: store, lease: lease, pull: options.pull)
        self.remotes = remotes
        contexts = NamedContexts(
            options.namedContexts, store: store, lease: lease, remotes: remotes,
            cancellation: cancellation)
        storedDigests = ContentDigest(store)
        contextDigests = ContentDigest(source.directories)
        readahead = ContextReadahead(source, contextDigests, store)
        file = try Dockerfile(parsing: context.dockerfile.bytes)
        arguments = try BuildArguments(options, file)
        let (scope, target) = (arguments, options.target)
        do throws(DockerfileError) {
            plan = try file.plan(target: target, isContext: { [contexts] in contexts.has($0) }) {
                scope.globalValue($0)
            }
        } catch {
            DockerfileChecks(
                file: file, arguments: arguments, context: context, contexts: contexts,
                images: images, platform: options.platform, stages: []
            ).tell(observer)
            throw error
        }
    }

    // MARK: - Stages

    /// The platform that the stage asks for; nil takes what the image has.
    func platform(of step: StagePlan.Step) throws -> Platform? {
        try step.platform.map { try Self.platform($0, of: step.stage) } ?? options.platform
    }

    /// What a stage's `--platform` comes to.
    static func platform(_ text: String, of stage: Stage) throws -> Platform {
        do {
            return try Platform.parse(text)
        } catch {
            throw BuildError(
                .invalidArgument, error.message, at: stage.fromInstruction.range, offending: text,
                hint: error.hint)
        }
    }

    /// What `--from` of COPY names.
    func source(_ source: StagePlan.Source) throws -> any CopySource {
        switch source {
        case .scratch: return TreeSource(.empty, in: store, name: "scratch, which is empty")
        case .context(let name): return try contexts.source(name, images, options.platform)
        case .stage(let index):
            let name = file.stages[index].displayName
            return TreeSource(
                try finishedStage(index).tree, in: store, name: "the stage \(name)")
        case .image(let name):
            let found = try images.find(name, platform: options.platform)
            return TreeSource(found.tree, in: store, name: "the image \(name)")
        }
    }

    /// Digests of the directories that an instruction copies.
    func digests(of entry: StageBuild.Transfer.Entry) -> ContentDigest {
        if entry.isStored { return storedDigests }
        return entry.source === context.source && !entry.isReduced
            ? contextDigests : ContentDigest(entry.directories)
    }

    /// Digests of the directories that a source has.
    func digests(of source: any CopySource) -> ContentDigest {
        if source.isStored { return storedDigests }
        return source === context.source ? contextDigests : ContentDigest(source.directories)
    }

    // MARK: - Telling

    func begin(_ step: BuildStep) {
        counts.withLock { $0.steps += 1 }
        observer.observe(.stepStarted(step))
    }

    func noteCachedStep() { counts.withLock { $0.cachedSteps += 1 } }

    func noteArgument(_ name: String) {
        counts.withLock { _ = $0.declaredArguments.insert(name) }
    }

    func noteStop(_ stop: BuildResult.Stop) { counts.withLock { $0.stop = stop } }

    /// Where the build was told to stop, once it has.
    var stop: BuildResult.Stop? { counts.withLock(\.stop) }

    /// Those of all stages, the base images among them, without what was brought from other hosts.
    var ownStepCount: Int { counts.withLock(\.steps) }
    var stepCount: Int { ownStepCount + remotes.stepCount }
    var cachedStepCount: Int { counts.withLock(\.cachedSteps) }

    func warn(_ code: String, _ message: String, at range: SourceRange? = nil) {
        let place = range.map { "\(context.dockerfile.name):\($0.start.line)" }
        observer.observe(.warning(BuildWarning(code: code, message: message, place: place)))
    }

    /// - Throws: `checksFailed`, where the file asks for that.
    func reportFindings() throws {
        let (findings, error) = try checks(of: plan.stages).run()
        for finding in findings {
            observer.observe(.warning(BuildWarning(finding, in: context.dockerfile)))
        }
        if let error { throw error }
    }

    func checks(of stages: Set<Int>) -> DockerfileChecks {
        DockerfileChecks(
            file: file, arguments: arguments, context: context, contexts: contexts,
            images: images, platform: options.platform, stages: stages)
    }

    /// Removes cache entries whose files are gone or damaged.
    func forget(_ keys: [CacheKey]) throws {
        for key in keys {
            warn(
                "DamagedCacheEntry",
                "the cache entry \(key.digest.short) is damaged; its step is run again")
            _ = try store.removeCacheEntry(key)
        }
    }

    func reportUnusedArguments() {
        let unused = arguments.unused(in: file, besides: counts.withLock(\.declaredArguments))
        guard !unused.isEmpty else { return }
        warn(
            "UnusedBuildArgument",
            "One or more build-args [\(unused.joined(separator: " "))] were not consumed")
    }
}
