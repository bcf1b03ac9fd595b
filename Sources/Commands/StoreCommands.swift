internal import ArgumentParser
internal import Engine
internal import ImageSpec
internal import Store

struct DfCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "df", abstract: "Show what images take and share.",
        discussion: """
            SIZE is an image's content, SHARED the part that other images have too, UNIQUE the rest.

              vitrine df
              vitrine df --json
            """)
    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let usage = try store.engine().usage()
        let size = { (bytes: UInt64) in JSONValue.string(HumanSize.decimal(Int64(clamping: bytes)))
        }
        let rows = usage.images.map { image in
            Row([
                ("ID", .string(image.id.digest.short)),
                (
                    "Names",
                    .string(
                        image.names.isEmpty
                            ? "<none>" : image.names.map(\.familiarName).joined(separator: ","))
                ),
                ("Size", size(image.logicalBytes)), ("Shared", size(image.sharedBytes)),
                ("Unique", size(image.uniqueBytes)),
                ("SizeBytes", JSONValue(image.logicalBytes)),
                ("UniqueBytes", JSONValue(image.uniqueBytes)),
            ])
        }
        try output.print(
            rows,
            columns: [
                ("ID", "IMAGE ID"), ("Names", "NAMES"), ("Size", "SIZE"), ("Shared", "SHARED"),
                ("Unique", "UNIQUE"),
            ])
        if output.json || output.format != nil { return }
        Terminal.write(
            """

            \(usage.images.count) images, unshared \(HumanSize.decimal(Int64(clamping: usage.logicalBytes))), \
            stored \(HumanSize.decimal(Int64(clamping: usage.storedBytes)))
            \(usage.cacheEntries) cache entries hold a further \
            \(HumanSize.decimal(Int64(clamping: usage.cacheOnlyBytes)))

            """)
    }
}

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
        let report = try store.engine().collectGarbage(dryRun: dryRun)
        for failure in report.failures { Terminal.note("kept for the next time: \(failure)") }
        if json { return Terminal.write(report.json, indent: 2) }
        Terminal.write((dryRun ? "would remove " : "removed ") + report.text + "\n")
    }
}

extension CollectionReport {
    var text: String {
        "\(objects) files, \(layers) layers, \(directories) directories, \(blobs) blobs, "
            + "\(deadLeases) dead leases: \(HumanSize.decimal(Int64(clamping: freedBytes)))"
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
        let report = try store.engine().verify(readsContent: !quick)
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
                "\(report.images) images, \(report.layers) layers, \(report.directories) directories, "
                    + "\(report.objects) files "
                    + "(\(HumanSize.decimal(Int64(clamping: report.objectBytes)))): "
                    + (report.problems.isEmpty ? "clean\n" : "\(report.problems.count) problems\n"))
        }
        if report.problems.contains(where: \.isSerious) { throw ExitCode(1) }
    }
}

struct InfoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "info", abstract: "Describe this host and store.",
        discussion: "  vitrine info")
    @OptionGroup var store: StoreOptions
    @Flag(name: .customLong("json"), help: "Print JSON.") var json = false

    func run() throws {
        let facts = try store.engine().info()
        if json {
            let object = JSONObject(facts.map { .init($0.name, .string($0.value)) })
            return Terminal.write(.object(object), indent: 2)
        }
        for fact in facts { Terminal.write("\(fact.name): \(fact.value)\n") }
    }
}

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Print the version.", discussion: "  vitrine version")
    @Flag(name: .customLong("json"), help: "Print JSON.") var json = false

    func run() throws {
        Terminal.write(
            json ? "{\"Version\":\"\(Engine.version)\"}\n" : "vitrine \(Engine.version)\n")
    }
}
