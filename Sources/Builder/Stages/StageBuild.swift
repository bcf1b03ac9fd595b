internal import Dockerfile
internal import FileTree
internal import ImageSpec
internal import Store

/// The build of one stage: its instructions, one after the other, on one thread.
final class StageBuild {
    let run: BuildRun
    let plan: StagePlan.Step
    var state: StageState

    private let triggers: [LocatedInstruction]
    let isTarget: Bool
    /// The build's number of the stage's first step.
    private let firstNumber: Int
    /// How many steps the stage shows, and how many it has shown.
    let stepTotal: Int
    private let remoteNumbers: [Int: Int]
    private var stepIndex = 0
    private var isTrigger = false
    /// Where the instruction stands that is being built.
    private var position = 0
    /// The step of the instruction that is being built, once it is shown.
    var begun: BuildStep?
    /// The last step, for a build that is to stop after it.
    private var lastStep: (step: BuildStep, key: CacheKey?)?

    init(_ run: BuildRun, _ entry: BuildSchedule.Entry, isTarget: Bool) {
        self.run = run
        plan = entry.plan
        triggers = entry.triggers
        firstNumber = entry.firstNumber
        stepTotal = entry.stepCount
        remoteNumbers = entry.remoteNumbers
        self.isTarget = isTarget
        state = StageState(scratchFor: run.options.platform ?? .host)
    }

    /// - Throws: ``BuildError``, with the instruction's place.
    func build() throws -> StageState {
        let from = plan.stage.fromInstruction
        try Self.place(at: from.range) { try begin { try run.finishedStage($0) } }
        warnOfPlatform()
        state.image.config.onBuild = []
        try showBase()
        try Self.place(at: from.range) { try takeContext() }
        for (index, instruction) in instructions.enumerated() {
            if isTarget, let last = run.options.targetStep, stepIndex == last { break }
            position = index
            isTrigger = index < triggers.count
            try dispatch(instruction)
        }
        if isTarget, run.options.targetStep != nil, let lastStep {
            run.noteStop(
                BuildResult.Stop(
                    step: lastStep.step.number, label: lastStep.step.label, key: lastStep.key,
                    tree: state.tree.id))
        }
        return state
    }

    /// Whether the stage's steps are run, whatever the cache has.
    var ignoresCache: Bool { run.options.ignoresCache || isFiltered }

    /// Whether that was asked for this stage.
    private var isFiltered: Bool {
        let stages = run.options.ignoresCacheOfStages
        return stages.contains("\(plan.stage.index)")
            || plan.stage.name.map { stages.contains($0) } == true
    }

    /// With those of the base.
    var instructions: [LocatedInstruction] { triggers + plan.stage.instructions }

    /// - Parameter stage: what another stage made.
    func begin(_ stage: (Int) throws -> StageState) throws {
        switch plan.base {
        case .scratch:
            // As in BuildKit the image is for the platform of the build, whatever FROM says.
            state = StageState(scratchFor: run.options.platform ?? .host)
        case .context(let name):
            let base = try run.contexts.base(name, run.images, try run.platform(of: plan))
            guard case .image(let found) = base else { break }
            state = StageState(found.config, tree: found.tree, layers: found.layers)
        case .stage(let index): state = try stage(index).forNextStage()
        case .image(let name):
            let found = try run.images.find(name, platform: try run.platform(of: plan))
            state = StageState(found.config, tree: found.tree, layers: found.layers)
        }
        // The directory that an image states is absolute from here on.
        let directory = state.image.config.workingDirectory
        if !directory.isEmpty { try state.setWorkingDirectory(directory) }
    }

    private func warnOfPlatform() {
        let platform = state.image.platform
        guard case .image(let name) = plan.base, Platform.host.rank(of: platform) == nil else {
            return
        }
        run.warn(
            "InvalidBaseImagePlatform",
            "Base image \(name) was pulled with platform "
                + "\"\(BaseImages.text(platform))\", expected "
                + "\"\(BaseImages.text(.host))\" for current build",
            at: plan.stage.fromInstruction.range)
    }

    /// A base image is the stage's first step; there is nothing to do for it.
    private func showBase() throws {
        guard case .image(let name) = plan.base else { return }
        let shown = (try? Reference(parsing: name).canonical) ?? name  // an ID is shown as it is
        let step = newStep(label: label("FROM \(shown)"), instruction: "FROM \(name)")
        run.begin(step)
        try run.recorder.add(
            step, .done, key: nil, parent: state.tree, tree: state.tree,
            directories: PendingDirectories(base: run.store))
        run.observer.observe(.stepDone(step: step.number, .zero))
        finished(step, key: nil)
    }

