package import Builder
package import ImageSpec
package import Sandbox
internal import Store
internal import Synchronization

extension Engine {
    /// Builds an image from a Dockerfile, running its steps in writable views.
    /// - Throws: ``BuildError``.
    package func build(
        _ options: BuildOptions, context: ContextLocation, observer: any BuildObserver,
        cancellation: Cancellation
    ) throws -> BuildResult {
        let hasWarned = Atomic(false)
        let executor = StepRunner { [self] lease in
            // What cannot be removed now, "gc" tells of.
            _ = try? store.removeDeadLeases(ending: endRemains)
            let runtime = try containerRuntime(lease, isolated: options.network == .isolated)
            if runtime.choice.filter == .none, !hasWarned.exchange(true, ordering: .relaxed) {
                observer.observe(.warning(Self.unfiltered(runtime.choice)))
            }
            return runtime
        }
        return try Builder(store: store, executor: executor).build(
            options, context: context, observer: observer, cancellation: cancellation)
    }

    private static func unfiltered(_ runtime: RuntimeChoice) -> BuildWarning {
        BuildWarning(
            code: "UnfilteredSystemCalls",
            message: "\(runtime.path) was built without seccomp, and nothing else works here: the "
                + "commands of RUN may make any system call")
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
