internal import Dockerfile
internal import ImageSpec
internal import LinuxIO

extension BuildRun {
    /// - Parameters:
    ///   - former: how many steps have been shown already, or may be by others.
    ///   - exports: how many steps make the image and bring it elsewhere.
    /// - Throws: what the Dockerfile and the images that it names have wrong with them, as far as no
    ///   step has to run to show it.
    func schedule(after former: Int, exports: Int) throws -> BuildSchedule {
        let scope = arguments
        var platforms = StagePlatforms(target: options.platform ?? .host)
        let schedule = try BuildSchedule(
            plan, of: file, contexts: contexts, after: former, exports: exports
        ) { step in
            do {
                let asked = try platform(of: step)
                let base = try baseConfig(of: step, asked)
                try platforms.check(step, asked: asked, found: base?.platform)
                return base?.config.onBuild ?? triggers(of: step.base)
            } catch {
                throw BuildError(error, at: step.stage.fromInstruction.range)
            }
        } planOf: { index in
            try file.plan(
                target: String(index), isContext: { [contexts] in contexts.has($0) }
            ) { scope.globalValue($0) }
        }
        let count = schedule.stepCount(of: schedule.target)
        if let step = options.targetStep, !(1...max(1, count)).contains(step) || count == 0 {
            throw BuildError(
                .invalidArgument, "the target stage has no step \(step)",
                expected: count == 0 ? "a stage with steps" : "a number from 1 to \(count)",
                hint: "the steps of a stage are those that progress shows as [N/\(count)]")
        }
        var rehearsed: [Int: StageState] = [:]
        for entry in schedule.entries {
            let index = entry.plan.stage.index
            let stage = StageBuild(self, entry, isTarget: index == schedule.target)
            rehearsed[index] = try stage.rehearse(on: rehearsed)
        }
        return schedule
    }

    /// What a stage of the file has those do that begin with it. As in BuildKit, what its own base had
    /// it do is done by then.
    private func triggers(of base: StagePlan.Source) -> [String] {
        guard case .stage(let index) = base, file.stages.indices.contains(index) else { return [] }
        let stage = file.stages[index]
        // A context has no instructions.
        if let name = stage.name, contexts.has(name) { return [] }
        return stage.triggers
    }

    /// The config of the image that the stage begins with.
    private func baseConfig(
        of step: StagePlan.Step, _ platform: Platform?
    ) throws -> ImageConfig? {
        switch step.base {
        case .image(let name): return try images.find(name, platform: platform).config
        case .context(let name):
            guard case .image(let found) = try contexts.base(name, images, platform) else {
                return nil
            }
            return found.config
        case .scratch, .stage: return nil
        }
    }

    /// Builds the stages, at once as far as they do not wait for each other. With one job they are
    /// built one after the other: a stage may be larger than its commands.
    /// - Throws: what the first one that failed failed with, when all have ended.
    func buildStages(of schedule: BuildSchedule) throws {
        let registration = cancellation.onCancel { [results] in
            results.fail(Cancellation.error)
        }
        defer { cancellation.remove(registration) }
        if options.jobs <= 1 || schedule.entries.count == 1 {
            for entry in schedule.entries { build(entry) }
        } else {
            var threads: [BlockingThread] = []
            for entry in schedule.entries.dropLast() {
                do throws(Errno) {
                    threads.append(try BlockingThread { [self] in build(entry) })
                } catch {
                    fail(BuildError(.failed, "could not start a thread for a stage: \(error)"))
                }
            }
            if let last = schedule.entries.last { build(last) }
            for thread in threads { thread.join() }
        }
        readahead.stop()
        try results.confirm()
    }

    private func build(_ entry: BuildSchedule.Entry) {
        do {
            try results.check()
            let isTarget = entry.plan.stage.index == plan.target
            let stage = StageBuild(self, entry, isTarget: isTarget)
            results.finish(entry.plan.stage.index, try stage.build())
        } catch {
            fail(error)
        }
    }

    private func fail(_ error: any Error) {
        results.fail(error)
        // What a damaged entry spoils is found out anew; what runs meanwhile is a hit then.
        if error is CacheVerifier.DamagedEntries || error is StageResults.Abandoned { return }
        cancellation.cancel()
    }

    /// What the stage made, once it is built.
    func finishedStage(_ index: Int) throws -> StageState { try results.state(of: index) }
}