    // MARK: - Instructions

    private func dispatch(_ located: LocatedInstruction) throws {
        try Self.place(at: located.range) {
            try run.results.check()
            try run.cancellation.check()
            begun = nil
            if case .arg(let arg) = located.instruction { return try declare(arg) }
            switch try expanded(located) {
            case .run(let instruction): try perform(instruction, located)
            case .copy(let instruction):
                try showingFailure(of: located) { try perform(instruction, located) }
            case .add(let instruction):
                try showingFailure(of: located) { try perform(instruction, located) }
            case .workdir(let instruction):
                try showingFailure(of: located) { try perform(instruction, located) }
            case let instruction: try configure(instruction)
            }
        }
    }

    /// The instruction with the values of its variables.
    func expanded(_ located: LocatedInstruction) throws -> Instruction {
        let environment = state.environment
        return try located.expanded(escape: run.file.directives.escape) { environment[$0] }
            .instruction
    }

    /// Gives what goes wrong a place, but for what ends the stage without being its fault.
    static func place(at range: SourceRange, _ body: () throws -> Void) throws {
        do {
            try body()
        } catch let error
            where error is CacheVerifier.DamagedEntries
            || error is StageResults.Abandoned
        {
            throw error
        } catch {
            throw BuildError(error, at: range)
        }
    }

    /// Declares in order: a later default sees an earlier argument of the same line. Names see what
    /// was there before the line.
    func declare(_ arg: ArgInstruction) throws {
        let expander = WordExpander(escape: run.file.directives.escape)
        let before = state.environment
        var words: [String] = []
        for argument in arg.arguments {
            let name = try expander.expand(argument.name) { before[$0] }.text
            var value = run.arguments.givenValue(name)
            if value == nil, let text = argument.defaultValue {
                let environment = state.environment
                value = try expander.expand(text) { environment[$0] }.text
            } else if value == nil {
                value = run.arguments.globalValue(name)
            }
            state.declareArgument(name, value)
            run.noteArgument(name)
            words.append(value.map { "\(name)=\($0)" } ?? name)
        }
        state.addHistory("ARG \(words.joined(separator: " "))", hasLayer: false)
    }

    // MARK: - Steps

    /// The step that was named last by ``label(_:)``.
    func newStep(label: String, instruction: String) -> BuildStep {
        let platform = run.shownPlatform.map { "\($0) " } ?? ""
        return BuildStep(
            number: firstNumber + stepIndex - 1, label: label, instruction: instruction,
            place: "\(platform)\(plan.stage.displayName) \(stepIndex)")
    }

    /// The number for bringing what a word of the ADD that is being built names; nil where the schedule
    /// knows the source itself.
    func remoteNumber(ofWord index: Int) -> Int? { remoteNumbers[position].map { $0 + index } }

    func finished(_ step: BuildStep, key: CacheKey?) { lastStep = (step, key) }

    /// Has the context read what later instructions copy from it, while this one runs.
    func readAhead() {
        run.readahead.prepare(instructions.dropFirst(position + 1))
    }

    /// What a step is called: `[name 2/4] RUN make`, `[linux/arm64 name 2/4] RUN make`.
    func label(_ text: String) -> String {
        stepIndex += 1
        let total = String(stepTotal)
        let index = String(stepIndex)
        let padding = String(repeating: " ", count: max(0, total.count - index.count))
        let name = run.file.stages.count > 1 ? "\(plan.stage.displayName) " : ""
        let platform = run.shownPlatform.map { "\($0) " } ?? ""
        return
            "[\(platform)\(name)\(padding)\(index)/\(total)] \(isTrigger ? "ONBUILD " : "")\(text)"
    }

    /// The instruction as it is shown: on one line, its variables filled in.
    func shownText(_ located: LocatedInstruction) -> String {
        var options: WordExpander.Options = []
        if located.keyword == .run { options = [.rawQuotes, .keepUnset] }
        let expander = WordExpander(escape: run.file.directives.escape, options: options)
        let environment = state.environment
        // A text that does not expand is shown as it is.
        let text =
            (try? expander.expand(located.original, with: { environment[$0] }).text)
            ?? located.original
        let keyword = text.prefix { !$0.isWhitespace }
        return keyword.uppercased() + text.dropFirst(keyword.count)
    }
}
