package import Dockerfile
internal import FileTree
internal import ImageSpec
internal import LinuxIO
internal import Store

/// What `build --check` finds.
package struct CheckReport: Sendable {
    package var dockerfile: DockerfileText
    /// In the order of the file.
    package var findings: [DockerfileWarning]
    /// What a build would end with: because of a base that is no image, or of the findings, where the
    /// file or an argument asks for that.
    package var error: BuildError?
}

extension Builder {
    /// Looks at a Dockerfile for what works and should not be written so, and builds nothing.
    ///
    /// - Throws: ``BuildError`` for what cannot be built, as far as the file shows it.
    package func check(
        _ options: BuildOptions, context: ContextLocation
    ) throws -> CheckReport {
        do { return try report(options, context) } catch let error as BuildError {
            guard let text = error.dockerfile else { throw error }
            let findings = DockerfileChecks.findings(before: error, options)
            if findings.isEmpty { throw error }
            return CheckReport(dockerfile: text, findings: findings, error: error)
        }
    }

    private func report(
        _ options: BuildOptions, _ context: ContextLocation
    ) throws -> CheckReport {
        try reading(options, context) { parts in
            let checks = DockerfileChecks(
                file: parts.file, arguments: parts.arguments, context: parts.context,
                contexts: parts.contexts,
                images: BaseImages(store: store, lease: parts.lease, pull: options.pull),
                platform: options.platform,
                // What no plan can be made of is looked at all the same.
                stages: options.target == nil ? nil : try? parts.plan.get().stages)
            let (findings, error) = try checks.run()
            return CheckReport(
                dockerfile: parts.context.dockerfile, findings: findings,
                error: checks.baseError(parts.plan) ?? error)
        }
    }

    /// What the target can be given and asks for.
    /// - Throws: as ``check(_:context:)``.
    package func outline(
        _ options: BuildOptions, context: ContextLocation
    ) throws -> (StageOutline, of: DockerfileText) {
        try reading(options, context) { parts in
            let (given, known) = (parts.arguments.given, parts.arguments.platform)
            let scope = try GlobalScope(parts.file, buildArguments: { given[$0] }) { known[$0] }
            let plan = try parts.plan.get()
            var triggers: [Int: [LocatedInstruction]] = [:]
            for step in plan.steps {
                triggers[step.stage.index] = try self.triggers(of: step, parts, options)
            }
            let outline = StageOutline(
                plan, of: parts.file, scope: scope, given: { given[$0] },
                predefined: { known[$0] }, triggers: triggers)
            return (outline, parts.context.dockerfile)
        }
    }

    /// What a stage's base has it do first, where the file or the store has the base.
    private func triggers(
        of step: StagePlan.Step, _ parts: Parts, _ options: BuildOptions
    ) throws -> [LocatedInstruction] {
        let from = step.stage.fromInstruction
        let texts: [String]
        switch step.base {
        case .stage(let index):
            let stage = parts.file.stages[index]
            // A context in its place has none.
            texts = stage.name.map(parts.contexts.has) == true ? [] : stage.triggers
        case .image(let name):
            let platform = try step.platform.map { try BuildRun.platform($0, of: step.stage) }
            let images = BaseImages(store: store, lease: parts.lease, pull: options.pull)
            // What is not there, or is none, the build tells.
            let found = try? images.find(name, platform: platform ?? options.platform)
            texts = found?.config.config.onBuild ?? []
        case .scratch, .context: texts = []
        }
        return try texts.map { try BuildSchedule.trigger($0, from: from) }
    }

    /// The stages of a Dockerfile.
    /// - Throws: as ``check(_:context:)``.
    package func targets(
        _ options: BuildOptions, context: ContextLocation
    ) throws -> (stages: [Stage], of: DockerfileText) {
        try reading(options, context) { parts in
            _ = try parts.plan.get()
            return (parts.file.stages, parts.context.dockerfile)
        }
    }

    /// A Dockerfile that was read, and what it is read with.
    private struct Parts {
        var file: Dockerfile
        /// With the mistake that none can be made of.
        var plan: Result<StagePlan, DockerfileError>
        var arguments: BuildArguments
        var context: BuildContext
        var contexts: NamedContexts
        var lease: Lease
    }

