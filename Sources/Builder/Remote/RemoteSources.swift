internal import Dockerfile
internal import FileTree
internal import ImageSpec
internal import LinuxIO
internal import Store
internal import Synchronization

/// Brings what is on other hosts into the store, each once for a build. Thread-safe.
///
/// What was brought is a cache entry, with what tells whether it is still what the other host has.
final class RemoteSources: Sendable {
    let store: Store
    let lease: Lease
    let cancellation: Cancellation
    /// The host's environment: proxies, ssh's agent, where git is.
    let environment: [String: String]
    private let build: String?
    private let downloader: any FileDownloader
    private let observer: any BuildObserver
    private let state = Monitor(State())

    private struct State: Sendable {
        var trees: [RemoteSource: Tree] = [:]
        /// What a stage is bringing.
        var current: Set<RemoteSource> = []
        /// What could not be had: the build ends by it.
        var failed: Set<RemoteSource> = []
        /// The steps' numbers, as far as the schedule has them.
        var numbers: [RemoteSource: Int] = [:]
        var stepCount = 0
    }

    /// - Parameter build: the build's name, under which uses of entries are recorded; nil for who only
    ///   looks at a Dockerfile.
    init(
        build: String?, store: Store, lease: Lease, downloader: any FileDownloader,
        environment: [String: String], observer: any BuildObserver, cancellation: Cancellation
    ) {
        self.build = build
        self.store = store
        self.lease = lease
        self.downloader = downloader
        self.environment = environment
        self.observer = observer
        self.cancellation = cancellation
    }

    // MARK: - Telling

    /// Gives the numbers of steps: who shows a source first may be one stage or another.
    func assign(_ numbers: [RemoteSource: Int]) {
        state.withLock { state in state.numbers.merge(numbers) { known, _ in known } }
    }

    /// How many steps were shown.
    var stepCount: Int { state.withLock(\.stepCount) }

    private func beginStep(_ source: RemoteSource, _ number: Int?) -> BuildStep {
        let number = state.withLock { state in
            state.stepCount += 1
            // Before there is a schedule there is one source, the context.
            let found = state.numbers[source] ?? number ?? 1
            state.numbers[source] = found
            return found
        }
        let step = BuildStep(number: number, label: "[remote] \(source)", instruction: "")
        observer.observe(.stepStarted(step))
        return step
    }

    // MARK: - Bringing

    /// The file at an address, alone in a tree, or a commit's files. Waits for another stage that brings
    /// the same.
    /// - Parameters:
    ///   - checksum: that the file must have: where it is known, no server is asked.
    ///   - number: of the step, for a source that the schedule does not know.
    /// - Throws: `downloadFailed`, `gitFailed`, `checksumMismatch`, `cancelled`.
    func tree(
        of source: RemoteSource, checksum: Digest? = nil, number: Int? = nil
    ) throws -> Tree {
        if let tree = try turn(source) {
            try verify(tree, source, checksum)
            return tree
        }
        var brought: Tree?
        defer {
            state.withLock { state in
                state.trees[source] = brought
                if brought == nil { state.failed.insert(source) }
                state.current.remove(source)
            }
        }
        let tree = try bring(source, checksum, beginStep(source, number))
        brought = tree
        return tree
    }

    /// The tree if it was brought; nil if the caller is to bring it.
    /// - Throws: `StageResults.Abandoned` when another stage could not: that one tells why.
    private func turn(_ source: RemoteSource) throws -> Tree? {
        try state.wait { state -> Tree?? in
            if state.failed.contains(source) { throw StageResults.Abandoned() }
            if let tree = state.trees[source] { return .some(tree) }
            return state.current.insert(source).inserted ? .some(nil) : nil
        }
    }

