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
            """)
    enum Progress: String, ExpressibleByArgument, CaseIterable { case auto, plain, tty, quiet }

    @OptionGroup var store: StoreOptions
    @Option(name: .shortAndLong, help: "Name the image; may be given several times.")
    var tag: [String] = []
    @Option(name: .shortAndLong, help: "The Dockerfile (PATH/Dockerfile); - is standard input.")
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
        help: "The network of RUN steps: default (the host's), host, none or sandbox (its own).")
    var network = "default"
    @Option(help: "auto, plain, tty or quiet.") var progress = Progress.auto
    @Option(
        name: .customLong("label"), help: ArgumentHelp("Set a label.", valueName: "name=value"))
    var labels: [String] = []
    @Option(help: "The platform, as os/arch.") var platform: String?
    @Flag(name: .shortAndLong, help: "Print the image ID only.") var quiet = false
    @Option(help: ArgumentHelp("Write the image ID to a file.", valueName: "file"))
    var iidfile: String?
    @Argument(
        help: "The build context: a directory, or - for a tar or a Dockerfile on standard input.")
    var context: String

    func validate() throws {
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
        let options = try options()
        let engine = try store.engine()
        let idFile = iidfile.map { ImageIDFile($0) }
        try idFile?.clear()
        let interruption = BuildInterruption()
        let listener = SignalListener { interruption.receive($0) }
        let display = BuildDisplay(progress, quiet: quiet)
        let result: BuildResult
        do {
            result = try engine.build(
                options, context: location, observer: display.observer,
                cancellation: interruption.cancellation)
            display.finish()
        } catch let error as BuildError {
            display.finish()
            report(error)
            throw ExitCode(error.code == .cancelled ? interruption.exitCode ?? 1 : 1)
        }
        withExtendedLifetime(listener) {}
        try idFile?.write(result.image)
        if quiet || progress == .quiet { Terminal.write("\(result.image)\n") }
    }

    private func report(_ error: BuildError) {
        Terminal.writeError("\(error.rendered(isTerminal: Terminal.errorIsTerminal))\n")
        guard let command = error.command else { return }
        let environment = ProcessInfo.processInfo.environment
        // Who has no place for a gallery is told of the log alone.
        if let gallery = try? StoreLocation.gallery(environment: environment) {
            let failed = "\(gallery)/builds/\(command.build)/failed"
            Terminal.writeError("its files: \(failed) (\"vitrine serve\" shows them)\n")
        }
        Terminal.writeError("its whole output: \(command.logPath)\n")
    }

    private func options() throws -> BuildOptions {
        var options = BuildOptions(
            tags: try tag.map { try Engine.buildTag($0) }, target: target,
            ignoresCache: noCache, network: try Engine.buildNetwork(network),
            title: context == "-" ? "standard input" : try StoreLocation.absolute(context))
        switch file {
        case nil: break
        case "-"?: options.dockerfile = .stream(STDIN_FILENO)
        case let path?:
            options.dockerfile =
                context == "-" ? .inContext(path) : .onHost(try StoreLocation.absolute(path))
        }
        for text in buildArguments {
            let (name, value) = Self.pair(text)
            if let value = value ?? ProcessInfo.processInfo.environment[name] {
                options.buildArguments.append(BuildArgument(name: name, value: value))
            }
        }
        options.labels = labels.map { text in
            let (name, value) = Self.pair(text)
            return (name: name, value: value ?? "")
        }
        if let platform { options.platform = try Platform.parse(platform) }
        return options
    }

    private static func pair(_ text: String) -> (name: String, value: String?) {
        guard let equals = text.firstIndex(of: "=") else { return (text, nil) }
        return (String(text[..<equals]), String(text[text.index(after: equals)...]))
    }
}

/// How a build's progress is shown.
final class BuildDisplay {
    let observer: any BuildObserver
    private var stop: (() -> Void)?

    init(_ progress: BuildCommand.Progress, quiet: Bool) {
        if quiet || progress == .quiet {
            observer = QuietProgress()
            return
        }
        let live = progress == .tty || (progress == .auto && Terminal.errorIsTerminal)
        guard live else {
            observer = PlainProgress(isTerminal: Terminal.errorIsTerminal) {
                StandardStream.error.write($0)
            }
            return
        }
        let terminal = TerminalProgress(
            columns: { HostTerminal.columns(of: STDERR_FILENO) }, { Terminal.writeError($0) })
        observer = terminal
        let timer = DispatchSource.makeTimerSource()
        timer.schedule(deadline: .now(), repeating: .milliseconds(100))
        timer.setEventHandler { terminal.tick() }
        timer.activate()
        stop = { timer.cancel() }
    }

    func finish() {
        stop?()
        stop = nil
    }
}
