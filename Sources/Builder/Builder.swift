internal import Dockerfile
internal import FileTree
internal import ImageSpec
package import Store

/// Builds images from Dockerfiles.
///
/// A build blocks the thread that asked for it. Several may run at once, in one process or in
/// several, on one store.
package struct Builder: Sendable {
    let store: Store
    private let executor: any StepExecutor
    let downloader: any FileDownloader
    let environment: [String: String]

    /// - Parameter environment: the host's, for what reaches other hosts: proxies, ssh's agent.
    package init(
        store: Store, executor: any StepExecutor,
        downloader: any FileDownloader = NoDownloads(), environment: [String: String] = [:]
    ) {
        self.store = store
        self.executor = executor
        self.downloader = downloader
        self.environment = environment
    }

    /// Builds the image of the target stage, with the stages that it needs.
    ///
    /// Whatever happens, the store is left as sound as it was: what steps made before a failure
    /// stays in the cache.
    /// - Throws: ``BuildError``, which has the Dockerfile where it could be read.
    package func build(
        _ options: BuildOptions, context: ContextLocation, observer: any BuildObserver,
        cancellation: Cancellation = Cancellation()
    ) throws -> BuildResult {
        let title = options.tags.first?.familiarName ?? options.title
        let recorder: BuildRecorder
        let lease: Lease
        do {
            let id = BuildRecorder.newID()
            lease = try store.lease("build \(id)")
            recorder = try BuildRecorder(id: id, title: title, lease: lease, store: store)
        } catch {
            throw BuildError(error, at: nil)
        }
        defer { lease.end() }
        observer.observe(.started(build: recorder.id, title: title))
        var dockerfile: DockerfileText?
        // A stage that fails ends the others by it.
        let own = Cancellation()
        let registration = cancellation.onCancel { own.cancel() }
        defer { cancellation.remove(registration) }
        do {
            let remotes = RemoteSources(
                build: recorder.id, store: store, lease: lease, downloader: downloader,
                environment: environment, observer: observer, cancellation: own)
            let context = try BuildContext(
                context, options, remotes: remotes, store: store, lease: lease,
                cancellation: own)
            dockerfile = context.dockerfile
            defer { context.cache?.save() }
            let result = try build(options, context, remotes, lease, recorder, observer, own)
            try recorder.end(.done, image: result.isRecorded ? result.image : nil)
            return result
        } catch {
            var error = BuildError(error, at: nil)
            if cancellation.isCancelled { error = Cancellation.error }
            error.dockerfile = error.dockerfile ?? dockerfile
            for finding in DockerfileChecks.findings(before: error, options) {
                observer.observe(.warning(BuildWarning(finding, in: error.dockerfile)))
            }
            // The first error is the one to report.
            try? recorder.end(error.code == .cancelled ? .cancelled : .failed)
            throw error
        }
    }

    /// How often a build begins anew because of damaged cache entries, before it goes without.
    private static let maximumAttempts = 5

    private func build(
        _ options: BuildOptions, _ context: BuildContext, _ remotes: RemoteSources, _ lease: Lease,
        _ recorder: BuildRecorder, _ observer: any BuildObserver, _ cancellation: Cancellation
    ) throws -> BuildResult {
        let source = LockedSource(context.source)
        let executor = BoundedExecutor(base: executor, slots: StepSlots(options.jobs))
        var options = options
        var attempt = 1
        var damaged: Set<CacheKey> = []
        while true {
            if attempt == Self.maximumAttempts { options.ignoresCache = true }
            let runs = try options.byPlatform.map { own in
                try BuildRun(
                    options: own, shownPlatform: options.platforms.isEmpty ? nil : own.platform,
                    damagedEntries: damaged, context: context, source: source,
                    remotes: remotes, store: store, lease: lease,
                    executor: executor, recorder: recorder, observer: observer,
                    cancellation: cancellation)
            }
            // The end of a build waits for digests, which may take long.
            let registration = cancellation.onCancel {
                for run in runs { run.layers.stopSoon() }
            }
            defer {
                cancellation.remove(registration)
                for run in runs {
                    run.readahead.stop()
                    run.layers.stop()
                }
            }
            do {
                return try PlatformBuilds(runs).build()
            } catch let damage as CacheVerifier.DamagedEntries {
                // Steps that were run meanwhile are hits the next time.
                try runs[0].forget(damage.keys)
                damaged.formUnion(damage.keys)
                attempt += 1
            }
        }
    }
}

extension BuildOptions {
    /// What is asked of the build for each platform.
    fileprivate var byPlatform: [BuildOptions] {
        if platforms.isEmpty { return [self] }
        return platforms.map { platform in
            var options = self
            options.platform = platform
            return options
        }
    }
}
