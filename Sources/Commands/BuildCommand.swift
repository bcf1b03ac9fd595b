internal import ArgumentParser
internal import Builder
internal import Engine
internal import Foundation
internal import Glibc
internal import ImageSpec

struct BuildCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "build", abstract: "Build an image from a Dockerfile.",
        discussion: """
            Every step's result is a directory of the gallery (cache/KEY, builds/ID); the state where \
            a step failed is builds/ID/failed.

              vitrine build -t app .
              vitrine build -f docker/Dockerfile --target test --build-arg V=2 .
              echo 'FROM debian:bookworm' | vitrine build -t copy -
              tar -c . | vitrine build -t app -
              vitrine build -t app https://github.com/org/app.git#v1:src
              vitrine build -o out --target dist .
              vitrine build -o type=oci,dest=app.tar -t app .
              vitrine build --platform linux/amd64,linux/arm64 -o type=oci,dest=app.tar -t app .
              vitrine build --show-context .
              vitrine build --check .
              vitrine build --call=outline --target test .
            """)
    enum Progress: String, ExpressibleByArgument, CaseIterable {
        case auto, plain, tty, quiet, rawjson
    }

    @OptionGroup var store: StoreOptions
    @OptionGroup var sources: BuildSourceOptions
    @OptionGroup var outputs: BuildOutputOptions
    @OptionGroup var steps: BuildStepOptions
    @Option(name: .shortAndLong, help: "Name the image; may be given several times.")
    var tag: [String] = []
    @Option(
        name: .shortAndLong,
        help: "The Dockerfile (PATH/Dockerfile), or its address; - is standard input.",
        completion: .file())
    var file: String?
    @Option(
        name: .customLong("build-arg"),
        help: ArgumentHelp(
            "Set an ARG; without a value, from the environment.", valueName: "name=value"))
    var buildArguments: [String] = []
    @Option(help: "Build this stage.") var target: String?
    @Flag(name: .customLong("no-cache"), help: "Run every step, whatever the cache has.")
    var noCache = false
    @Option(
        name: .customLong("no-cache-filter"),
        help: ArgumentHelp(
            "Run every step of these stages; names with commas between them.", valueName: "stages"))
    var noCacheFilter: [String] = []
    @Option(
        help: "The network of RUN steps: default (the host's), host, none or sandbox (its own).")
    var network = "default"
    @Option(help: "auto, plain, tty, quiet or rawjson.") var progress = Progress.auto
    @Option(
        name: .customLong("label"), help: ArgumentHelp("Set a label.", valueName: "name=value"))
    var labels: [String] = []
    @Flag(help: "Tell what the build checks find in the Dockerfile, and build nothing.")
    var check = false
    @Option(
        help: ArgumentHelp(
            "build, or tell without a build: check, outline (what the target can be given), targets.",
            valueName: "method[,format=json][,ignorestatus]"))
    var call: BuildCall?
    @Flag(name: .shortAndLong, help: "Print the image ID only.") var quiet = false
    @Option(
        help: ArgumentHelp("Write the image ID to a file.", valueName: "file"), completion: .file())
    var iidfile: String?
    @OptionGroup(title: "Options of RUN") var runOptions: BuildRunOptions
    @Argument(
        help: """
            The build context: a directory, a git repository, the address of a tar or a Dockerfile, \
            or - for one of these on standard input.
            """, completion: .directory)
    var context: String

    func validate() throws {
        if check, let call, call.method != .check {
            throw ValidationError("--check and --call=\(call.method.rawValue) exclude each other")
        }
        if context == "-", file == "-" {
            throw ValidationError("standard input is the context already; name a file with -f")
        }
        if context == "-" || file == "-", Terminal.inputIsTerminal {
            throw ValidationError(
                "standard input is a terminal; name a directory, or use a pipe or a file")
        }
        for text in buildArguments where Self.pair(text).name.isEmpty {
            throw ValidationError("--build-arg \"\(text)\" has no name; write NAME=VALUE")
        }
    }

    func run() throws {
        let location = try Engine.buildContext(context)
        var options = try options(location)
        steps.apply(to: &options)
        try BuildOutputOptions.check(options)
        if sources.showContext {
            return try ContextReport(isJSON: sources.json).show(location, options.dockerfile)
        }
        let call = call ?? BuildCall(check ? .check : .build)
        if call.method != .build {
            return try BuildCallScreen(
                engine: try store.engine(), options: options, location: location, call: call
            ).show()
        }
        let budget = try CacheBudget(environment: ProcessInfo.processInfo.environment)
        let engine = try store.engine()
        runOptions.reportIgnored()
        steps.importCaches(engine)
        let idFile = Self.given(iidfile).map { ImageIDFile($0) }
        try idFile?.clear()
        let interruption = Interruption()
        let listener = SignalListener { interruption.receive($0) }
        let display = BuildDisplay(progress, quiet: quiet)
        let result: BuildResult
        do {
            result = try engine.build(
                options, context: location, observer: display.observer,
                cancellation: interruption.cancellation,
                environment: ProcessInfo.processInfo.environment, shell: steps.shell)
            display.finish()
            try steps.exportCaches(of: result, engine, interruption.cancellation)
        } catch let error as BuildError {
            display.finish()
            report(error)
            BuildStepOptions.keep(budget, engine)
            throw ExitCode(error.code == .cancelled ? interruption.exitCode ?? 1 : 1)
        }
        withExtendedLifetime(listener) {}
        try tell(result, idFile)
        // A build that made nothing new needs no look at how much there is.
        if result.cachedStepCount < result.stepCount { BuildStepOptions.keep(budget, engine) }
    }

    /// Of a build that was to stop there is an image only if somebody wanted one.
    private func tell(_ result: BuildResult, _ idFile: ImageIDFile?) throws {
        if let stop = result.stop, !outputs.usesStandardOutput {
            BuildStepOptions.show(stop, of: result)
        }
        guard result.stop == nil || result.isRecorded else { return }
        try idFile?.write(result.name)
        try Self.given(outputs.metadataFile).map { try BuildMetadataFile($0).write(result) }
        if !outputs.usesStandardOutput, quiet || progress == .quiet {
            Terminal.write("\(result.name)\n")
        }
    }

    private func report(_ error: BuildError) {
        Terminal.writeError("\(error.rendered(isTerminal: Terminal.errorIsTerminal))\n")
        guard let command = error.command else { return }
        defer { Terminal.writeError("its whole output: \(command.logPath)\n") }
        if error.isOutOfRoom { return }
        let environment = ProcessInfo.processInfo.environment
        // Who has no place for a gallery is told of the log alone.
        if let gallery = try? StoreLocation.gallery(environment: environment) {
            let failed = "\(gallery)/builds/\(command.build)/failed"
            Terminal.writeError("its files: \(failed) (\"vitrine serve\" shows them)\n")
        }
    }

    private func options(_ location: ContextLocation) throws -> BuildOptions {
        var options = BuildOptions(
            tags: try tag.map { try Engine.buildTag($0) }, target: Self.given(target),
            ignoresCache: noCache, network: try Engine.buildNetwork(network),
            title: Self.title(context, location))
        options.ignoresCacheOfStages = Set(
            noCacheFilter.flatMap { $0.lowercased().split(separator: ",").map(String.init) })
        if let file = Self.given(file) {
            options.dockerfile = try Engine.dockerfile(file, beside: location)
        }
        for text in buildArguments {
            let (name, value) = Self.pair(text)
            if let value = value ?? ProcessInfo.processInfo.environment[name] {
                options.buildArguments.append(BuildArgument(name: name, value: value))
            }
        }
        // As with buildx: what is set for all tools counts here too, unless it is said otherwise.
        let epoch = BuildArgument.epochName
        if !options.buildArguments.contains(where: { $0.name == epoch }),
            let value = ProcessInfo.processInfo.environment[epoch], !value.isEmpty
        {
            options.buildArguments.append(BuildArgument(name: epoch, value: value))
        }
        options.labels = labels.map { text in
            let (name, value) = Self.pair(text)
            return (name: name, value: value ?? "")
        }
        try sources.apply(to: &options)
        try outputs.apply(to: &options)
        options.run = try runOptions.options()
        return options
    }

    private static func title(_ context: String, _ location: ContextLocation) -> String {
        switch location {
        case .directory(let path): path
        case .remote(let remote): "\(remote)"
        case .stream, .none: "standard input"
        }
    }

    /// As with Docker, scripts may give an option without a value for none.
    private static func given(_ text: String?) -> String? {
        text.flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func pair(_ text: String) -> (name: String, value: String?) {
        guard let equals = text.firstIndex(of: "=") else { return (text, nil) }
        return (String(text[..<equals]), String(text[text.index(after: equals)...]))
    }
}
