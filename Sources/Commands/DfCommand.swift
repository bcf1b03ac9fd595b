internal import ArgumentParser
internal import Engine
internal import ImageSpec
internal import Store

struct DfCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "df", abstract: "Show what images, containers, volumes and the cache take.",
        discussion: """
            SIZE counts content once, however many images have it. RECLAIMABLE is what goes when what \
            is not in use is removed: images without a container, containers that do not run, volumes \
            that no container has, the build cache. With --verbose each of them is listed: of an image \
            SIZE is what its files hold, SHARED the part that other images have too, UNIQUE the rest, \
            DISK what its files take on the disk, shared ones included.

              vitrine df
              vitrine df --verbose
              vitrine df --verbose --json
            """)
    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions
    @Flag(name: .shortAndLong, help: "List images, containers, volumes and cache entries.")
    var verbose = false

    func run() throws {
        let engine = try store.engine(.existing)
        let report = try UsageReport(engine, isVerbose: verbose)
        if !verbose { return try output.print(report.totals, fields: UsageReport.totalFields) }
        if output.json { return Terminal.write(try report.json(engine), indent: 2) }
        guard output.format == nil else {
            return try output.printOne(try report.json(engine))
        }
        for (index, part) in try report.parts(engine).enumerated() {
            Terminal.write("\(index == 0 ? "" : "\n")\(part.title):\n\n")
            try output.print(part.rows, fields: part.fields)
        }
    }
}
