internal import Dockerfile
internal import LinuxIO
internal import Synchronization

/// The builds of one Dockerfile, one for each platform, which run at once.
///
/// They have one context, one cache and one row of step numbers. A step that is the same for several
/// platforms, as those of a stage with `--platform=$BUILDPLATFORM`, is run by one of them while the
/// others wait for its result ([0020](docs/decisions/0020-shared-steps.md)).
struct PlatformBuilds {
    private let runs: [BuildRun]

    /// - Parameter runs: at least one; of more, each for another platform.
    init(_ runs: [BuildRun]) {
        precondition(!runs.isEmpty, "a build is for a platform")
        self.runs = runs
    }

    /// Builds the target stage for each, and brings the result where it is to go.
    /// - Throws: of several that fail, what the first one that was not ended by another failed with.
    func build() throws -> BuildResult {
        defer { for run in runs { run.contexts.finish() } }
        let first = runs[0]
        let outputs = first.options.outputs.count {
            if case .image = $0.kind { false } else { true }
        }
        let schedules: [BuildSchedule]
        do { schedules = try self.schedules(exports: runs.count + outputs) } catch {
            first.checks(of: []).tell(first.observer)
            throw error
        }
        let last = schedules[schedules.count - 1]
        // What is wrong with the file is so for every platform.
        try first.reportFindings()
        for schedule in schedules { first.remotes.assign(schedule.remoteNumbers) }
        first.observer.observe(.planned(stepCount: last.lastNumber))
        try buildStages(of: schedules)
        let states = try zip(runs, schedules).map { run, schedule in
            try run.results.state(of: schedule.target)
        }
        for run in runs { try run.verifier.confirm() }
        first.reportUnusedArguments()
        if runs.count == 1 { return try first.export(states[0], number: last.exportNumber) }
        return try PlatformExport(Array(zip(runs, states))).export(number: last.exportNumber)
    }

    /// - Parameter exports: how many steps make the images and bring them elsewhere.
    private func schedules(exports: Int) throws -> [BuildSchedule] {
        var schedules: [BuildSchedule] = []
        var former = runs[0].context.stepCount
        for (index, run) in runs.enumerated() {
            let isLast = index == runs.count - 1
            let schedule = try run.schedule(after: former, exports: isLast ? exports : 0)
            former = schedule.endNumber
            schedules.append(schedule)
        }
        return schedules
    }

    private func buildStages(of schedules: [BuildSchedule]) throws {
        if runs.count == 1 || runs[0].options.jobs <= 1 {
            for (run, schedule) in zip(runs, schedules) { try run.buildStages(of: schedule) }
            return
        }
        let failures = PlatformFailures()
        var threads: [BlockingThread] = []
        for (run, schedule) in zip(runs, schedules).dropLast() {
            do throws(Errno) {
                threads.append(
                    try BlockingThread { failures.collect { try run.buildStages(of: schedule) } })
            } catch {
                failures.collect {
                    throw BuildError(
                        .failed, "could not start a thread for a platform: \(error)")
                }
                run.cancellation.cancel()
            }
        }
        if let run = runs.last, let schedule = schedules.last {
            failures.collect { try run.buildStages(of: schedule) }
        }
        for thread in threads { thread.join() }
        try failures.confirm()
    }
}

/// What the builds for several platforms failed with. Thread-safe.
private final class PlatformFailures: Sendable {
    private let all = Mutex<[any Error]>([])

    func collect(_ body: () throws -> Void) {
        do { try body() } catch { all.withLock { $0.append(error) } }
    }

    /// - Throws: the first failure; one that was ended because of another is not told before it.
    func confirm() throws {
        let all = all.withLock { $0 }
        let own = all.first { ($0 as? BuildError)?.code != .cancelled }
        if let failure = own ?? all.first { throw failure }
    }
}
