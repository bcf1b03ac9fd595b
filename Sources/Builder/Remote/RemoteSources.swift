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
    private let build: String
    private let downloader: any FileDownloader
    private let observer: any BuildObserver
    private let trees = Mutex<[RemoteSource: Tree]>([:])

    /// Numbers the steps of the build: some are shown before there is a Dockerfile.
    let numbers = StepNumbers()

    /// - Parameter build: the build's name, under which uses of entries are recorded.
    init(
        build: String, store: Store, lease: Lease, downloader: any FileDownloader,
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

    func beginStep(_ label: String) -> BuildStep {
        let step = BuildStep(number: numbers.next(), label: label, instruction: "")
        observer.observe(.stepStarted(step))
        return step
    }

    // MARK: - Bringing

    /// The file at an address, alone in a tree, or a commit's files.
    /// - Parameter checksum: that the file must have: where it is known, no server is asked.
    /// - Throws: `downloadFailed`, `gitFailed`, `checksumMismatch`, `cancelled`.
    func tree(of source: RemoteSource, checksum: Digest? = nil) throws -> Tree {
        if let tree = trees.withLock({ $0[source] }) {
            try verify(tree, source, checksum)
            return tree
        }
        let step = beginStep("[remote] \(source)")
        let clock = ContinuousClock()
        let start = clock.now
        do {
            let found = try bring(source, checksum, RemoteProgress(observer, step.number))
            // An entry that is used is kept for longer.
            let record = BuildStepRecord(
                build: build, number: step.number, instruction: found.instruction,
                outcome: found.isKnown ? .cached : .done, key: found.key, tree: found.tree,
                parentTree: .empty)
            try store.record([record], directories: PendingDirectories(base: store), lease: lease)
            trees.withLock { $0[source] = found.tree }
            if found.isKnown {
                observer.observe(.stepCached(step: step.number, found.key))
            } else {
                observer.observe(.stepDone(step: step.number, clock.now - start))
            }
            return found.tree
        } catch {
            var failure = error
            if cancellation.isCancelled { failure = Cancellation.error }
            let message = (failure as? BuildError)?.message ?? "\(failure)"
            observer.observe(.stepFailed(step: step.number, clock.now - start, message: message))
            throw failure
        }
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
