internal import ArgumentParser
internal import Engine
internal import ImageSpec
internal import Store

struct CacheMountCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mount",
        abstract: "The directories of RUN --mount=type=cache: fill them, and take them along.",
        discussion: """
            vitrine cache mounts lists them.

              vitrine cache mount export /root/.cache > cache.tar
              vitrine cache mount import /root/.cache < cache.tar
            """,
        subcommands: [CacheMountExportCommand.self, CacheMountImportCommand.self])
}

struct CacheMountsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mounts", abstract: "List the directories of RUN --mount=type=cache.",
        discussion: "  vitrine cache mounts --format '{{.ID}} {{.Size}}'")
    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let mounts = try store.engine(.existing).cacheMounts()
        try output.print(mounts.map(\.row), fields: Self.fields)
    }

    static let fields = [
        Field("Name", "NAME"), Field("ID", "ID"), Field("Size", "SIZE"),
        Field("SizeBytes", "SIZE BYTES", isColumn: false), Field("LastUsed", "LAST USED"),
        Field("InUse", "IN USE"),
    ]
}

extension CacheMountRecord {
    fileprivate var row: Row {
        Row([
            ("Name", .string(name.text)), ("ID", .string(id)),
            ("Size", .string(HumanSize.decimal(Int64(clamping: sizeBytes)))),
            ("SizeBytes", JSONValue(sizeBytes)),
            (
                "LastUsed",
                .string(
                    HumanDuration.ago(
                        Timestamp(nanosecondsSinceEpoch: lastUsedNanoseconds), now: Timestamp.now))
            ),
            ("InUse", .string(isInUse ? "yes" : "no")),
        ])
    }
}

struct CacheMountExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write a cache's content to standard output, as a tar.",
        discussion: """
            While a step has the cache to itself, it waits.

              vitrine cache mount export /root/.cache > cache.tar
              vitrine cache mount export -o cache.tar /root/.cache
            """)
    @OptionGroup var store: StoreOptions
    @Option(
        name: .shortAndLong, help: ArgumentHelp("Write to a file.", valueName: "file"),
        completion: .file())
    var output: String?
    @Argument(help: "The cache's id, or its name in \"cache mounts\".") var id: String

    func validate() throws {
        if output == nil, Terminal.outputIsTerminal {
            throw ValidationError("a tar is nothing for a terminal; redirect it, or name -o FILE")
        }
    }

    func run() throws {
        try store.engine(.existing).exportCacheMount(id, to: output)
    }
}

struct CacheMountImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Give a cache the content of a tar, in place of what it has.",
        discussion: """
            The tar may be compressed.

              vitrine cache mount import /root/.cache < cache.tar
              vitrine cache mount import -i cache.tar.zst go-build
            """)
    @OptionGroup var store: StoreOptions
    @Option(
        name: .shortAndLong, help: ArgumentHelp("Read a file.", valueName: "file"),
        completion: .file())
    var input: String?
    @Argument(help: "The cache's id; by default that is the mount's target.") var id: String

    func validate() throws {
        if input == nil, Terminal.inputIsTerminal {
            throw ValidationError("standard input is a terminal; use a pipe, or name -i FILE")
        }
    }

    func run() throws {
        Terminal.write("\(try store.engine().importCacheMount(id, from: input))\n")
    }
}
