package import Builder
package import Dockerfile
internal import Glibc
package import ImageSpec
internal import LinuxIO
package import Sandbox
internal import Store
internal import Synchronization

extension Engine {
    /// Builds an image from a Dockerfile, running its steps in writable views.
    /// - Throws: ``BuildError``.
    package func build(
        _ options: BuildOptions, context: ContextLocation, observer: any BuildObserver,
        cancellation: Cancellation, environment: [String: String] = [:],
        shell: DebugShell? = nil
    ) throws -> BuildResult {
        do {
            return try builder(options, observer, environment, shell)
                .build(options, context: context, observer: observer, cancellation: cancellation)
        } catch let error as BuildError {
            // Whoever else works on that disk wants the room. What is left of it, "gc" tells of.
            if error.isOutOfRoom { _ = try? collectGarbage() }
            throw error
        }
    }

    /// What Docker's build checks have to say of a Dockerfile.
    /// - Throws: ``BuildError``.
    package func check(
        _ options: BuildOptions, context: ContextLocation, environment: [String: String]
    ) throws -> CheckReport {
        try builder(options, SilentObserver(), environment, nil)
            .check(options, context: context)
    }

    /// What a build's target can be given and asks for.
    /// - Throws: ``BuildError``.
    package func outline(
        _ options: BuildOptions, context: ContextLocation, environment: [String: String]
    ) throws -> (StageOutline, of: DockerfileText) {
        try builder(options, SilentObserver(), environment, nil)
            .outline(options, context: context)
    }

    /// The stages that a build can have as its target.
    /// - Throws: ``BuildError``.
    package func targets(
        _ options: BuildOptions, context: ContextLocation, environment: [String: String]
    ) throws -> (stages: [Stage], of: DockerfileText) {
        try builder(options, SilentObserver(), environment, nil)
            .targets(options, context: context)
    }

    private func builder(
        _ options: BuildOptions, _ observer: any BuildObserver, _ environment: [String: String],
        _ shell: DebugShell?
    ) -> Builder {
        let hasWarned = Atomic(false)
        let session = shell.map { DebugSession($0, observer) }
        let executor = StepRunner(shell: session) { [self] lease in
            // What cannot be removed now, "gc" tells of.
            _ = try? store.removeDeadLeases(ending: endRemains)
            let runtime = try containerRuntime(lease, isolated: options.network == .isolated)
            if runtime.choice.filter == .none, !hasWarned.exchange(true, ordering: .relaxed) {
                observer.observe(.warning(Self.unfiltered(runtime.choice)))
            }
            return runtime
        }
        return Builder(
            store: store, executor: executor,
            downloader: HTTPDownloads(environment: environment), environment: environment)
    }

    private static func unfiltered(_ runtime: RuntimeChoice) -> BuildWarning {
        BuildWarning(
            code: "UnfilteredSystemCalls",
            message: "\(runtime.path) was built without seccomp, and nothing else works here: the "
                + "commands of RUN may make any system call")
    }

    /// The context that a command line names: a directory, what is on another host, or `-`.
    /// - Throws: ``EngineError`` `notFound`, `invalid`; ``BuildError`` `invalidArgument`.
    package static func buildContext(_ text: String) throws -> ContextLocation {
        if text == "-" { return .stream(STDIN_FILENO) }
        guard !text.isEmpty else {
            throw EngineError(
                .invalid, "the build context has no name",
                hint: "write . for the working directory")
        }
        let path = try StoreLocation.absolute(text)
        let status: FileStatus
        do throws(Errno) { status = try FileStatus(ofPath: path) } catch {
            if let remote = try RemoteSource(context: text) { return .remote(remote) }
            throw EngineError(
                error == .notFound ? .notFound : .failed,
                "could not open the build context \"\(text.visible)\": \(error)")
        }
        guard status.kind == .directory else {
            throw EngineError(
                .invalid, "the build context \"\(text.visible)\" is a file, not a directory",
                hint: "a Dockerfile is named with -f; a tar is given on standard input, with -")
        }
        return .directory(path)
    }

    /// The Dockerfile that a command line names: a path of the host beside a directory of the host, of
    /// the context beside others, an address, or `-`.
    /// - Throws: ``EngineError`` `invalid`; ``BuildError`` `invalidArgument`.
    package static func dockerfile(
        _ text: String, beside context: ContextLocation
    ) throws -> DockerfileLocation {
        if text == "-" { return .stream(STDIN_FILENO) }
        let lower = text.lowercased()
        if lower.hasPrefix("http://") || lower.hasPrefix("https://"),
            let remote = try RemoteSource(text)
        {
            guard case .file(let address) = remote else {
                throw EngineError(
                    .invalid, "\"\(text.visible)\" is a repository, and no Dockerfile",
                    hint: "give the repository as the context, and with -f a path in it")
            }
            return .remote(address)
        }
        guard case .directory = context else { return .inContext(text) }
        return .onHost(try StoreLocation.absolute(text))
    }

    /// A name for the image that is built.
    /// - Throws: ``EngineError`` `invalid`.
    package static func buildTag(_ name: String) throws -> Reference {
        let reference = try parse(name)
        guard reference.digest == nil else {
            throw EngineError(
                .invalid, "\"\(name)\" has a digest; an image is named by repository and tag")
        }
        return reference
    }

    /// The network that `--network` names.
    /// - Throws: ``EngineError`` `invalid`.
    package static func buildNetwork(_ name: String) throws -> Network {
        guard let network = Network.forBuild(name) else {
            throw EngineError(
                .invalid, "builds have no network \"\(name)\"",
                hint: "use --network=default, host, none or sandbox")
        }
        return network
    }
}
