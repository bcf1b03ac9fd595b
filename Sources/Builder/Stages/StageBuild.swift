internal import Dockerfile
internal import FileTree
internal import ImageSpec
internal import Store

/// The build of one stage: its instructions, one after the other.
final class StageBuild {
    let run: BuildRun
    let plan: StagePlan.Step
    var state: StageState

    /// How many steps the stage shows, and how many it has shown.
    private var stepTotal = 0
    private var stepIndex = 0
    private var isTrigger = false

    init(_ run: BuildRun, _ plan: StagePlan.Step) {
        self.run = run
        self.plan = plan
        state = StageState(scratchFor: run.options.platform ?? .host)
    }

    /// - Throws: ``BuildError``, with the instruction's place.
    func build() throws -> StageState {
        let from = plan.stage.fromInstruction
        do {
            try begin()
        } catch {
            throw BuildError(error, at: from.range)
        }
        let triggers = state.image.config.onBuild
        state.image.config.onBuild = []
        let parsed = try triggers.map { try trigger($0, from: from) }
        stepTotal += (parsed + plan.stage.instructions).count { Self.isStep($0) }
        try showBase()
        isTrigger = true
        for instruction in parsed { try dispatch(instruction) }
        isTrigger = false
        for instruction in plan.stage.instructions { try dispatch(instruction) }
        return state
    }

    private static func isStep(_ located: LocatedInstruction) -> Bool {
        switch located.keyword {
        case .run, .copy, .add, .workdir: true
        default: false
        }
    }

    private func begin() throws {
        switch plan.base {
        case .scratch: break
        case .stage(let index): state = try run.finishedStage(index).forNextStage()
        case .image(let name):
            let found = try run.images.find(name, platform: try run.platform(of: plan))
            state = StageState(found.config, tree: found.tree, layers: found.layers)
            if Platform.host.rank(of: found.config.platform) == nil {
                run.warn(
                    "InvalidBaseImagePlatform",
                    "Base image \(name) was pulled with platform "
                        + "\"\(BaseImages.text(found.config.platform))\", expected "
                        + "\"\(BaseImages.text(.host))\" for current build",
                    at: plan.stage.fromInstruction.range)
            }
        }
        // The directory that an image states is made clean, as a relative one would be.
        let directory = try DestinationPath(
            state.image.config.workingDirectory, workingDirectory: "/")
        if !state.image.config.workingDirectory.isEmpty {
            state.image.config.workingDirectory = directory.text
        }
    }

    /// A base image is the stage's first step; there is nothing to do for it.
    private func showBase() throws {
        guard case .image(let name) = plan.base else { return }
        stepTotal += 1
        let shown = (try? Reference(parsing: name).canonical) ?? name  // an ID is shown as it is
        let step = run.newStep(label: label("FROM \(shown)"), instruction: "FROM \(name)")
        try run.recorder.add(
            step, .done, key: nil, parent: state.tree, tree: state.tree,
            directories: PendingDirectories(base: run.store))
        run.observer.observe(.stepDone(step: step.number, .zero))
    }

    private func trigger(
        _ text: String, from: LocatedInstruction
    ) throws -> LocatedInstruction {
        do {
            var located = try LocatedInstruction(parsingTrigger: text)
            located.range = from.range
            return located
        } catch {
            throw BuildError(
                .invalidDockerfile, "the base image's ONBUILD trigger is wrong: \(error.message)",
                at: from.range, offending: nil, expected: error.expected, hint: "ONBUILD \(text)")
        }
    }

    // MARK: - Instructions

    private func dispatch(_ located: LocatedInstruction) throws {
        do {
            try run.cancellation.check()
            if case .arg(let arg) = located.instruction { return try declare(arg) }
            let environment = state.environment
            let expanded = try located.expanded(escape: run.file.directives.escape) {
                environment[$0]
            }
            switch expanded.instruction {
            case .run(let instruction): try perform(instruction, located)
            case .copy(let instruction): try perform(instruction, located)
            case .add(let instruction): try perform(instruction, located)
            case .workdir(let instruction): try perform(instruction, located)
            default: try configure(expanded.instruction)
            }
        } catch let error as CacheVerifier.DamagedEntries {
            throw error
        } catch {
            throw BuildError(error, at: located.range)
        }
    }

    /// Declares in order: a later default sees an earlier argument of the same line. Names see what
    /// was there before the line.
    private func declare(_ arg: ArgInstruction) throws {
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
            run.declaredArguments.insert(name)
            words.append(value.map { "\(name)=\($0)" } ?? name)
        }
        state.addHistory("ARG \(words.joined(separator: " "))", hasLayer: false)
    }

    // MARK: - Steps

    /// What a step is called: `[name 2/4] RUN make`.
    func label(_ text: String) -> String {
        stepIndex += 1
        let total = String(stepTotal)
        let index = String(stepIndex)
        let padding = String(repeating: " ", count: max(0, total.count - index.count))
        let name = run.file.stages.count > 1 ? "\(plan.stage.displayName) " : ""
        return "[\(name)\(padding)\(index)/\(total)] \(isTrigger ? "ONBUILD " : "")\(text)"
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
