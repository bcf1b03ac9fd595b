internal import ArgumentParser
internal import Engine
internal import ImageSpec
internal import Store

struct CacheExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Tell why the steps of a build were cached or not.",
        discussion: """
            A step that had to run is compared with the nearest one that was built before: the same \
            step of the last build of this name, else the same instruction, else one on the same \
            root file system.

              vitrine cache explain                  the last build
              vitrine cache explain 20260501-1203    a build, by its ID or its title
              vitrine cache explain 20260501-1203 4  one of its steps
            """)
    @OptionGroup var store: StoreOptions
    @Argument(help: "A build (the last one).") var build: String?
    @Argument(help: "A step's number.") var step: Int?
    @Flag(name: .customLong("json"), help: "Print JSON.") var json = false

    func run() throws {
        let engine = try store.engine(.existing)
        let record = try engine.build(build)
        var steps = try engine.steps(of: record)
        if let step {
            steps.removeAll { $0.number != step }
            if steps.isEmpty {
                throw EngineError(
                    .notFound, "build \(record.id) has recorded no step \(step)",
                    hint: "\"vitrine cache explain \(record.id)\" lists those that it has")
            }
        }
        if json { return print(record, steps, engine) }
        Terminal.write("\(record.id) \(record.title.visible) (\(record.status.rawValue))\n")
        for step in steps {
            var lines = step.summary
            if let path = engine.logPath(of: step) { lines.append("    log \(path)") }
            Terminal.write(lines.map { $0 + "\n" }.joined())
        }
    }

    private func print(_ build: BuildRecord, _ steps: [BuildStepRecord], _ engine: Engine) {
        let rows = steps.map { step -> JSONValue in
            var object = JSONObject()
            object.append("Step", JSONValue(step.number))
            object.append("Place", step.place)
            object.append("Instruction", step.instruction)
            object.append("Outcome", step.outcome.rawValue)
            object.append("Key", step.key.map { "\($0)" })
            object.append("Explanation", step.explanation?.json)
            object.append("Log", engine.logPath(of: step))
            return .object(object)
        }
        var object = JSONObject()
        object.append("Build", build.id)
        object.append("Title", build.title)
        object.append("Status", build.status.rawValue)
        object.append("Steps", .array(rows))
        Terminal.write(.object(object), indent: 2)
    }
}
