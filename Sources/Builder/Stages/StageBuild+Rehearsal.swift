internal import Dockerfile
internal import ImageSpec

/// Finding what is wrong with a stage before anything of the build runs.
extension StageBuild {
    /// Goes through the instructions as far as no step has to run for it: what variables stand for,
    /// what is written in options, which images are named.
    ///
    /// - Parameter bases: what this returned for the stages that the stage may begin with.
    /// - Returns: the state at the end, without the files.
    /// - Throws: ``BuildError``, with the instruction's place.
    func rehearse(on bases: [Int: StageState]) throws -> StageState {
        try Self.place(at: plan.stage.fromInstruction.range) {
            try begin { bases[$0] ?? StageState(scratchFor: .host) }
        }
        state.image.config.onBuild = []
        for located in instructions.prefix(rehearsedCount) {
            try Self.place(at: located.range) { try rehearse(located) }
        }
        return state
    }

    /// A build that is to stop is not to fail for what comes after.
    private var rehearsedCount: Int {
        guard isTarget, let last = run.options.targetStep else { return instructions.count }
        // The base is a step, unless it is a stage or nothing.
        var left = last - (stepTotal - instructions.count { BuildSchedule.isStep($0) })
        let end = instructions.firstIndex { located in
            if left <= 0 { return true }
            if BuildSchedule.isStep(located) { left -= 1 }
            return false
        }
        return end ?? instructions.count
    }

    private func rehearse(_ located: LocatedInstruction) throws {
        if case .arg(let arg) = located.instruction { return try declare(arg) }
        switch try expanded(located) {
        case .run(let instruction): try rehearse(instruction)
        case .copy(let instruction):
            try check(instruction)
            if let from = instruction.from { try checkSource(named: from) }
            try rehearse(instruction.transfer)
        case .add(let instruction):
            _ = try sources(of: instruction)
            try rehearse(instruction.transfer)
        case .workdir(let instruction):
            try state.setWorkingDirectory(instruction.path)
        case let instruction: try configure(instruction)
        }
    }

    private func rehearse(_ instruction: RunInstruction) throws {
        try checkSecurity(instruction)
        _ = try program(of: instruction)
        for options in instruction.mounts {
            let mount = try RunMount(options)
            switch mount.kind {
            case .bind, .cache, .tmpfs: _ = try target(mount.target, mount)
            // A step that the cache has needs no secret.
            case .secret, .ssh: break
            }
            if let from = mount.from { try checkSource(named: from) }
        }
    }

    private func rehearse(_ transfer: CopyTransfer) throws {
        _ = try DestinationPath(
            try state.path(transfer.destination), workingDirectory: state.workingDirectory)
        _ = try transfer.chmod.map { try ModeChange(parsing: $0) }
    }

    /// Stages are there when they are needed, contexts are brought then.
    private func checkSource(named name: String) throws {
        if case .image = try origin(name) { _ = try source(named: name) }
    }
}