    private func reading<R>(
        _ options: BuildOptions, _ context: ContextLocation, _ body: (Parts) throws -> R
    ) throws -> R {
        let cancellation = Cancellation()
        var dockerfile: DockerfileText?
        do {
            let lease = try store.readingLease("look at a Dockerfile")
            defer { lease.end() }
            let remotes = RemoteSources(
                build: nil, store: store, lease: lease, downloader: downloader,
                environment: environment, observer: SilentObserver(), cancellation: cancellation)
            let context = try BuildContext(
                context, options, remotes: remotes, store: store, lease: lease,
                cancellation: cancellation)
            dockerfile = context.dockerfile
            let file = try Dockerfile(parsing: context.dockerfile.bytes)
            let arguments = try BuildArguments(options, file)
            let contexts = NamedContexts(
                options.namedContexts, store: store, lease: lease, remotes: remotes,
                cancellation: cancellation)
            defer { contexts.finish() }
            let plan = Result { () throws(DockerfileError) in
                try file.plan(target: options.target, isContext: contexts.has) {
                    arguments.globalValue($0)
                }
            }
            return try body(
                Parts(
                    file: file, plan: plan, arguments: arguments, context: context,
                    contexts: contexts, lease: lease))
        } catch {
            var error = BuildError(error, at: nil)
            error.dockerfile = error.dockerfile ?? dockerfile
            throw error
        }
    }
}

/// Sees a build's events and says nothing.
package struct SilentObserver: BuildObserver {
    package init() {}
    package func observe(_ event: BuildEvent) {}
}

/// Docker's build checks, with what a build knows besides its file.
struct DockerfileChecks {
    let file: Dockerfile
    let arguments: BuildArguments
    let context: BuildContext
    let contexts: NamedContexts
    let images: BaseImages
    let platform: Platform?
    /// The stages that a build needs; nil where all are looked at.
    let stages: Set<Int>?

    /// The argument that goes before `# check=`.
    private static let argument = "BUILDKIT_DOCKERFILE_CHECK"

    /// - Returns: the findings, and the error that a build ends with because of them.
    /// - Throws: `invalidDockerfile`, `invalidArgument` for options that are none.
    func run() throws -> (findings: [DockerfileWarning], error: BuildError?) {
        let options = try options()
        let findings = file.findings(facts, options, stages: stages)
        guard options.findingsAreErrors, let first = findings.first else { return (findings, nil) }
        let rules = Set(findings.map(\.code.rawValue)).sorted().joined(separator: ", ")
        let error = BuildError(
            .checksFailed, "lint violation found for rules: \(rules)", at: first.range,
            hint: "\"# check=skip=NAME\" leaves a check out")
        return (findings, error)
    }

    /// What is wrong with what FROM lines come to. An image that is not there is no mistake of the file.
    func baseError(_ plan: Result<StagePlan, DockerfileError>) -> BuildError? {
        var place: SourceRange?
        do {
            for step in try plan.get().steps {
                place = step.stage.fromInstruction.range
                if let platform = step.platform {
                    _ = try BuildRun.platform(platform, of: step.stage)
                }
                if case .image(let name) = step.base { _ = try BaseImages.selector(name) }
            }
            return nil
        } catch {
            var failure = BuildError(error, at: place)
            failure.dockerfile = context.dockerfile
            return failure
        }
    }

    /// Tells what FROM lines and the whole file show, for a build that ends because of one.
    func tell(_ observer: any BuildObserver) {
        // Options that are none are less of a mistake than what ends the build.
        guard let (findings, _) = try? run() else { return }
        for finding in findings {
            observer.observe(.warning(BuildWarning(finding, in: context.dockerfile)))
        }
    }

    /// What was found in a file before the mistake that it could not be read for.
    static func findings(before error: BuildError, _ options: BuildOptions) -> [DockerfileWarning] {
        guard error.code == .invalidDockerfile, let text = error.dockerfile else { return [] }
        let given = options.buildArguments.last { $0.name == argument }?.value
        // Options that are none are less of a mistake than that of the file.
        return Dockerfile.findings(
            beforeMistakeIn: text.bytes, given.flatMap { try? CheckOptions(parsing: $0) })
    }

    private func options() throws -> CheckOptions {
        guard let text = arguments.givenValue(Self.argument) else { return try file.checkOptions() }
        do {
            return try CheckOptions(parsing: text)
        } catch {
            throw BuildError(
                .invalidArgument, "--build-arg \(Self.argument): \(error.message)",
                expected: error.expected)
        }
    }

    private var facts: CheckFacts {
        let (contexts, images, platform) = (contexts, images, platform)
        let matcher = context.ignore.map { PatternMatcher($0) }
        return CheckFacts(
            buildArguments: arguments.given, predefined: arguments.platform,
            base: { name in
                if contexts.has(name) { return nil }
                // What is not there, or is none, the build tells.
                guard let found = try? images.find(name, platform: platform) else { return nil }
                let config = found.config.config
                return CheckFacts.Base(
                    environment: Dictionary(
                        config.environment.map { variable in
                            let name = variable.prefix { $0 != "=" }
                            return (String(name), String(variable.dropFirst(name.count + 1)))
                        }, uniquingKeysWith: { $1 }),
                    hasShell: !config.shell.isEmpty)
            },
            isReference: { (try? ImageSelector(parsing: $0)) != nil || contexts.has($0) },
            isIgnored: { matcher?.leavesOutAll(at: $0) ?? false })
    }
}
