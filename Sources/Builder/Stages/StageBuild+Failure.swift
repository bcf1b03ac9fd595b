internal import Dockerfile
internal import FileTree
internal import ImageSpec
internal import Store

extension StageBuild {
    /// Does what COPY, ADD or WORKDIR say; where they fail, people who want to may look at what they
    /// were to change.
    func showingFailure(of located: LocatedInstruction, _ body: () throws -> Void) throws {
        let (before, config) = (state.tree, state.image.config)
        do {
            try body()
        } catch {
            let isBuilds =
                error is CacheVerifier.DamagedEntries || error is StageResults.Abandoned
                || (error as? BuildError)?.code == .cancelled
            if !isBuilds, !run.cancellation.isCancelled {
                (state.tree, state.image.config) = (before, config)
                showFailure(located, (error as? BuildError)?.message ?? "\(error)")
            }
            throw error
        }
    }

    private func showFailure(_ located: LocatedInstruction, _ message: String) {
        let text = shownText(located)
        let step = begun ?? newStep(label: label(text), instruction: text)
        let directories = PendingDirectories(base: run.store)
        let context = StepContext(
            store: run.store, lease: run.lease, directories: directories, output: NoOutput(),
            cancellation: run.cancellation)
        do {
            let request = StepRequest(
                tree: state.tree, arguments: [], environment: state.environment.entries,
                workingDirectory: try state.commandDirectory, user: state.image.config.user,
                network: run.options.network)
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

/// Of a step that runs nothing.
private struct NoOutput: StepOutput {
    func write(_ bytes: [UInt8]) {}
}
