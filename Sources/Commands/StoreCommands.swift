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
              vitrine df --verbose
              vitrine df --json
            """)
    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions
    @Flag(name: .shortAndLong, help: "List the entries of the build cache too.")
    var verbose = false

    func run() throws {
        let engine = try store.engine(.existing)
        let usage = try engine.usage()
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
            fields: [
                Field("ID", "IMAGE ID"), Field("Names", "NAMES"), Field("Size", "SIZE"),
                Field("Shared", "SHARED"), Field("Unique", "UNIQUE"),
                Field("SizeBytes", "SIZE BYTES", isColumn: false),
                Field("UniqueBytes", "UNIQUE BYTES", isColumn: false),
            ])
        if output.isForPrograms { return }
        if verbose {
            Terminal.write("\n")
            let entries = try engine.cacheEntries()
            try output.print(
                try entries.map { try engine.row(of: $0, isWhole: false) },
                fields: CacheListCommand.fields)
        }
        let images = CountedNoun.text(usage.images.count, "image")
        let entries = CountedNoun.text(usage.cacheEntries, "cache entry", "cache entries")
        Terminal.write(
            """

            \(images), unshared \(HumanSize.decimal(Int64(clamping: usage.logicalBytes))), \
            stored \(HumanSize.decimal(Int64(clamping: usage.storedBytes)))
            \(entries) \(usage.cacheEntries == 1 ? "holds" : "hold") a further \
            \(HumanSize.decimal(Int64(clamping: usage.cacheOnlyBytes)))

            """)
        if usage.cacheMounts > 0 {
            let mounts = CountedNoun.text(usage.cacheMounts, "cache mount")
            let size = HumanSize.decimal(Int64(clamping: usage.cacheMountBytes))
            Terminal.write("\(mounts), \(size) besides\n")
        }
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
        discussion: "  vitrine info")
    @OptionGroup var store: StoreOptions
    @Flag(name: .customLong("json"), help: "Print JSON.") var json = false

    func run() throws {
        let facts = try store.engine(.existing).info()
        if json {
            let object = JSONObject(facts.map { .init($0.key, $0.json) })
            return Terminal.write(.object(object), indent: 2)
        }
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
        commandName: "version", abstract: "Print the version.", discussion: "  vitrine version")
    @Flag(name: .customLong("json"), help: "Print JSON.") var json = false

    func run() throws {
        Terminal.write(
            json ? "{\"Version\":\"\(Engine.version)\"}\n" : "vitrine \(Engine.version)\n")
    }
}
