internal import Dockerfile
internal import FileTree
internal import ImageSpec
internal import Store

extension StageBuild {
    /// Has people look at what COPY, ADD or WORKDIR were to change and could not.
    func showFailure(_ step: BuildStep, _ message: String) {
        let directories = PendingDirectories(base: run.store)
        let request = StepRequest(
            tree: state.tree, arguments: [], environment: state.environment.entries,
            workingDirectory: state.workingDirectory, user: state.image.config.user,
            network: run.options.network)
        let log = StepLog(
            step: step.number, path: run.recorder.logPath(step.number), observer: run.observer)
        let context = StepContext(
            store: run.store, lease: run.lease, directories: directories, output: log,
            cancellation: run.cancellation)
        do {
            guard let left = try run.executor.showFailure(message, request, in: context) else {
                return
            }
            try run.recorder.add(
                step, .failed, key: nil, parent: state.tree, tree: left, directories: directories)
        } catch {
            // The step's own error is the one to report.
            run.warn("NoDebugShell", "no shell could be opened where the step failed: \(error)")
        }
    }
}