    private func bring(
        _ source: RemoteSource, _ checksum: Digest?, _ step: BuildStep
    ) throws -> Tree {
        let clock = ContinuousClock()
        let start = clock.now
        do {
            let found = try bring(source, checksum, RemoteProgress(observer, step.number))
            try record(found, step)
            if found.isKnown {
                observer.observe(.stepCached(step: step.number, found.key))
            } else {
                observer.observe(.stepDone(step: step.number, clock.now - start))
            }
            return found.tree
        } catch {
            var failure = error
            if cancellation.isCancelled { failure = Cancellation.error }
            let known = failure as? BuildError
            let time = clock.now - start
            observer.observe(
                known?.code == .cancelled
                    ? .stepCancelled(step: step.number, time)
                    : .stepFailed(
                        step: step.number, time, message: known?.message ?? "\(failure)"))
            throw failure
        }
    }

    /// An entry that a build uses is kept for longer.
    private func record(_ found: Brought, _ step: BuildStep) throws {
        guard let build else { return }
        let record = BuildStepRecord(
            build: build, number: step.number, instruction: found.instruction,
            outcome: found.isKnown ? .cached : .done, key: found.key, tree: found.tree,
            parentTree: .empty)
        try store.record([record], directories: PendingDirectories(base: store), lease: lease)
    }

    /// What was brought, now or by an earlier build.
    struct Brought {
        var tree: Tree
        var key: CacheKey
        var instruction: String
        var isKnown: Bool
    }

    private func bring(
        _ source: RemoteSource, _ checksum: Digest?, _ progress: RemoteProgress
    ) throws -> Brought {
        switch source {
        case .file(let address):
            let file = RemoteFile(address, self, downloader)
            let found = try file.tree(checksum: checksum, progress)
            try verify(found.tree, source, checksum)
            return found
        case .repository(let reference):
            return try GitCheckout(reference, self, progress).tree()
        }
    }

    private func verify(_ tree: Tree, _ source: RemoteSource, _ checksum: Digest?) throws {
        guard let checksum, let content = try content(of: tree), content.digest != checksum else {
            return
        }
        throw BuildError(
            .checksumMismatch,
            "\(source) is not what it should be: its digest is \(content.digest), "
                + "not \(checksum)",
            hint: "if the new file is right, give its digest to --checksum")
    }

    /// The file of a tree that holds one.
    func content(of tree: Tree) throws -> FileContent? {
        guard let entry = try store.directory(tree.directory.id).entries.first,
            case .file(let content) = entry.node.content
        else { return nil }
        return content
    }

    /// Records what was brought.
    func record(
        _ key: CacheKey, instruction: String, inputs: String, tree: Tree,
        directories: PendingDirectories
    ) throws {
        let entry = CacheRecord(
            key: key, instruction: instruction, inputs: inputs, parentTree: .empty, tree: tree,
            layer: nil, layerTarSizeBytes: 0)
        try store.record([], entries: [entry], directories: directories, lease: lease)
    }

    /// The tree under a key, if the store still has all of it.
    func known(_ key: CacheKey) throws -> CacheRecord? {
        guard let entry = try store.cacheEntry(key) else { return nil }
        do throws(StoreError) {
            try lease.hold(entry.tree)
        } catch  where error.code == .notFound {
            return nil
        }
        return entry
    }
}

/// Tells how far something is, not more often than an eye can follow.
final class RemoteProgress: Sendable {
    private let observer: any BuildObserver
    private let step: Int
    private let last = Mutex(ContinuousClock.now)

    private static let pause = Duration.seconds(1)

    init(_ observer: any BuildObserver, _ step: Int) {
        self.observer = observer
        self.step = step
    }

    func say(_ text: String) { observer.observe(.output(step: step, Array("\(text)\n".utf8))) }

    func show(_ doneBytes: UInt64, of totalBytes: UInt64?) {
        let now = ContinuousClock.now
        let isDue = last.withLock { last in
            guard now - last >= Self.pause else { return false }
            last = now
            return true
        }
        guard isDue else { return }
        say(Self.megabytes(doneBytes) + (totalBytes.map { " of \(Self.megabytes($0))" } ?? ""))
    }

    private static func megabytes(_ bytes: UInt64) -> String {
        "\(bytes / 1_000_000).\(bytes / 100_000 % 10) MB"
    }
}
