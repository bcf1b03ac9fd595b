internal import ArgumentParser
internal import Builder
internal import Engine
internal import Foundation
internal import Store

/// How the steps of a build are run, cached and looked at.
struct BuildStepOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Run so many steps at once (the number of processors); with 1, stage after stage.",
            valueName: "number"))
    var jobs: Int?
    @Option(
        name: .customLong("cache-from"),
        help: ArgumentHelp(
            "Take cache entries from an exported cache; may be given several times.",
            valueName: "type=local,src=directory"),
        transform: { try CachePlace(source: $0) })
    var cacheFrom: [CachePlace] = []
    @Option(
        name: .customLong("cache-to"),
        help: ArgumentHelp(
            "Export the cache entries of the image (mode=min) or of all steps (mode=max).",
            valueName: "type=local,dest=directory[,mode=min|max]"),
        transform: { try CachePlace(target: $0) })
    var cacheTo: [CachePlace] = []
    @Flag(
        name: [.customLong("debug-on-failure"), .customLong("debug")],
        help: "Open a shell where a RUN step fails, before the build ends.")
    var debugOnFailure = false
    @Option(
        name: .customLong("debug-shell"),
        help: ArgumentHelp("The shell to open (the image's /bin/sh, else bash).", valueName: "path")
    )
    var debugShell: String?
    @Option(
        name: .customLong("target-step"),
        help: ArgumentHelp(
            "Stop after this step of the target stage; makes an image only with -t.",
            valueName: "number"))
    var targetStep: Int?

    func validate() throws {
        if let jobs, jobs < 1 { throw ValidationError("--jobs is at least 1") }
        if let targetStep, targetStep < 1 { throw ValidationError("--target-step is at least 1") }
        if debugShell == "" { throw ValidationError("--debug-shell needs a path") }
        if debugOnFailure || debugShell != nil,
            !Terminal.inputIsTerminal || !Terminal.errorIsTerminal
        {
            throw ValidationError(
                "--debug-on-failure needs a terminal, for standard input and standard error")
        }
    }

    func apply(to options: inout BuildOptions) {
        if let jobs { options.jobs = jobs }
        options.targetStep = targetStep
    }

    /// Nil when nobody wants to look.
    var shell: DebugShell? {
        debugOnFailure || debugShell != nil ? DebugShell(path: debugShell) : nil
    }
}

extension BuildStepOptions {
    func importCaches(_ engine: Engine) {
        for place in cacheFrom {
            do {
                for note in try engine.importCache(from: place) { Terminal.note(note) }
            } catch {
                // A cache only saves work.
                Terminal.note("nothing was taken from the cache at \(place.directory): \(error)")
            }
        }
    }

    /// - Throws: ``BuildError`` `cancelled`; ``EngineError``.
    func exportCaches(
        of result: BuildResult, _ engine: Engine, _ cancellation: Cancellation
    ) throws {
        for place in cacheTo {
            do {
                try engine.exportCache(
                    ofBuild: result.build, image: result.isRecorded ? result.image : nil, to: place
                ) { try cancellation.check() }
            } catch  where place.ignoresErrors && !cancellation.isCancelled {
                Terminal.note("the cache was not exported: \(error)")
            }
        }
    }

    /// Frees what is above the budget. The build is done; what goes wrong here is told.
    static func keep(_ budget: CacheBudget, _ engine: Engine) {
        do {
            let removed = try engine.keepCacheBudget(budget)
            if removed.isEmpty { return }
            let entries = CountedNoun.text(removed.count, "cache entry", "cache entries")
            Terminal.note("\(entries) removed, to keep the cache's budget (VITRINE_CACHE_BUDGET)")
        } catch {
            Terminal.note("the cache's budget could not be kept: \(error)")
        }
    }

    /// Tells where a build that was to stop has left what it made.
    static func show(_ stop: BuildResult.Stop, of result: BuildResult) {
        Terminal.write("step    \(stop.step) \(stop.label)\ntree    \(stop.tree)\n")
        guard let key = stop.key else { return }
        Terminal.write("key     \(key)\n")
        let environment = ProcessInfo.processInfo.environment
        // Who has no place for a gallery can still name the entry.
        if let gallery = try? StoreLocation.gallery(environment: environment) {
            Terminal.write("gallery \(gallery)/cache/\(key.directoryName)/rootfs\n")
        }
    }
}
