internal import Synchronization

extension ContainerRuntime {
    /// Runs a command in a container and returns when nothing of it is left. When the task is
    /// cancelled, the container is.
    /// - Throws: those of ``Container/start(_:with:streams:)``.
    package func run(
        _ request: ContainerRequest, streams: Streams
    ) async throws(SandboxError) -> Container.Outcome {
        let running = RunningContainer()
        let result: Result<Container.Outcome, SandboxError> = await withTaskCancellationHandler {
            await BlockingWork.run {
                do throws(SandboxError) {
                    let container = try Container.start(request, with: self, streams: streams)
                    running.started(container)
                    return .success(container.wait())
                } catch {
                    return .failure(error)
                }
            }
        } onCancel: {
            running.cancel()
        }
        return try result.get()
    }
}

/// Brings together a container that starts and a cancellation that may come before it.
private final class RunningContainer: Sendable {
    private enum State {
        case starting
        case running(Container)
        case cancelled
    }

    private let state = Mutex(State.starting)

    func started(_ container: Container) {
        let isCancelled = state.withLock { state in
            if case .cancelled = state { return true }
            state = .running(container)
            return false
        }
        if isCancelled { container.cancel() }
    }

    func cancel() {
        let container: Container? = state.withLock { state in
            defer { state = .cancelled }
            if case .running(let container) = state { return container }
            return nil
        }
        guard let container else { return }
        BlockingWork.start { container.cancel() }
    }
}
