internal import Dockerfile
internal import FileTree
internal import ImageSpec
internal import Store

/// One build while it runs. One thread at a time.
final class BuildRun {
    let options: BuildOptions
    let context: BuildContext
    let store: Store
    let lease: Lease
    let executor: any StepExecutor
    let recorder: BuildRecorder
    let observer: any BuildObserver
    let cancellation: Cancellation
    let layers: LayerHasher
    let verifier: CacheVerifier
    let images: BaseImages

    let file: Dockerfile
    let arguments: BuildArguments
    private let plan: StagePlan
    /// The finished stages by number.
    private var stages: [Int: StageState] = [:]
    /// The stages that wait for another, to see a circle that triggers make.
    private var unfinished: Set<Int> = []
    private var lastStepNumber = 0
    /// Digests of stored directories, found once for all steps that copy them.
    private lazy var storedDigests = ContentDigest(store)
    /// Digests of the context's directories.
    private lazy var contextDigests = ContentDigest(context.source.directories)
    /// The names that ARGs have declared so far.
    var declaredArguments: Set<String> = []
    var cachedStepCount = 0

    /// - Throws: `invalidDockerfile`.
    init(
        options: BuildOptions, context: BuildContext, store: Store, lease: Lease,
        executor: any StepExecutor, recorder: BuildRecorder, observer: any BuildObserver,
        cancellation: Cancellation
    ) throws {
        self.options = options
        self.context = context
        self.store = store
        self.lease = lease
        self.executor = executor
        self.recorder = recorder
        self.observer = observer
        self.cancellation = cancellation
        layers = LayerHasher(store)
        verifier = CacheVerifier(store)
        images = BaseImages(store: store, lease: lease)
        file = try Dockerfile(parsing: context.dockerfile.bytes)
        arguments = try BuildArguments(options, file)
        let (scope, target) = (arguments, options.target)
        plan = try file.plan(target: target) { scope.globalValue($0) }
    }

    /// Builds the target stage and records its image.
    func build() throws -> BuildResult {
        reportWarnings()
        // Images that are not there are told before anything runs.
        for step in plan.steps {
            if case .image(let name) = step.base {
                do {
                    _ = try images.find(name, platform: try platform(of: step))
                } catch {
                    throw BuildError(error, at: step.stage.fromInstruction.range)
                }
            }
        }
        for step in plan.steps { _ = try finishedStage(step.stage.index) }
        let target = try finishedStage(plan.target)
        try verifier.confirm()
        reportUnusedArguments()
        let step = newStep(label: "exporting to image", instruction: "")
        return try ImageAssembly(run: self, state: target).record(step: step.number)
    }

    // MARK: - Stages

    /// What the stage made; builds it if that is not done yet.
    /// - Throws: `invalidDockerfile` when stages lean on each other.
    func finishedStage(_ index: Int) throws -> StageState {
        if let state = stages[index] { return state }
        guard unfinished.insert(index).inserted else {
            throw BuildError(
                .invalidDockerfile,
                "circular dependency detected on stage: \(file.stages[index].displayName)")
        }
        let state = try StageBuild(self, try planStep(index)).build()
        stages[index] = state
        unfinished.remove(index)
        return state
    }

    private func planStep(_ index: Int) throws -> StagePlan.Step {
        if let step = plan.steps.first(where: { $0.stage.index == index }) { return step }
        // Only a trigger of a base image names it.
        let scope = arguments
        let own = try file.plan(target: String(index)) { scope.globalValue($0) }
        guard let step = own.steps.last else {
            throw BuildError(.invalidDockerfile, "there is no stage \(index)")
        }
        return step
    }

    /// The platform that the stage asks for; nil takes what the image has.
    func platform(of step: StagePlan.Step) throws -> Platform? {
        guard let text = step.platform else { return options.platform }
        do {
            return try Platform.parse(text)
        } catch {
            throw BuildError(
                .invalidArgument, "\"\(text)\" is no platform: \(error.message)",
                at: step.stage.fromInstruction.range, offending: text, hint: error.hint)
        }
    }

    /// What `--from` of COPY names.
    func source(_ source: StagePlan.Source) throws -> any CopySource {
        switch source {
        case .scratch: return TreeSource(.empty, in: store, name: "scratch, which is empty")
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
    func digests(of work: StageBuild.Transfer) -> ContentDigest {
        if work.isStored { return storedDigests }
        return work.transfer.excludes.isEmpty
            ? contextDigests : ContentDigest(work.directories)
    }

    // MARK: - Telling

    func newStep(label: String, instruction: String) -> BuildStep {
        lastStepNumber += 1
        let step = BuildStep(number: lastStepNumber, label: label, instruction: instruction)
        observer.observe(.stepStarted(step))
        return step
    }

    var stepCount: Int { lastStepNumber }

    func warn(_ code: String, _ message: String, at range: SourceRange? = nil) {
        let place = range.map { "\(context.dockerfile.name):\($0.start.line)" }
        observer.observe(.warning(BuildWarning(code: code, message: message, place: place)))
    }

    private func reportWarnings() {
        for warning in file.warnings {
            warn(warning.code.rawValue, warning.message, at: warning.range)
        }
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

    private func reportUnusedArguments() {
        let unused = arguments.unused(in: file, besides: declaredArguments)
        guard !unused.isEmpty else { return }
        warn(
            "UnusedBuildArgument",
            "One or more build-args [\(unused.joined(separator: " "))] were not consumed")
    }
}
