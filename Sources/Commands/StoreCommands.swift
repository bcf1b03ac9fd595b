internal import ArgumentParser
internal import Engine
internal import ImageSpec
internal import Store

struct GcCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gc", abstract: "Remove what nothing refers to.",
        discussion: """
            Safe beside running builds and mounts.

              vitrine gc --dry-run
              vitrine gc
            """)
    @OptionGroup var store: StoreOptions
    @Flag(name: .customLong("dry-run"), help: "Only say what would go.") var dryRun = false
    @Flag(name: .customLong("json"), help: "Print JSON.") var json = false

    func run() throws {
        let report = try store.engine(.existing).collectGarbage(dryRun: dryRun)
        for failure in report.failures { Terminal.note("kept for the next time: \(failure)") }
        if json { return Terminal.write(report.json, indent: 2) }
        Terminal.write((dryRun ? "would remove " : "removed ") + report.text + "\n")
    }
}

extension CollectionReport {
    var text: String {
        [
            CountedNoun.text(objects, "file"), CountedNoun.text(layers, "layer"),
            CountedNoun.text(directories, "directory", "directories"),
            CountedNoun.text(blobs, "blob"), CountedNoun.text(deadLeases, "dead lease"),
        ].joined(separator: ", ") + ": \(HumanSize.decimal(Int64(clamping: freedBytes)))"
    }

    var json: JSONValue {
        .object(
            JSONObject([
                .init("Objects", JSONValue(objects)), .init("Layers", JSONValue(layers)),
                .init("Directories", JSONValue(directories)), .init("Blobs", JSONValue(blobs)),
                .init("DeadLeases", JSONValue(deadLeases)),
                .init("FreedBytes", JSONValue(freedBytes)),
            ]))
    }
}

struct FsckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fsck", abstract: "Read the whole store and hash everything again.",
        discussion: """
            Exits with 1 when something is missing or damaged.

              vitrine fsck
              vitrine fsck --quick     only that files are there and have their size
            """)
    @OptionGroup var store: StoreOptions
    @Flag(help: "Do not read the files' content.") var quick = false
    @Flag(name: .customLong("json"), help: "Print JSON.") var json = false

    func run() throws {
        let report = try store.engine(.existing).verify(readsContent: !quick)
        if json {
            let problems = report.problems.map { problem in
                JSONValue.object(
                    JSONObject([
                        .init("Kind", .string(problem.kind.rawValue)),
                        .init("Subject", .string(problem.subject)),
                        .init("Message", .string(problem.message)),
                    ]))
            }
            let object = JSONObject([
                .init("Images", JSONValue(report.images)),
                .init("Layers", JSONValue(report.layers)),
                .init("Directories", JSONValue(report.directories)),
                .init("Objects", JSONValue(report.objects)),
                .init("ObjectBytes", JSONValue(report.objectBytes)),
                .init("Problems", .array(problems)),
            ])
            Terminal.write(.object(object), indent: 2)
        } else {
            for problem in report.problems { Terminal.write("\(problem)\n") }
            Terminal.write(
                [
                    CountedNoun.text(report.images, "image"),
                    CountedNoun.text(report.layers, "layer"),
                    CountedNoun.text(report.directories, "directory", "directories"),
                    CountedNoun.text(report.objects, "file"),
                ].joined(separator: ", ")
                    + " (\(HumanSize.decimal(Int64(clamping: report.objectBytes)))): "
                    + (report.problems.isEmpty
                        ? "clean" : CountedNoun.text(report.problems.count, "problem")) + "\n")
        }
        if report.problems.contains(where: \.isSerious) { throw ExitCode(1) }
    }
}

struct InfoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "info", abstract: "Describe this host and store.",
        discussion: """
              vitrine info
              vitrine info --format '{{.ContainersRunning}} of {{.Containers}} on {{.KernelVersion}}'
            """)
    @OptionGroup var store: StoreOptions
    @Flag(name: .customLong("json"), help: "Print JSON.") var json = false
    @OptionGroup var output: DocumentFormat

    func run() throws {
        let (engine, root) = (try store.existingEngine(), try store.path())
        if engine == nil {
            Terminal.note("there is no store at \(root) yet; what is to be kept will make it")
        }
        let facts = try Engine.info(engine, root: root)
        let document = JSONValue.object(
            JSONObject(
                facts.map { .init($0.key, $0.json) }
                    + (try Engine.dockerFacts(engine, root: root))))
        if json { return Terminal.write(document, indent: 2) }
        if try output.print(document) { return }
        for fact in facts { Terminal.write("\(fact.name): \(fact.value)\n") }
    }
}

/// A number with the noun that it counts.
enum CountedNoun {
    static func text(_ count: Int, _ one: String, _ many: String? = nil) -> String {
        "\(count) \(count == 1 ? one : many ?? one + "s")"
    }
}

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Print the version.",
        discussion: """
              vitrine version
              vitrine version --format '{{.Server.Version}}'
            """)
    @Flag(name: .customLong("json"), help: "Print JSON.") var json = false
    @OptionGroup var output: DocumentFormat

    func run() throws {
        if json { return Terminal.write(document, indent: nil) }
        if try output.print(document) { return }
        Terminal.write("vitrine \(Engine.version)\n")
    }

    /// With Docker's names: client and server are one program here.
    private var document: JSONValue {
        let part: JSONValue = [
            "Version": .string(Engine.version), "Os": "linux",
            "Arch": .string(Platform.host.architecture),
        ]
        return ["Version": .string(Engine.version), "Client": part, "Server": part]
    }
}

/// How a document is printed that is no list.
struct DocumentFormat: ParsableArguments {
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("Print it by a template, or as 'json'.", valueName: "template"),
        transform: { try FormatTemplate($0) })
    var format: FormatTemplate?

    /// - Returns: whether a format was asked for.
    func print(_ document: JSONValue) throws -> Bool {
        switch format {
        case nil, .plain?: return false
        case .json?: Terminal.write(document, indent: nil)
        case .template(let template)?: Terminal.write(try template.render(document) + "\n")
        }
        return true
    }
}
