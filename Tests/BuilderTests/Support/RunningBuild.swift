import Builder
import Dockerfile
import Glibc
import ImageSpec
import LinuxIO
import Store
import Synchronization

/// A build on a thread of its own, for tests of what happens at once.
final class RunningBuild: Sendable {
    let observer = RecordingObserver()
    let cancellation = Cancellation()
    private let outcome = Monitor<Result<BuildResult, BuildError>?>(nil)

    /// - Parameter fixture: its store, context and executor.
    init(
        _ dockerfile: String, in fixture: BuildFixture,
        _ change: (inout BuildOptions) -> Void = { _ in }
    ) throws {
        var options = BuildOptions(
            dockerfile: .text(
                DockerfileText(name: "Dockerfile", bytes: Array(dockerfile.utf8))))
        options.jobs = 8
        change(&options)
        let (chosen, context) = (options, fixture.context)
        let builder = Builder(store: fixture.store, executor: fixture.executor)
        _ = try BlockingThread { [self] in
            let result = Result {
                try builder.build(
                    chosen, context: .directory(context), observer: observer,
                    cancellation: cancellation)
            }
            outcome.withLock {
                $0 = result.mapError { $0 as? BuildError ?? BuildError(.failed, "\($0)") }
            }
        }
    }

    func result() throws -> BuildResult { try outcome.wait { $0 }.get() }

    func failure() -> BuildError? {
        if case .failure(let error) = outcome.wait({ $0 }) { error } else { nil }
    }

    /// Blocks until a step waits for another build.
    func waitUntilWaiting() {
        while observer.waitedSteps.isEmpty { usleep(1000) }
    }
}
