internal import Dockerfile
internal import ImageSpec

/// The stages that a build makes, and the numbers of their steps: known before anything runs, so
/// that numbers say nothing of who was quicker.
///
///     other hosts   stage a   stage b   the image   its outputs   other hosts that variables name
///     1             2 3       4 5 6     7           8             9
struct BuildSchedule {
    struct Entry {
        var plan: StagePlan.Step
        /// What the base, an image or a stage, has its users do.
        var triggers: [LocatedInstruction]
        /// Of the stage's first step.
        var firstNumber = 0
        /// Of what the words of an ADD name on other hosts, where variables have to tell: by the
        /// instruction's place, the first word's.
        var remoteNumbers: [Int: Int] = [:]
        /// The instructions that are steps, and the base image's.
        var stepCount: Int
    }

    /// Each after all that it needs; the target is the last one of the Dockerfile's own plan.
    private(set) var entries: [Entry] = []
    let target: Int

    /// The number of the step that makes the image.
    private(set) var exportNumber = 1
    /// The last one that is sure to be needed.
    private(set) var lastNumber = 1
    /// The last one that may be needed.
    private(set) var endNumber = 1
    /// The numbers of what the Dockerfile's text names on other hosts.
    private(set) var remoteNumbers: [RemoteSource: Int] = [:]

    private enum Mark { case open, done }
    private var marks: [Int: Mark] = [:]

    /// - Parameters:
    ///   - file: what the plan is of.
    ///   - triggers: the triggers of a stage's base, as the image or the file has them; asked for a
    ///     stage after those that it stands on.
    ///   - contexts: that the build was given.
    ///   - former: how many steps have been shown already.
    ///   - exports: how many steps make the image and bring it elsewhere.
    ///   - planOf: the plan of a stage that only a trigger names.
    /// - Throws: ``BuildError`` `invalidDockerfile` when stages lean on each other through triggers,
    ///   and for a trigger that cannot be read; what `triggers` throws.
    init(
        _ plan: StagePlan, of file: Dockerfile, contexts: NamedContexts, after former: Int,
        exports: Int, triggers: (StagePlan.Step) throws -> [String],
        planOf: (Int) throws -> StagePlan
    ) throws {
        target = plan.target
        for step in plan.steps { try visit(step, file, triggers, planOf) }
        for index in entries.indices where contexts.isFiles(entries[index].plan.base) {
            entries[index].stepCount += 1
        }
        number(contexts, former, exports)
    }

    private mutating func number(_ contexts: NamedContexts, _ former: Int, _ exports: Int) {
        var next = former + 1
        for source in entries.flatMap({ $0.remoteSources(contexts) })
        where remoteNumbers[source] == nil {
            remoteNumbers[source] = next
            next += 1
        }
        // The target's own steps come last, whatever triggers asked for.
        for index in entries.indices {
            entries[index].firstNumber = next
            next += entries[index].stepCount
        }
        exportNumber = next
        next += exports
        lastNumber = next - 1
        for index in entries.indices {
            for (place, words) in entries[index].openWords {
                entries[index].remoteNumbers[place] = next
                next += words
            }
        }
        endNumber = next - 1
    }

    private mutating func visit(
        _ step: StagePlan.Step, _ file: Dockerfile,
        _ triggers: (StagePlan.Step) throws -> [String], _ planOf: (Int) throws -> StagePlan
    ) throws {
        switch marks[step.stage.index] {
        case .done?: return
        case .open?:
            throw BuildError(
                .invalidDockerfile,
                "circular dependency detected on stage: \(step.stage.displayName)",
                at: step.stage.fromInstruction.range)
        case nil: marks[step.stage.index] = .open
        }
        let from = step.stage.fromInstruction
        let parsed = try triggers(step).map { try Self.trigger($0, from: from) }
        for name in parsed.flatMap(\.instruction.stageReferences) {
            // A name that is no stage's is an image's.
            guard let index = try? file.stageIndex(of: name), step.sources[name] == nil else {
                continue
            }
            for needed in try planOf(index).steps { try visit(needed, file, triggers, planOf) }
        }
        var count = (parsed + step.stage.instructions).count { Self.isStep($0) }
        if case .image = step.base { count += 1 }
        entries.append(Entry(plan: step, triggers: parsed, stepCount: count))
        marks[step.stage.index] = .done
    }

    func stepCount(of stage: Int) -> Int {
        entries.first { $0.plan.stage.index == stage }?.stepCount ?? 0
    }

    /// A trigger, which stands where the FROM does that it fires at.
    static func trigger(
        _ text: String, from: LocatedInstruction
    ) throws -> LocatedInstruction {
        do {
            var located = try LocatedInstruction(parsingTrigger: text)
            located.range = from.range
            return located
        } catch {
            throw BuildError(
                .invalidDockerfile, "the ONBUILD trigger of the base is wrong: \(error.message)",
                at: from.range, offending: nil, expected: error.expected, hint: "ONBUILD \(text)")
        }
    }

    /// Whether the instruction makes a root file system.
    static func isStep(_ located: LocatedInstruction) -> Bool {
        switch located.keyword {
        case .run, .copy, .add, .workdir: true
        default: false
        }
    }
}
